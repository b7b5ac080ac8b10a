// Activations or gradients as distributions: a ridge a layer, from the first down to the last, on one axis.
import "./words.js";
import { areaSample, Chart, figure, linear, lineSample, logarithmic } from "../charts/charts.js";
import { svg } from "../frame/dom.js";
import { exact, number, percent, power, t } from "../words/language.js";
import { axisOf, positions, reachOf, shareOfZeros } from "./masses.js";
import { markAt } from "./verdicts.js";

export const MOST = 24; // ridges of one figure
const LETTER = 6.6; // pixels of a letter
const ROOM = { few: 40, some: 28, many: 21 }; // pixels from ridge to ridge
const OVERLAP = 1.9; // height of a ridge, in these
const ZEROS = 30; // pixels of the strip for values of 0, left of a logarithmic axis
const BARELY = 0.005; // a share below it is not told

// So many of the layers, the first and the last among them.
export function chosen(layers, most = MOST) {
  if (layers.length <= most) return layers;
  return Array.from({ length: most }, (_, index) => layers[Math.round((index * (layers.length - 1)) / (most - 1))]);
}

// `layers` are those of a diagnosis with distributions; `way` is forward or backward; `axis` is linear or magnitude, or
// left to the values. Figures that are to stand beside each other share an `axis` and what `reachOf` says of all.
export function ridgeFigure(layers, way, { width, key, title, axis, reach, judged = true }) {
  const known = layers.filter((layer) => layer[way]?.distribution);
  const shown = chosen(known);
  const kind = axis ?? axisOf([known], way);
  const { low, high } = reach ?? reachOf([shown], way, kind);
  const rows = shown.map((layer) => rowOf(layer, way, kind));
  const step = rows.length <= 8 ? ROOM.few : rows.length <= 14 ? ROOM.some : ROOM.many;
  const left = Math.min(width * 0.3, 26 + LETTER * Math.max(2, ...rows.map(({ name }) => name.length)));
  const tells = columnsOf(rows, width);
  const zeros = kind === "magnitude" && rows.some(({ zero }) => zero > 0);
  const scale = kind === "magnitude" ? logarithmic(10 ** low, 10 ** high) : linear(low, high);
  const chart = new Chart({
    width,
    height: 24 + step * (rows.length - 1 + OVERLAP) + 40,
    margin: { left: left + (zeros ? ZEROS : 0), right: 10 + tells.length * tells.width, top: 22, bottom: 38 },
    label: t(`ridges.${way}.text`, { values: rows.map(({ name, rms }) => `${name} ${number(rms)}`).join("; ") }),
    x: { scale, format: kind === "magnitude" ? power : exact, label: t(`ridges.axis.${kind}.${way}`) },
    y: { scale: linear(0, 1), ticks: [] },
  });
  const place = { chart, left, step, kind, zeros, judged, base: (index) => 24 + step * (index + OVERLAP) };
  if (zeros) zeroStrip(place);
  heads(place, tells);
  rows.forEach((row, index) => drawRow(place, row, index, tells));
  chart.reads(() => rows.map((row, index) => stopsOf(place, row, index)));
  return figure({
    key,
    title,
    chart: chart.svg,
    entries: entriesOf(rows, judged),
    note: [t(`ridges.${way}.note`), rows.length < known.length && t("ridges.chosen", { count: rows.length, total: known.length })].filter(Boolean).join(" "),
    table: tableOf(known, way, title),
  });
}

function rowOf(layer, way, kind) {
  const { distribution, rms, saturated } = layer[way];
  return {
    name: layer.label ?? layer.name,
    verdict: layer.code === "no-weights" ? "unknown" : (layer.verdict ?? "unknown"),
    rms,
    zero: shareOfZeros(distribution),
    saturated: way === "forward" ? (saturated ?? 0) : 0,
    bins: positions(distribution, kind),
  };
}

// What stands beside the ridges as shares: only what there is.
function columnsOf(rows, width) {
  const found = ["zero", "saturated"].filter((member) => rows.some((row) => row[member] >= BARELY));
  return Object.assign(found, { width: width < 420 ? 44 : 66 });
}

function heads({ chart }, tells) {
  tells.forEach((member, index) => {
    const text = t(`ridges.${member}${tells.width < 60 ? ".short" : ""}`);
    chart.add("text", { class: "ridge-head", x: columnAt(chart, tells, index), y: 12, "text-anchor": "end", "aria-hidden": "true" }, text);
  });
}

const columnAt = (chart, tells, index) => chart.right + 6 + (index + 1) * tells.width;

// Values of 0 have no place on a logarithmic axis: they stand before it.
function zeroStrip({ chart, left }) {
  const x = left + ZEROS / 2 - 4;
  chart.add("line", { class: "break", x1: left + ZEROS - 6, x2: left + ZEROS - 6, y1: chart.top, y2: chart.bottom });
  chart.add("text", { x, y: chart.bottom + 17, "text-anchor": "middle", "aria-hidden": "true" }, "0");
}

const along = ({ chart, kind }, place) => chart.X(kind === "magnitude" ? 10 ** place : place);
const zeroAt = ({ chart, left, kind }) => (kind === "magnitude" ? left + ZEROS / 2 - 4 : chart.X(0));

function drawRow(place, row, index, tells) {
  const { chart, step, judged } = place;
  const base = place.base(index);
  const group = chart.add("g", { class: `ridge is-${judged ? row.verdict : "unknown"}` });
  group.append(svg("line", { class: "ridge-base", x1: chart.left, x2: chart.right, y1: base, y2: base }));
  group.append(svg("path", { class: "ridge-area", d: areaOf(place, row, base) }));
  if (row.zero >= BARELY) group.append(stemOf(place, row, base));
  if (judged && row.verdict !== "unknown") group.append(markAt(row.verdict, 9, base - 5, step > 24 ? 11 : 9));
  const most = Math.floor((place.left - 25) / LETTER);
  const name = row.name.length > most ? `…${row.name.slice(1 - most)}` : row.name;
  group.append(svg("text", { class: "ridge-name", x: 18, y: base - 1, "aria-hidden": "true" }, name, svg("title", {}, row.name)));
  tells.forEach((member, at) => {
    const share = row[member] >= BARELY ? percent(row[member]) : "–";
    group.append(svg("text", { class: "ridge-share", x: columnAt(chart, tells, at), y: base - 1, "text-anchor": "end", "aria-hidden": "true" }, share));
  });
}

// Each ridge is as high as its highest: what is compared is where they lie and how wide they are.
function areaOf(place, { bins }, base) {
  const { chart, step } = place;
  const most = Math.max(...bins.map(({ height }) => height), 0);
  if (!most) return `M${chart.left} ${base}`;
  const at = (value) => Math.max(chart.left, Math.min(chart.right, along(place, value))).toFixed(1);
  const up = (height) => (base - (height / most) * step * OVERLAP).toFixed(1);
  const points = bins.map(({ middle, height }) => `L${at(middle)} ${up(height)}`);
  return `M${at(bins[0].from)} ${base}${points.join("")}L${at(bins.at(-1).to)} ${base}z`;
}

// Many values of exactly 0 are no density: a stem as high as their share.
function stemOf(place, { zero }, base) {
  const [x, top] = [zeroAt(place).toFixed(1), (base - zero * place.step * OVERLAP).toFixed(1)];
  return svg("g", { class: "ridge-zero" }, svg("path", { d: `M${x} ${base}V${top}` }), svg("circle", { cx: x, cy: top, r: 2.6 }));
}

function stopsOf(place, { name, bins, zero, rms }, index) {
  const { kind } = place;
  const y = place.base(index);
  const told = (words) => [name, words, t("ridges.rms", { rms: number(rms) })];
  const stops = bins
    .filter(({ share }) => share > 0)
    .map(({ middle, from, to, share }) => {
      const [low, high] = [from, to].map((edge) => number(kind === "magnitude" ? 10 ** edge : edge));
      return { x: along(place, middle), y, words: told(t(`ridges.read.${kind}`, { low, high, share: percent(share) })) };
    });
  const none = zero > 0 ? [{ x: zeroAt(place), y, words: told(t("ridges.read.zero", { share: percent(zero) })) }] : [];
  return [...none, ...stops].sort((one, other) => one.x - other.x);
}

function entriesOf(rows, judged) {
  const found = judged ? [...new Set(rows.map(({ verdict }) => verdict))].filter((verdict) => verdict !== "unknown") : [];
  return [
    ...found.map((verdict) => ({ sample: areaSample(`ridge-sample is-${verdict}`), text: t(`verdict.${verdict}`) })),
    ...(rows.some(({ zero }) => zero >= BARELY) ? [{ sample: lineSample("zero"), text: t("ridges.stem") }] : []),
  ];
}

function tableOf(layers, way, caption) {
  return {
    caption,
    columns: [t("layer"), t("ridges.least"), t("ridges.greatest"), t("depth.mean"), t("depth.std"), "rms", t("ridges.zero"), t("depth.saturated")],
    rows: layers.map((layer) => {
      const { distribution, mean, std, rms, saturated } = layer[way];
      const ends = [distribution.edges[0], distribution.edges.at(-1)];
      return [layer.name, ...[...ends, mean, std, rms].map(number), percent(shareOfZeros(distribution)), percent(saturated)];
    }),
  };
}
