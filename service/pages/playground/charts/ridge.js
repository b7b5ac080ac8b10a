// Ridges: distributions one below the other on one axis, each as high as its highest; what is compared is where they
// lie and how wide they are.
import { Chart, linear, logarithmic } from "./charts.js";
import { svg } from "../frame/dom.js";
import { exact, number, percent, power, t } from "../words/language.js";
import { markAt } from "../diagnosis/verdicts.js";

const LETTER = 6.6; // pixels of a letter
const MARK = 20; // pixels for a mark before a name
const ROOM = [
  { most: 4, step: 62, overlap: 1.15 },
  { most: 8, step: 40, overlap: 1.9 },
  { most: 14, step: 31, overlap: 1.9 },
  { most: Infinity, step: 22, overlap: 1.9 },
]; // up to so many ridges: pixels from one to the next, and the height of a ridge in these
const HEAD = 22;
const FOOT = 42;
const ZEROS = 32; // pixels of the strip for values of 0, left of an axis of magnitudes
const COLUMN = { wide: 68, narrow: 46 };
const NARROW = 420;
export const BARELY = 0.005; // a share below it is not told

const roomOf = (count) => ROOM.find(({ most }) => count <= most);

export function ridgesHeight(count) {
  const { step, overlap } = roomOf(count);
  return HEAD + step * (count - 1 + overlap) + FOOT;
}

// `rows` are {name, verdict, bins, zero, cells, curve}: bins as in masses.js, `zero` the share that is exactly 0, cells
// what stands beside it under `heads`, `curve` a density to draw over it. `kind` is linear or magnitude. A row's `told`
// lines follow its name under the pointer.
export function ridges({ rows, kind, reach: { low, high }, width, label, axis, heads }) {
  const marked = rows.some(({ verdict }) => verdict);
  const column = width < NARROW ? COLUMN.narrow : COLUMN.wide;
  const before = (marked ? MARK : 2) + 8;
  const left = Math.min(width * 0.34, before + LETTER * Math.max(2, ...rows.map(({ name }) => name.length)));
  const zeros = kind === "magnitude" && rows.some(({ zero }) => zero > 0);
  const chart = new Chart({
    width,
    height: ridgesHeight(rows.length),
    margin: { left: left + (zeros ? ZEROS : 0), right: 10 + heads.length * column, top: HEAD, bottom: FOOT - 4 },
    label,
    x: { scale: kind === "magnitude" ? logarithmic(10 ** low, 10 ** high) : linear(low, high), format: kind === "magnitude" ? power : exact, label: axis },
    y: { scale: linear(0, 1), ticks: [] },
  });
  const { step, overlap } = roomOf(rows.length);
  const base = (index) => HEAD + step * (index + overlap);
  const place = { chart, kind, left, zeros, marked, column, most: Math.floor((left - before + 1) / LETTER), tall: step * overlap, base };
  heads.forEach((head, index) => write(place, head, HEAD - 10, index, "ridge-head"));
  if (zeros) zeroStrip(place);
  rows.forEach((row, index) => draw(place, row, index));
  return chart.reads(() => rows.map((row, index) => stopsOf(place, row, index)));
}

const write = ({ chart, column }, text, y, index, kind) =>
  chart.add("text", { class: kind, x: chart.right + 8 + (index + 1) * column, y, "text-anchor": "end", "aria-hidden": "true" }, text);

// Values of 0 have no place on an axis of magnitudes: they stand before it.
function zeroStrip({ chart, left }) {
  const edge = left + ZEROS - 7;
  chart.add("line", { class: "break", x1: edge, x2: edge, y1: chart.top, y2: chart.bottom });
  chart.add("text", { x: left + ZEROS / 2 - 5, y: chart.bottom + 17, "text-anchor": "middle", "aria-hidden": "true" }, "0");
}

// Whether more than a little of a row lies beyond an axis.
export const isCut = ({ bins }, { low, high }) =>
  bins.filter(({ from, to }) => to < low || from > high).reduce((sum, { share }) => sum + share, 0) > BARELY;

// A long name keeps its beginning and its end.
function shorten(name, most) {
  if (name.length <= most) return name;
  const end = Math.floor((most - 1) / 2);
  return `${name.slice(0, most - 1 - end)}…${name.slice(-end)}`;
}

const along = ({ chart, kind }, position) => chart.X(kind === "magnitude" ? 10 ** position : position);
const zeroAt = ({ chart, left, kind }) => (kind === "magnitude" ? left + ZEROS / 2 - 5 : chart.X(0));

function draw(place, row, index) {
  const { chart, marked, most } = place;
  const base = place.base(index);
  const group = chart.add("g", { class: `ridge-row is-${row.verdict ?? "unknown"}` });
  group.append(svg("line", { class: "ridge-base", x1: chart.left, x2: chart.right, y1: base, y2: base }), ...areaOf(place, row, base));
  if (row.zero >= BARELY) group.append(stemOf(place, row, base));
  if (marked && row.verdict && row.verdict !== "unknown") group.append(markAt(row.verdict, 9, base - 5, 10));
  group.append(svg("text", { class: "ridge-name", x: marked ? MARK : 2, y: base - 1, "aria-hidden": "true" }, shorten(row.name, most)));
  row.cells.forEach((cell, at) => group.append(write(place, cell, base - 1, at, "ridge-share")));
}

// The bins, and over them a curve on the same scale where there is one; what lies beyond the axis is cut off.
function areaOf(place, { bins: all, curve }, base) {
  const { chart, tall } = place;
  const bins = all.filter(({ from, to }) => along(place, to) > chart.left && along(place, from) < chart.right);
  const middles = bins.map(({ middle }) => middle);
  const most = Math.max(...bins.map(({ height }) => height), ...(curve ? middles.map(curve) : []), 0);
  if (!most) return [svg("path", { class: "ridge-area", d: `M${chart.left} ${base}` })];
  const at = (value) => Math.max(chart.left, Math.min(chart.right, along(place, value))).toFixed(1);
  const up = (height) => (base - (height / most) * tall).toFixed(1);
  const points = bins.map(({ middle, height }) => `L${at(middle)} ${up(height)}`);
  const [first, last] = [bins[0], bins.at(-1)];
  const [from, to] = [`M${at(first.from)} ${base}L${at(first.from)} ${up(first.height)}`, `L${at(last.to)} ${up(last.height)}L${at(last.to)} ${base}z`];
  return [
    svg("path", { class: "ridge-area", d: `${from}${points.join("")}${to}` }),
    curve ? svg("path", { class: "line curve", d: `M${middles.map((middle) => `${at(middle)} ${up(curve(middle))}`).join("L")}` }) : null,
  ].filter(Boolean);
}

// Many values of exactly 0 are no density: a stem as high as their share.
function stemOf(place, { zero }, base) {
  const [x, top] = [zeroAt(place).toFixed(1), (base - zero * place.tall).toFixed(1)];
  return svg("g", { class: "ridge-zero" }, svg("path", { d: `M${x} ${base}V${top}` }), svg("circle", { cx: x, cy: top, r: 2.6 }));
}

function stopsOf(place, { name, bins, zero, told }, index) {
  const y = place.base(index);
  const stops = bins
    .filter(({ share, middle }) => share > 0 && along(place, middle) >= place.chart.left && along(place, middle) <= place.chart.right)
    .map(({ middle, from, to, share }) => {
      const [low, high] = [from, to].map((edge) => number(place.kind === "magnitude" ? 10 ** edge : edge));
      return { x: along(place, middle), y, words: [name, t(`ridges.read.${place.kind}`, { low, high, share: percent(share) }), ...told] };
    });
  const none = zero > 0 ? [{ x: zeroAt(place), y, words: [name, t("ridges.read.zero", { share: percent(zero) }), ...told] }] : [];
  return [...none, ...stops].sort((one, other) => one.x - other.x);
}
