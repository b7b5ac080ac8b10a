// How large signals or gradients are, layer by layer, of several starts on one axis that stays where it is.
import { Chart, figure, linear, lineSample, logarithmic } from "../charts/charts.js";
import { h } from "../frame/dom.js";
import { number, t } from "../words/language.js";

const LOW = 1e-8;
const HIGH = 1e4;

// `series` are {text, kind, layers}; layers of null are still being measured. `way` is forward or backward.
export function sizesFigure({ series, way, width, height, key, title, note }) {
  const known = series.filter(({ layers }) => layers);
  const depth = Math.max(1, ...known.map(({ layers }) => layers.length));
  const sizes = known.map(({ layers }) => layers.map((layer) => layer[way].rms ?? NaN));
  const ends = known.map(({ text }, index) => `${text} ${number(told(sizes[index], way))}`).join("; ");
  const chart = new Chart({
    width,
    height,
    zero: true,
    label: t("lesson.sizes.text", { title, ends }),
    x: { scale: linear(0.5, depth + 0.5), label: t("depth.layer"), format: (place) => `${place}` },
    y: { scale: logarithmic(LOW, HIGH), label: "rms" },
  });
  chart.line([[0.5, 1], [depth + 0.5, 1]], "kept");
  known.forEach(({ kind }, index) => {
    const points = sizes[index].map((size, place) => [place + 1, size]);
    chart.line(points, `size ${kind}`);
    const [x, y] = points[way === "forward" ? points.length - 1 : 0];
    if (Number.isFinite(y)) chart.add("circle", { class: `size-end ${kind}`, cx: chart.X(x), cy: chart.Y(y), r: 5 });
  });
  chart.reads(() => known.map(({ text }, index) => stopsOf(chart, text, sizes[index])));
  return figure({
    key,
    title,
    chart: chart.svg,
    note,
    entries: [
      ...series.map(({ kind, text }) => ({ sample: lineSample(`size ${kind}`), text })),
      { sample: lineSample("kept"), text: t("lesson.sizes.kept") },
    ],
    table: {
      caption: title,
      columns: [t("depth.layer"), ...known.map(({ text }) => text)],
      rows: Array.from({ length: depth }, (_, place) => [`${place + 1}`, ...sizes.map((row) => number(row[place]))]),
    },
  });
}

// Signals come out at the last layer, gradients at the first.
export const told = (sizes, way) => (way === "forward" ? sizes.at(-1) : sizes[0]);

const stopsOf = (chart, text, sizes) =>
  sizes.flatMap((size, place) =>
    Number.isFinite(size)
      ? [{ x: chart.X(place + 1), y: chart.Y(size), words: [text, t("lesson.sizes.read", { layer: place + 1, size: number(size) })] }]
      : [],
  );

// A switch between the two ways.
export function waySwitch(way, set) {
  const one = (name) =>
    h(
      "button",
      { type: "button", class: "chip", "data-key": `way-${name}`, "aria-pressed": `${name === way}`, onclick: () => set(name) },
      t(`lesson.way.${name}`),
    );
  return h("div", { class: "chips", role: "group", "aria-label": t("lesson.way") }, ["forward", "backward"].map(one));
}
