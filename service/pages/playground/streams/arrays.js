// The arrays of a network in a table: name, shape, first values and digest; a row chooses whose lines are shown.
import { firstValues } from "./asked.js";
import { nameOf } from "./names.js";
import { h } from "../frame/dom.js";
import { edit, update } from "../frame/state.js";
import { copy } from "../take/copying.js";
import { number, t } from "../words/language.js";

const AT_FIRST = 20;
const MORE = 40;
const DIGEST = 10; // hexadecimal digits that are shown
let shownRows = AT_FIRST;

export const shapeOf = (shape) => (shape.length ? shape.join(" × ") : "1");

// `own` is in the framework's layout, `shown` in the one in view: rows are of the latter, and choose in the former.
export function arraysTable(shown, own, at) {
  const rows = shown.layers.flatMap((layer, index) => layer.parameters.map((parameter, place) => ({ layer, index, parameter, place })));
  const some = rows.slice(0, Math.max(shownRows, AT_FIRST));
  return h(
    "section",
    { class: "card arrays" },
    h("h2", {}, t("streams.arrays")),
    h("p", { class: "note" }, t("streams.arrays.note")),
    h(
      "div",
      { class: "table", tabindex: 0, role: "region", "aria-label": t("streams.arrays"), "data-key": "arrays", "data-scroll": "arrays" },
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, t("streams.arrays")),
        h("thead", {}, h("tr", {}, ["array", "shape", "values", "digest"].map((name) => h("th", { scope: "col" }, t(`streams.${name}`))))),
        h("tbody", {}, some.map((row) => rowOf(row, shown, own, at))),
      ),
    ),
    rows.length > some.length ? moreButton(rows.length - some.length) : null,
  );
}

function rowOf({ layer, index, parameter, place }, shown, own, at) {
  const name = nameOf(shown, layer, parameter);
  const twins = own.layers[index]?.parameters ?? [];
  const target = { layer: index, parameter: Math.min(place, twins.length - 1) };
  const chosen = index === at.layer && target.parameter === at.parameter;
  const choose = () => edit("array", ({ streams }) => Object.assign(streams, target));
  const values = firstValues(parameter);
  return h(
    "tr",
    { class: chosen ? "chosen" : null },
    h(
      "th",
      { scope: "row" },
      h("button", { type: "button", class: "plain", "data-key": `array-${name}`, "aria-pressed": `${chosen}`, "aria-label": t("streams.choose", { name }), onclick: choose }, name),
    ),
    h("td", {}, shapeOf(parameter.shape), parameter.dtype === shown.dtype ? null : ` · ${parameter.dtype}`),
    h("td", { class: "first" }, values ? `${values.map(number).join("  ")} …` : values === null ? "–" : " "),
    h("td", {}, digestOf(parameter, name)),
  );
}

function digestOf({ sha256 }, name) {
  if (!sha256) return "–";
  const what = t("streams.digest.of", { name });
  const some = `${sha256.slice(0, DIGEST)}…`;
  return h(
    "button",
    { type: "button", class: "plain digest", "data-key": `digest-${name}`, title: sha256, "aria-label": `${some} ${t("take.copy", { what })}`, onclick: () => copy(sha256, what) },
    some,
  );
}

function moreButton(left) {
  const more = () => update(() => (shownRows += MORE));
  return h("button", { type: "button", class: "quiet", "data-key": "more-arrays", onclick: more }, t("streams.more", { count: Math.min(MORE, left) }));
}
