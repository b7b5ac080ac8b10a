// The weights of a run's layers at a step, as histograms on one axis, beside what they were at the start.
import { svg } from "../frame/dom.js";
import { Chart, figure, linear } from "../charts/charts.js";
import { exact, number, t } from "../words/language.js";
import { lineOf } from "./lines.js";

const MOST = 8; // layers that are shown, evenly from the first to the last
const ROW = 30; // pixels of a layer
const PEAK = 0.86; // of a row, at the most
const LETTER = 6.4; // pixels of a letter of a layer's name
const FRAME = { right: 10, top: 4, bottom: 24 };

export function weightsFigure({ run, look, width, key, title, note }) {
  const start = run.looks[0];
  const layers = shown(look.weights);
  const reach = reachOf(run.looks);
  const left = Math.min(width / 3, 12 + LETTER * Math.max(...layers.map(({ name }) => name.length)));
  const values = layers.map(({ name, low, high }) => `${name} ${number(low)} … ${number(high)}`).join("; ");
  const chart = new Chart({
    width,
    height: heightOf(look),
    margin: { ...FRAME, left },
    label: t("train.weights.text", { title, step: look.step, values }),
    x: { scale: linear(-reach, reach), format: exact },
    y: { scale: linear(0, layers.length), ticks: [] },
  });
  layers.forEach((layer, index) => {
    const floor = layers.length - 1 - index;
    const before = start.weights.find(({ name }) => name === layer.name);
    chart.add("text", { x: left - 6, y: chart.Y(floor) - 6, "text-anchor": "end" }, layer.name);
    chart.add("path", { class: `ridge ${lineOf(run.start)}`, d: ridge(chart, layer, floor, true) });
    if (before) chart.add("path", { class: "ridge at-start", d: ridge(chart, before, floor, false) });
  });
  chart.reads(() => layers.map((layer, index) => stopsOf(chart, layer, layers.length - 1 - index)));
  return figure({ key, title, chart: chart.svg, note, table: tableOf(title, layers, start) });
}

export const heightOf = ({ weights }) => Math.min(MOST, weights.length) * ROW + FRAME.top + FRAME.bottom;

function shown(layers) {
  if (layers.length <= MOST) return layers;
  return Array.from({ length: MOST }, (_, index) => layers[Math.round((index * (layers.length - 1)) / (MOST - 1))]);
}

// The same for every step, so that what moves are weights, not the axis.
function reachOf(looks) {
  const ends = looks.flatMap(({ weights }) => weights.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));
  return Math.max(...ends.filter(Number.isFinite)) || 1;
}

const peakOf = ({ counts }) => Math.max(...counts);
const middle = ({ low, high, counts }, bin) => low + ((bin + 0.5) * (high - low)) / counts.length;

function ridge(chart, layer, floor, closed) {
  const { low, high, counts } = layer;
  const peak = peakOf(layer) / PEAK;
  const width = (high - low) / counts.length;
  let path = `M${chart.X(low).toFixed(1)} ${chart.Y(floor).toFixed(1)}`;
  counts.forEach((count, bin) => {
    path += `V${chart.Y(floor + count / peak).toFixed(1)}H${chart.X(low + (bin + 1) * width).toFixed(1)}`;
  });
  return `${path}V${chart.Y(floor).toFixed(1)}${closed ? "z" : ""}`;
}

const stopsOf = (chart, layer, floor) =>
  [...layer.counts].map((count, bin) => ({
    x: chart.X(middle(layer, bin)),
    y: chart.Y(floor + (PEAK * count) / peakOf(layer)),
    words: [layer.name, t("train.weights.about", { value: number(middle(layer, bin)), count: number(count) })],
  }));

function tableOf(title, layers, start) {
  return {
    caption: title,
    columns: [t("train.layer"), t("train.least"), t("train.greatest"), t("train.least.start"), t("train.greatest.start")],
    rows: layers.map(({ name, low, high }) => {
      const before = start.weights.find((layer) => layer.name === name);
      return [name, number(low), number(high), number(before?.low), number(before?.high)];
    }),
  };
}

export const weightSample = (kind) =>
  svg("svg", { class: "sample", viewBox: "0 0 26 12", width: 26, height: 12, "aria-hidden": "true" }, svg("path", { class: kind, d: "M1 11V7H7V2H17V6H25V11z" }));
