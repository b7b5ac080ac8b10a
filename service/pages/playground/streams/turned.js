// How layouts turn the arrays of a layer: their names and shapes in each, and the corner of a matrix beside its turned twin.
import { corner, LAYOUTS, placesOf } from "./asked.js";
import { shapeOf } from "./arrays.js";
import { nameOf, separatorOf } from "./names.js";
import { areaSample, figure } from "../charts/charts.js";
import { h, svg } from "../frame/dom.js";
import { exact, number, t } from "../words/language.js";

const [ROWS, COLUMNS] = [5, 8];
const [CELL, GAP, TOP, LEFT] = [22, 64, 26, 2];
const WIDTH = LEFT + (COLUMNS + ROWS) * CELL + GAP + 2;

export function turned(spec, own, at, keep) {
  const layer = spec.layers?.[whichOf(spec, own, at)];
  if (!layer) return null;
  const places = placesOf(layer);
  const matrix = own.layers[at.layer].parameters.find(({ shape }) => shape.length === 2);
  return h(
    "section",
    { class: "card turning" },
    h("h2", {}, t("streams.turn")),
    h("p", { class: "note" }, t("streams.turn.text")),
    h("h3", {}, t("streams.turn.layer", { layer: own.layers[at.layer].name })),
    h("div", { class: "layouts" }, LAYOUTS.map((layout) => placed(layout, own.layers[at.layer].name, places?.[layout], own.layout))),
    matrix && places ? picture(own, own.layers[at.layer], matrix, places, keep) : null,
  );
}

// A spec's layers without weights are not among those that the service answers.
const whichOf = (spec, own, at) => spec.layers.findIndex((layer, index) => (layer.name || `${layer.type}_${index}`) === own.layers[at.layer].name);

function placed(layout, name, arrays, own) {
  return h(
    "div",
    { class: layout === own ? "layout own" : "layout" },
    h("h4", {}, layout),
    h(
      "ul",
      {},
      (arrays ?? []).map((array) => h("li", {}, h("code", {}, `${name}${separatorOf(layout)}${array.name}`), " ", h("span", { class: "note" }, shapeOf(array.shape)))),
    ),
  );
}

// Of a matrix alone, and where another layout has it with its axes changed round.
function picture(own, layer, matrix, places, keep) {
  const other = LAYOUTS.find((layout) => places[layout]?.some(({ shape }) => isTurned(shape, matrix.shape)));
  if (!other) return null;
  const twin = places[other].find(({ shape }) => isTurned(shape, matrix.shape));
  const [rows, columns] = [Math.min(ROWS, matrix.shape[0]), Math.min(COLUMNS, matrix.shape[1])];
  const values = corner(matrix, rows, columns);
  if (!values) return null;
  const one = nameOf(own, layer, matrix);
  const second = nameOf({ layout: other }, layer, twin);
  return keep("turned", [values, one, second], () => drawn(values, one, second));
}

const isTurned = (shape, from) => shape.length === 2 && shape[0] === from[1] && shape[1] === from[0] && shape[0] !== shape[1];

function drawn(values, one, other) {
  const [rows, columns] = [values.length, values[0].length];
  const most = Math.max(...values.flat().map(Math.abs)) || 1;
  const label = t("streams.turn.label", { rows, columns, one, other });
  const turnedRight = LEFT + columns * CELL + GAP;
  const chart = svg(
    "svg",
    { class: "chart turn", viewBox: `0 0 ${WIDTH} ${TOP + Math.max(rows, columns) * CELL + 4}`, role: "img", "aria-label": label },
    svg("text", { x: LEFT, y: 15 }, one),
    svg("text", { x: turnedRight, y: 15 }, other),
    values.map((row, y) => row.map((value, x) => [cell(value / most, LEFT + x * CELL, TOP + y * CELL), cell(value / most, turnedRight + y * CELL, TOP + x * CELL)])),
    svg("rect", { class: "marked", x: LEFT, y: TOP, width: columns * CELL, height: CELL }),
    svg("rect", { class: "marked", x: turnedRight, y: TOP, width: CELL, height: columns * CELL }),
    svg("path", { class: "turn-arrow", d: `M${turnedRight - GAP + 14} ${TOP + CELL / 2}H${turnedRight - 12}m-6 -5l6 5l-6 5` }),
  );
  return figure({
    key: "turned",
    title: t("streams.turn.figure", { one, other }),
    chart,
    entries: [
      { sample: areaSample("marked"), text: t("streams.turn.marked") },
      { sample: areaSample("value-low"), text: t("streams.turn.low") },
      { sample: areaSample("value-high"), text: t("streams.turn.high") },
    ],
    table: { caption: label, columns: [t("streams.turn.row"), ...values[0].map((_, column) => exact(column + 1))], rows: values.map((row, index) => [exact(index + 1), ...row.map(number)]) },
  });
}

const cell = (share, x, y) =>
  svg("rect", { class: share < 0 ? "value-low" : "value-high", x: x + 0.5, y: y + 0.5, width: CELL - 1, height: CELL - 1, opacity: (0.08 + 0.92 * Math.abs(share)).toFixed(2) });
