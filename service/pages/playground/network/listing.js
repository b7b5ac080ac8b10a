// The tensors of a listing, by module: their shapes, what each was taken for, and what is left alone.
import { h, keeper } from "../frame/dom.js";
import { update } from "../frame/state.js";
import { t } from "../words/language.js";
import { errorsUnder, errorWords } from "./fields.js";
import { planned } from "./planned.js";

const CHUNK = 100; // tensors that are drawn at once

// Modules together, layer 2 before layer 10.
const inOrder = new Intl.Collator("en", { numeric: true }).compare;
const keep = keeper();
let shown = CHUNK;

export function tensorsList(spec, { problems }) {
  const plan = planned(spec);
  const kinds = kindsOf(plan);
  const names = Object.keys(spec.tensors).toSorted(inOrder);
  const wrong = new Map(names.map((name) => [name, problems.length ? errorsUnder(problems, `/tensors/${escaped(name)}`) : []]));
  const first = names.slice(0, shown);
  return [
    h("p", { class: "note" }, t("listing.note", { layout: spec.layout ?? "pytorch" })),
    plan && summaryOf(names, kinds),
    keep("table", [spec.tensors, plan, shown, JSON.stringify([...wrong.values()])], () => table(first, spec, kinds, wrong)),
    names.length > shown && h("button", { type: "button", class: "quiet more", "data-key": "more-tensors", onclick: () => update(() => (shown += CHUNK)) }, t("stack.more", { next: Math.min(CHUNK, names.length - shown), left: names.length - shown })),
  ].filter(Boolean);
}

const escaped = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");

// What each tensor was taken for, by its name in the listing.
function kindsOf(plan) {
  const kinds = new Map();
  for (const { name, parameters } of plan?.layers ?? [])
    for (const parameter of parameters)
      for (const key of [`${name}.${parameter.name}`, `${name}/${parameter.name}`, parameter.name || name, `${name}${parameter.name}`])
        if (!kinds.has(key)) kinds.set(key, { ...parameter.taken_for, formula: parameter.formula });
  for (const [name, taken] of Object.entries(plan?.left_alone ?? {})) kinds.set(name, { ...taken, alone: true });
  return kinds;
}

// "96 dense, 49 norm, …": each kind with how many there are.
function summaryOf(names, kinds) {
  const counts = new Map();
  for (const name of names) {
    const kind = kinds.get(name)?.kind;
    if (kind) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sorted = [...counts].toSorted(([, one], [, other]) => other - one);
  return h("ul", { class: "kinds" }, sorted.map(([kind, count]) => h("li", {}, h("strong", {}, `${count}`), ` ${t(`kind.${kind}`)}`)));
}

function table(names, spec, kinds, wrong) {
  const shapeOf = (entry) => (Array.isArray(entry) ? entry : entry.shape).join(" × ") || t("listing.scalar");
  return h(
    "div",
    { class: "tensors", role: "region", tabindex: "0", "aria-label": t("way.tensors") },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ["listing.name", "field.shape", "listing.kind"].map((key) => h("th", { scope: "col" }, t(key))))),
      h(
        "tbody",
        {},
        names.map((name) => {
          const taken = kinds.get(name);
          return h(
            "tr",
            { class: wrong.get(name).length ? "wrong" : null },
            h("th", { scope: "row" }, name),
            h("td", {}, shapeOf(spec.tensors[name])),
            h("td", { title: taken?.why }, wrong.get(name).length ? h("span", { class: "error" }, errorWords(wrong.get(name))) : taken ? t(`kind.${taken.kind}`) : "…", taken?.alone ? h("span", { class: "note" }, ` · ${t("listing.alone")}`) : null),
          );
        }),
      ),
    ),
  );
}
