// The pictures of Glorot and He: sizes by depth of known starts, and of one whose variance a slider sets.
import { h } from "../frame/dom.js";
import { edit } from "../frame/state.js";
import { exact, number, t } from "../words/language.js";
import { rangeField } from "../network/fields.js";
import { measured } from "./measured.js";
import { chip, threeDigits } from "./signal.js";
import { sizesFigure, told, waySwitch } from "./sizes.js";
import { specOf } from "./steps.js";

const [LEAST, MOST] = [-1.3, 1]; // powers of ten
const BATCH = 32; // examples: enough for sizes, and quick
const OLD = 0.333; // U(−1/√n, 1/√n) has a third of 1/n

const scaling = (factor) => ({ name: "variance_scaling", scale: factor, mode: "fan_in", distribution: "uniform" });
const known = {
  old: { factor: 1 / 3, kind: "is-old" },
  glorot: { factor: 1, kind: "is-glorot" },
  he: { factor: 2, kind: "is-he" },
};

// One activation, both ways; beside the reader's own factor the starts that are `named`.
export function factors({ id, network }, context, activations, named) {
  const { shared, width, keep } = context;
  const factor = clamped(shared.lesson.factor[id]);
  const way = shared.lesson.way[id] === "backward" ? "backward" : "forward";
  const both = width >= 620 && activations.length > 1;
  const each = both ? (width - 20) / 2 : width;
  const figures = activations.map((activation) => {
    const about = { ...network, activation };
    const series = [
      ...named.map((name) => seriesOf(`${id}/${activation}/${name}`, about, known[name].factor, known[name].kind, t(`lesson.start.${name}`))),
      seriesOf(`${id}/${activation}/own`, about, factor, "is-own", t("lesson.start.own")),
    ];
    const layers = series.map((one) => one.layers);
    const title = t(`lesson.sizes.${way}`, { activation: t(`lesson.activation.${activation}`), depth: network.depth });
    const make = () => sizesFigure({ series, way, width: each, height: both ? 340 : 380, key: `${id}-${activation}`, title });
    return { layers: layers.at(-1), figure: keep(`${id}-${activation}`, [...layers, way, each, factor], make), activation };
  });
  return h(
    "div",
    { class: "lesson-figure" },
    h("div", { class: "lesson-controls" }, slider(id, factor, named), waySwitch(way, (chosen) => edit("lesson way", ({ lesson }) => (lesson.way[id] = chosen)))),
    h("p", { class: "lesson-read", role: "status" }, figures.map(({ layers, activation }) => read(layers, way, factor, activation))),
    h("div", { class: both ? "lesson-both" : "lesson-one" }, figures.map(({ figure }) => figure)),
  );
}

const seriesOf = (slot, network, factor, kind, text) => ({
  kind,
  text,
  layers: measured(slot, specOf({ ...network, scheme: scaling(factor) }), BATCH),
});

function slider(id, factor, named) {
  const set = (value) => edit("lesson factor", ({ lesson }) => (lesson.factor[id] = value));
  return [
    rangeField({
      key: `lesson/${id}/factor`,
      label: t("lesson.factor"),
      value: Math.log10(factor),
      least: LEAST,
      most: MOST,
      step: 0.01,
      text: exact(factor),
      set: (value) => set(threeDigits(10 ** value)),
    }),
    h(
      "div",
      { class: "chips", role: "group", "aria-label": t("lesson.places") },
      named.map((name) => {
        const place = name === "old" ? OLD : known[name].factor;
        return chip(`${t(`lesson.start.${name}`)}: ${exact(place)}`, place === factor, () => set(place));
      }),
    ),
  ];
}

function read(layers, way, factor, activation) {
  if (!layers) return null;
  const sizes = layers.map((layer) => layer[way].rms);
  const begin = way === "forward" ? 1 : sizes.at(-1);
  const words = { factor: exact(factor), size: number(told(sizes, way) / begin), activation: t(`lesson.activation.${activation}`) };
  return h("span", {}, t(`lesson.factor.${way}`, words), " ");
}

function clamped(factor) {
  const value = Number(factor);
  return value > 0 ? Math.min(10 ** MOST, Math.max(10 ** LEAST, value)) : 1;
}
