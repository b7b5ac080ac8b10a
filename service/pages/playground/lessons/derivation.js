// Where the factors come from, folded away: variance in, variance out, in five lines with the reader's own sizes.
import { h } from "../frame/dom.js";
import { edit } from "../frame/state.js";
import { number, t } from "../words/language.js";
import { formula } from "./formula.js";
import { rangeField } from "../network/fields.js";
import { measured } from "./measured.js";

const LINES = { scale: "glorot", glorot: "glorot", he: "he", keras: "he" };
const [LEAST, MOST] = [3, 8]; // powers of two
const BATCH = 64;

export const isDerived = (id) => id in LINES;

export function derivation(id, { shared, handout, keep }) {
  const kind = LINES[id];
  const [fanIn, fanOut] = [shared.lesson.fan_in, shared.lesson.fan_out].map(sizeOf);
  const [found] = measured(`derivation/${kind}`, oneLayer(kind, fanIn, fanOut), BATCH) ?? [];
  return keep(`derivation-${id}`, [handout, fanIn, fanOut, found], () => folded(id, kind, handout, { fanIn, fanOut, found }));
}

function folded(id, kind, open, { fanIn, fanOut, found }) {
  return h(
    "details",
    { class: "card lesson-derivation", "data-key": `derivation-${id}`, open },
    h("summary", { "data-key": `derivation-summary-${id}` }, t(`lesson.derivation.${kind}`)),
    h("div", { class: "lesson-controls" }, slider(id, "fan_in", "n_in", fanIn), slider(id, "fan_out", "n_out", fanOut)),
    h(
      "ol",
      { class: "lesson-lines" },
      [1, 2].map((line) => h("li", {}, formula(t(`lesson.derivation.${line}`)))),
      [3, 4, 5].map((line) => h("li", {}, formula(t(`lesson.derivation.${kind}.${line}`)))),
    ),
    h("p", { class: "lesson-read", role: "status" }, formula(t(`lesson.derivation.${kind}.numbers`, sums(kind, fanIn, fanOut, found)))),
  );
}

function oneLayer(kind, fanIn, fanOut) {
  const layer = { name: "one", type: "dense", shape: [fanIn, fanOut], activation: "linear", scheme: `${kind}_normal` };
  return { seed: "1", layers: [layer] };
}

// `found` is the layer as it was measured, undefined while it is not.
function sums(kind, fanIn, fanOut, found) {
  const variance = kind === "he" ? 2 / fanIn : 2 / (fanIn + fanOut);
  return {
    in: fanIn,
    out: fanOut,
    forward: number(Math.sqrt(1 / fanIn)),
    backward: number(Math.sqrt(1 / fanOut)),
    std: number(Math.sqrt(variance)),
    theory: number(fanIn * variance),
    found: found ? number(found.forward.rms ** 2) : "…",
  };
}

const slider = (id, member, name, size) =>
  rangeField({
    key: `lesson/${id}/${member}`,
    label: formula(name),
    value: Math.log2(size),
    least: LEAST,
    most: MOST,
    step: 1,
    text: `${size}`,
    set: (power) => edit(`lesson ${member}`, ({ lesson }) => (lesson[member] = 2 ** power)),
  });

const sizeOf = (size) => 2 ** Math.round(Math.log2(Math.min(2 ** MOST, Math.max(2 ** LEAST, Number(size) || 2 ** LEAST))));
