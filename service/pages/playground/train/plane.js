// The examples of a plane with what a network makes of it: two tones where it answers either class, a line between them.
import { svg } from "../frame/dom.js";
import { Chart, figure, linear } from "../charts/charts.js";
import { number, percent, t } from "../words/language.js";
import { chanceIn } from "./looks.js";

const TONES = [
  [86, 104, 224],
  [222, 160, 20],
]; // of either class; laid over light and dark paper alike
const OPAQUE = 150; // of 255, where the network is certain
const FINE = 150; // pixels of a side under which points are smaller
const DOT = 0; // length of a point's line: its round or square caps are what is seen
const FRAME = { left: 30, right: 8, top: 6, bottom: 26 };
export const CLASSES = ["a", "b"];

// `look` is null before a network has been seen.
export function planeFigure({ examples, look, width, key, title, note }) {
  const { low, high } = look?.boundary ?? squareAround(examples.points);
  const side = width - FRAME.left - FRAME.right;
  const axis = (place) => ({ scale: linear(low[place], high[place]), ticks: [-2, -1, 0, 1, 2] });
  const shares = look && sharesOf(examples, look.boundary);
  const chart = new Chart({
    width,
    height: side + FRAME.top + FRAME.bottom,
    margin: FRAME,
    x: axis(0),
    y: axis(1),
    label: look ? t("train.plane.text", { title, ...spokenShares(shares) }) : t("train.plane.points", { title }),
  });
  if (look) {
    chart.back.append(toned(chart, look.boundary));
    chart.add("path", { class: "divide", d: divide(chart, look.boundary) });
  }
  chart.svg.classList.toggle("fine", side < FINE);
  for (const label of [0, 1]) drawPoints(chart, examples, label);
  if (look) chart.reads(() => stopsOf(chart, look.boundary));
  return figure({ key, title, chart: chart.svg, note, table: tableOf(title, examples, shares) });
}

function squareAround(points) {
  const reach = Math.ceil(2 * (Math.max(...points.flat().map(Math.abs)) + 0.1)) / 2;
  return { low: [-reach, -reach], high: [reach, reach] };
}

const canvas = document.createElement("canvas");

// A pixel for each cell, made smooth by being drawn large.
function toned({ left, top, right, bottom }, boundary) {
  const { size } = boundary;
  canvas.width = canvas.height = size;
  const pixels = new ImageData(size, size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const chance = chanceIn(boundary, column, row);
      if (Number.isNaN(chance)) continue;
      const tone = TONES[chance > 0.5 ? 1 : 0];
      pixels.data.set([...tone, OPAQUE * Math.abs(2 * chance - 1)], 4 * ((size - 1 - row) * size + column));
    }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  const href = canvas.toDataURL();
  return svg("image", { href, x: left, y: top, width: right - left, height: bottom - top, preserveAspectRatio: "none" });
}

const centre = ({ low, high, size }, axis, cell) => low[axis] + ((cell + 0.5) * (high[axis] - low[axis])) / size;

// Where both classes are as likely: along the sides of squares between four cells, from crossing to crossing.
function divide(chart, boundary) {
  const { size } = boundary;
  let path = "";
  for (let row = 0; row < size - 1; row++)
    for (let column = 0; column < size - 1; column++) {
      const corners = [
        [column, row],
        [column + 1, row],
        [column + 1, row + 1],
        [column, row + 1],
      ].map(([x, y]) => [x, y, chanceIn(boundary, x, y) - 0.5]);
      const crossings = corners.map((corner, index) => crossing(corner, corners[(index + 1) % 4])).filter(Boolean);
      for (let index = 0; index + 1 < crossings.length; index += 2) {
        const [from, to] = [crossings[index], crossings[index + 1]].map(([x, y]) => [
          chart.X(centre(boundary, 0, x)).toFixed(1),
          chart.Y(centre(boundary, 1, y)).toFixed(1),
        ]);
        path += `M${from.join(" ")}L${to.join(" ")}`;
      }
    }
  return path || "M0 0";
}

function crossing([x, y, value], [nextX, nextY, next]) {
  if (!(value < 0 !== next < 0) || Number.isNaN(value + next)) return null;
  const share = value / (value - next);
  return [x + share * (nextX - x), y + share * (nextY - y)];
}

function drawPoints(chart, { points, labels }, label) {
  const path = points
    .filter((_, index) => labels[index] === label)
    .map(([x, y]) => `M${chart.X(x).toFixed(1)} ${chart.Y(y).toFixed(1)}h${DOT}`)
    .join("");
  for (const part of ["rim", "heart"]) chart.add("path", { class: `points class-${CLASSES[label]} ${part}`, d: path });
}

// Of each class, how many points there are, and how many lie where the network answers so.
function sharesOf({ points, labels }, boundary) {
  const { low, high, size } = boundary;
  const cell = (value, axis) => Math.max(0, Math.min(size - 1, Math.floor((size * (value - low[axis])) / (high[axis] - low[axis]))));
  return [0, 1].map((label) => {
    const own = points.filter((_, index) => labels[index] === label);
    const right = own.filter(([x, y]) => chanceIn(boundary, cell(x, 0), cell(y, 1)) > 0.5 === (label === 1));
    return { count: own.length, right: right.length };
  });
}

const spokenShares = ([a, b]) => ({ a: percent(a.right / a.count), b: percent(b.right / b.count) });

function tableOf(title, { labels }, shares) {
  const counts = [0, 1].map((label) => labels.filter((one) => one === label).length);
  return {
    caption: title,
    columns: [t("train.class"), t("train.points"), t("train.own-side")],
    rows: CLASSES.map((name, label) => [t(`train.class.${name}`), counts[label], shares ? percent(shares[label].right / counts[label]) : "–"]),
  };
}

function stopsOf(chart, boundary) {
  const cells = Array.from({ length: boundary.size }, (_, cell) => cell);
  return cells.toReversed().map((row) =>
    cells.map((column) => {
      const [x, y] = [centre(boundary, 0, column), centre(boundary, 1, row)];
      const chance = chanceIn(boundary, column, row);
      const likely = chance > 0.5 ? 1 : 0;
      const words = { name: t(`train.class.${CLASSES[likely]}`), share: percent(likely ? chance : 1 - chance) };
      return { x: chart.X(x), y: chart.Y(y), words: [`${number(x)}, ${number(y)}`, t("train.likely", words)] };
    }),
  );
}

export const pointSample = (name) =>
  svg(
    "svg",
    { class: "sample", viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" },
    ["rim", "heart"].map((part) => svg("path", { class: `points class-${name} ${part}`, d: "M6 6h0" })),
  );
