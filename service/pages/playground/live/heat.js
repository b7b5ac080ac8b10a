// Weights as a heat map: a row a unit, a column an input, so that units which start equal show as equal stripes.
import "./words.js";
import { Chart, figure, linear } from "../charts/charts.js";
import { svg } from "../frame/dom.js";
import { exact, number, t } from "../words/language.js";
import { pictureOf, themeOf } from "./colours.js";
import { distinctRows, matrixOf } from "./matrix.js";

export const MOST = 128; // rows, and columns, of one picture
const [LEAST_CELL, LARGEST_CELL] = [3, 22]; // pixels of a row
const MOST_HEIGHT = 420; // pixels of all rows
const TOLD = { rows: 12, columns: 8 }; // of the table of numbers
const LEGEND = { height: 10, steps: 129, room: 46 };
const MARGIN = { left: 54, right: 10, top: 10, bottom: 38 + LEGEND.room };

// An array, {shape, data}, as a figure. `name` is its path, which tells tables of tokens from matrices of units;
// `rowsFirst` that its first axis counts units; `whole` the units and inputs of an array of which only a part is here.
export function heatFigure(array, { width, key, title, name = title, rowsFirst = false, whole = null }) {
  const matrix = matrixOf(array, name, rowsFirst);
  const rows = Math.min(MOST, matrix.units);
  const columns = Math.min(MOST, matrix.inputs);
  const size = sizeOf(array.data);
  const told = wordsOf(matrix, size);
  const about = { title, told, ...{ units: matrix.units, inputs: matrix.inputs, ...whole } };
  const chart = drawn({ matrix, rows, columns, size, about, width });
  const note = [told, croppedTo(rows, columns, about)].filter(Boolean).join(" ");
  return figure({ key, title, chart: chart.svg, note, table: tableOf(matrix, title, rows, columns) });
}

function croppedTo(rows, columns, { units, inputs }) {
  if (rows === units && columns === inputs) return null;
  const what = rows === units ? "columns" : columns === inputs ? "rows" : "both";
  return t(`heat.cropped.${what}`, { rows, columns, units, inputs });
}

const sizeOf = (data) => data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function wordsOf(matrix, size) {
  const { units } = matrix;
  if (units < 2) return t("heat.one");
  if (size === 0) return t("heat.zero", { units });
  const distinct = distinctRows(matrix);
  return t(`heat.${distinct === 1 ? "same" : distinct < units ? "some" : "different"}`, { units, distinct });
}

function drawn({ matrix, rows, columns, size, about, width }) {
  const reach = size || 1;
  const cell = Math.max(LEAST_CELL, Math.min(LARGEST_CELL, MOST_HEIGHT / rows));
  const chart = new Chart({
    width,
    height: MARGIN.top + 12 + cell * rows + MARGIN.bottom, // 12 of what the axis is called
    margin: MARGIN,
    label: t("heat.text", { ...about, low: number(-reach), high: number(reach) }),
    x: axisOf(columns),
    y: { ...axisOf(rows), label: t(matrix.isTable ? "heat.tokens" : "heat.units"), scale: linear(rows + 0.5, 0.5) },
  });
  const theme = themeOf();
  const [left, right] = [chart.left, chart.right];
  const place = { x: left, y: chart.top, width: right - left, height: chart.floor - chart.top };
  picture(chart, place, pictureOf(rows, columns, (unit, input) => matrix.at(unit, input) / reach, theme));
  const middle = { x: (left + right) / 2, y: chart.bottom + 32, "text-anchor": "middle" };
  chart.add("g", { class: "axes", "aria-hidden": "true" }, svg("text", middle, t(matrix.isTable ? "heat.features" : "heat.inputs")));
  legend(chart, reach, theme);
  return chart.reads(() => stopsOf(chart, matrix, rows, columns));
}

// Whole numbers from 1 on, in the middle of each cell.
const axisOf = (count) => ({
  scale: linear(0.5, count + 0.5),
  ticks: count <= 8 ? Array.from({ length: count }, (_, index) => index + 1) : [1, ...[0.25, 0.5, 0.75, 1].map((share) => Math.round(share * count))],
  format: (place) => `${place}`,
});

const picture = (chart, place, href) =>
  chart.add("image", { ...place, href, preserveAspectRatio: "none", style: "image-rendering: pixelated", "aria-hidden": "true" });

function legend(chart, reach, theme) {
  const y = chart.height - LEGEND.room + 18;
  const width = Math.min(260, chart.right - chart.left);
  const place = { x: chart.left, y, width, height: LEGEND.height };
  picture(chart, place, pictureOf(1, LEGEND.steps, (_, step) => (2 * step) / (LEGEND.steps - 1) - 1, theme));
  const ticks = [[-reach, 0, "start"], [0, 0.5, "middle"], [reach, 1, "end"]];
  chart.add(
    "g",
    { class: "axes", "aria-hidden": "true" },
    ticks.map(([value, at, anchor]) => svg("text", { x: chart.left + at * width, y: y + LEGEND.height + 14, "text-anchor": anchor }, number(value))),
  );
}

const stopsOf = (chart, matrix, rows, columns) =>
  Array.from({ length: rows }, (_, unit) => Array.from({ length: columns }, (__, input) => stopOf(chart, matrix, unit, input)));

const stopOf = (chart, matrix, unit, input) => ({
  x: chart.X(input + 1),
  y: chart.Y(unit + 1),
  get words() {
    return [cellName(matrix, unit, input), exact(matrix.at(unit, input))];
  },
});

const cellName = ({ isTable }, unit, input) =>
  t("heat.cell", {
    row: t(isTable ? "heat.tokens" : "heat.units"),
    unit: unit + 1,
    column: t(isTable ? "heat.features" : "heat.inputs"),
    input: input + 1,
  });

function tableOf(matrix, title, rows, columns) {
  const [down, across] = [Math.min(rows, TOLD.rows), Math.min(columns, TOLD.columns)];
  const upTo = (count) => Array.from({ length: count }, (_, index) => index);
  return {
    caption: t("heat.table", { title, rows: down, columns: across }),
    columns: [t(matrix.isTable ? "heat.tokens" : "heat.units"), ...upTo(across).map((input) => `${input + 1}`)],
    rows: upTo(down).map((unit) => [`${unit + 1}`, ...upTo(across).map((input) => number(matrix.at(unit, input)))]),
  };
}
