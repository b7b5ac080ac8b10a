// The verdict at the head of the diagnosis: its words, where each layer lies, and what would start well.
import { compareWith } from "../compare/sides.js";
import { explained, term } from "../glossary/glossary.js";
import { focusOn, h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit } from "../frame/state.js";
import { differences } from "../network/spec.js";
import { number, t } from "../words/language.js";
import { spoken, summaryOf } from "../words/spoken.js";
import { mark, pill } from "./verdicts.js";
import { zonesFigure } from "./zones.js";

const EDGES = 40; // pixels of the card left and right

export function banner({ diagnosis, statistics }, spec, { schemes }, width) {
  const { verdict } = diagnosis;
  return h(
    "section",
    { class: `card verdict is-${verdict}`, "aria-labelledby": "verdict-title", tabindex: -1, "data-key": "verdict" },
    mark(verdict, 44),
    h(
      "div",
      { class: "verdict-words" },
      h("h3", { id: "verdict-title" }, term(verdict, "verdict", t(`verdict.${verdict}`))),
      alsoOf(diagnosis),
      h("p", { class: "summary" }, spoken(summaryOf(diagnosis))),
    ),
    zonesFigure(diagnosis, width - EDGES),
    h("div", { class: "verdict-notes" }, inputsOf(diagnosis), atTheTop(diagnosis)),
    diagnosis.try ? remedy(diagnosis.try, differences(spec, diagnosis.try, { schemes, statistics })) : null,
  );
}

function inputsOf({ inputs }) {
  if (!inputs?.shape) return null;
  return h("p", { class: "note" }, t("verdict.inputs", { kind: t(`inputs.${inputs.kind}`), shape: inputs.shape.join(" × ") }));
}

// Whether outputs of two inputs still differ where the network ends.
function atTheTop({ output }) {
  if (!output || output.distance === null || output.distance === undefined) return null;
  const before = output.inputs_correlation;
  const words = {
    distance: number(output.distance),
    correlation: number(output.correlation),
    inputs: Number.isFinite(before) ? t("verdict.output.inputs", { correlation: number(before) }) : "",
  };
  const places = output.places_distance;
  const alike = Number.isFinite(places) ? ` ${t("verdict.places", { distance: number(places) })}` : "";
  return h("p", { class: "note" }, explained(t("verdict.output", words), "top"), alike);
}

// What holds beside the verdict: of zeros, which are dead, also that all units are the same; of a normal start its drift.
function alsoOf({ verdict, code, layers }) {
  const others = new Set(layers.flatMap((layer) => layer.also).filter((other) => other !== verdict));
  if (!others.size && code !== "drifts") return null;
  return h(
    "p",
    { class: "also" },
    [...others].map((other) => [t("verdict.also"), pill(other)]),
    code === "drifts" ? h("span", { class: "pill drifting" }, icon("wrong"), term("drift", "verdict", t("verdict.drifts"))) : null,
  );
}

function remedy(remedied, rows) {
  return h(
    "div",
    { class: "remedy" },
    h("h4", {}, t("try.title")),
    h("ul", {}, rows.map(changeRow)),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "main", "data-key": "try", onclick: () => apply(remedied) }, icon("yes"), t("try.apply")),
      h("button", { type: "button", class: "quiet", "data-key": "try-compare", onclick: () => compareWith(remedied) }, t("try.compare")),
    ),
  );
}

function changeRow({ field, from, to, layers }) {
  const names = layers.length > 2 ? `${layers[0]} … ${layers.at(-1)}` : layers.join(", ");
  const where = h("span", { class: "note" }, t("try.layers", { count: layers.length, names }));
  return h("li", {}, h("code", {}, t(`field.${field}`)), " ", from, " → ", h("strong", {}, to), " ", where);
}

function apply(spec) {
  edit("try", (shared) => (shared.spec = structuredClone(spec)));
  focusOn("verdict");
}
