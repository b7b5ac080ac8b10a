// The picture of Keras's defaults: what each layer gets that names no initializer, and what comes of it.
import { h } from "../frame/dom.js";
import { t } from "../words/language.js";
import { numbers } from "../charts/charts.js";
import { measured } from "./measured.js";
import { recurrentFigure } from "./recurrent.js";
import { sizesFigure } from "./sizes.js";
import { specOf } from "./steps.js";

const BATCH = 32;
const LAYERS = [
  ["Dense, Conv2D", "glorot_uniform", "–", "zeros"],
  ["LSTM", "glorot_uniform", "orthogonal", "lesson.keras.forget"],
  ["GRU, SimpleRNN", "glorot_uniform", "orthogonal", "zeros"],
  ["Embedding", "lesson.keras.embedding", "–", "–"],
];

export function defaults({ network }, { width, keep }) {
  const both = width >= 620;
  const each = both ? (width - 20) / 2 : width;
  // Keras's default by its name: what a framework gives by default is the service's to know.
  const ofScheme = (scheme) => specOf({ ...network, defaults: undefined, scheme });
  const series = [
    { text: t("lesson.keras.default"), kind: "is-glorot", layers: measured("keras/default", ofScheme("glorot_uniform"), BATCH) },
    { text: "he_normal", kind: "is-he", layers: measured("keras/he", ofScheme("he_normal"), BATCH) },
  ];
  const title = t("lesson.sizes.forward", { activation: t("lesson.activation.relu"), depth: network.depth });
  const make = () => sizesFigure({ series, way: "forward", width: each, height: 320, key: "lesson-keras", title });
  return h(
    "div",
    { class: "lesson-figure" },
    numbers({
      caption: t("lesson.keras.table"),
      columns: ["lesson.keras.layer", "kernel", "lesson.keras.recurrent", "bias"].map((key) => (key.startsWith("lesson") ? t(key) : key)),
      rows: LAYERS.map(([layer, ...cells]) => [layer, ...cells.map((cell) => (cell.startsWith("lesson") ? t(cell) : cell))]),
    }),
    h(
      "div",
      { class: both ? "lesson-both" : "lesson-one" },
      keep("keras-sizes", [...series.map(({ layers }) => layers), each], make),
      keep("keras-recurrent", [each], () => recurrentFigure({ width: each, height: 320 })),
    ),
  );
}
