// The pictures of one answer: sizes of activations and gradients by layer, and histograms; on axes that two can share.
import { h } from "../frame/dom.js";
import { areaSample, Chart, reach, figure, linear, lineSample, logarithmic } from "./charts.js";
import { explained, term } from "../glossary/glossary.js";
import { number, percent, t, whole } from "../words/language.js";
import { update } from "../frame/state.js";
import { density } from "../diagnosis/theory.js";
import { blockSpans, edgesOf, pathsAlong } from "../network/graph.js";
import { mark, markAt } from "../diagnosis/verdicts.js";

const SEEN = 0.002; // of a density's peak: below it the curve lies on the axis
const CURVE = 160; // points of a curve
const SHARES = ["saturated", "dead"]; // of a layer's numbers, those that are written as parts of a hundred

// What is drawn layer by layer: sizes of activations and gradients, and the slope by which a layer is judged.
export const WAYS = ["forward", "backward", "slope"];
const FORETOLD = { forward: "rms", backward: "backward", slope: "slope" };
const measured = (layer, way) => (way === "slope" ? layer.judged_by?.slope : layer[way]?.rms) ?? NaN;
const foretold = (layer, way) => (way === "slope" && !isJudged(layer) ? null : layer.forecast?.[FORETOLD[way]]) ?? NaN;
export const isJudged = ({ code }) => code !== "no-weights";

// The scale that holds the sizes of every diagnosis that is to stand beside another.
export function depthScale(diagnoses, way) {
  const values = diagnoses.flatMap(({ layers, zone }) => [
    ...(way === "slope" ? [zone.low, zone.high] : []),
    ...layers.flatMap((layer) => [measured(layer, way), foretold(layer, way)]),
  ]);
  return { scale: logarithmic(...reach(values)), zero: values.some((value) => value === 0) };
}

export function depthFigure(diagnosis, way, { scale, zero }, { key, width, title, judged }) {
  const { layers, zone } = diagnosis;
  const label = t(`depth.${way}.text`, {
    values: layers.map((layer) => `${layer.name} ${number(measured(layer, way))}`).join("; "),
  });
  const y = { scale, label: way === "slope" ? null : "rms" };
  const chart = new Chart({ width, height: 240, zero, label, x: depthAxis(layers, width), y });
  for (const [first, last] of blockSpans(diagnosis).filter((_, index) => index % 2 === 0)) chart.column(first + 0.5, last + 1.5, "block");
  if (way === "slope") chart.band(zone.low, zone.high, "zone");
  const points = (value) => layers.map((layer, index) => [index + 1, value(layer, way)]);
  const theory = points(foretold);
  const known = theory.filter(([, value]) => Number.isFinite(value)).length > 1;
  const kinds = way === "slope" ? drawThrough(chart, points(measured)) : drawAlong(chart, points(measured), diagnosis);
  if (known && way === "slope") drawThrough(chart, theory, "theory");
  else if (known) for (const path of pathsAlong(edgesOf(layers))) chart.line(path.map((index) => theory[index]), "theory");
  drawMarks(chart, points(measured), layers, judged);
  chart.reads(() => [stopsOf(chart, layers, way, judged)]);
  const entries = [
    ...kinds.map((kind) => ({ sample: lineSample(kind), text: t(`depth.${kind === "main" ? "measured" : kind}`) })),
    ...(known ? [{ sample: lineSample("theory"), text: term("forecast", key, t("depth.forecast")) }] : []),
    ...(way === "slope" ? [{ sample: areaSample("band zone"), text: term("normal", key, t("depth.zone")) }] : []),
    ...[...new Set(judged ? layers.filter(isJudged).map((layer) => layer.verdict) : [])]
      .filter((verdict) => verdict !== "normal")
      .map((verdict) => ({ sample: mark(verdict, 11), text: t(`verdict.${verdict}`) })),
  ];
  return figure({ key, title, chart: chart.svg, entries, note: explained(t(`depth.${way}.note`), key), table: tableOf(layers, way, title, key) });
}

// What is measured of each layer, what was forecast, and its verdict.
function stopsOf(chart, layers, way, judged) {
  const told = (layer, value, key) => (Number.isNaN(value(layer, way)) ? null : `${t(key)} ${number(value(layer, way))}`);
  return layers
    .map((layer, index) => [layer, index, measured(layer, way)])
    .filter(([, , value]) => Number.isFinite(value))
    .map(([layer, index, value]) => ({
      x: chart.X(index + 1),
      y: chart.Y(value),
      words: [
        layer.name,
        told(layer, measured, "depth.measured"),
        told(layer, foretold, "depth.forecast"),
        judged && isJudged(layer) ? t(`verdict.${layer.verdict}`) : null,
      ].filter(Boolean),
    }));
}

// A mark for each layer of which anything is known; what has no weights is passed through, and has a small one.
function drawMarks(chart, points, layers, judged) {
  points.forEach(([place, value], index) => {
    if (!Number.isFinite(value)) return;
    const layer = layers[index];
    const verdict = judged && isJudged(layer) ? layer.verdict : "unknown";
    const size = !isJudged(layer) ? 5 : layers.length > 80 ? 6 : layers.length > 24 ? 8 : 11;
    chart.svg.append(markAt(verdict, chart.X(place), chart.Y(value), size));
  });
}

// From layer to layer in the list's order, over those of which nothing is known.
function drawThrough(chart, points, kind = "main") {
  chart.line(points.filter(([, value]) => Number.isFinite(value)), kind);
  return [kind];
}

// Along the network: where it has residuals, their stream thick and its branches thin. Tells which kinds there are.
function drawAlong(chart, points, { layers, blocks = [] }) {
  const branches = new Set(blocks.flatMap((block) => block.branches.flatMap((branch) => branch.layers)));
  const kindOf = ([from, to]) => {
    if (!branches.size) return "main";
    return branches.has(layers[from].name) || branches.has(layers[to].name) ? "branch" : "stream";
  };
  const edges = edgesOf(layers);
  return ["branch", "stream", "main"].filter((kind) => {
    const paths = pathsAlong(edges.filter((edge) => kindOf(edge) === kind));
    for (const path of paths) chart.line(path.map((index) => points[index]), kind);
    return paths.length > 0 || (kind === "main" && layers.length === 1);
  });
}

function tableOf(layers, way, title, key) {
  const more = {
    forward: [t("depth.mean"), term("std", key), term("saturated", key), term("silent", key), term("correlation", key)],
    backward: [t("depth.mean"), term("std", key), t("depth.weights")],
    slope: [],
  };
  const members = {
    forward: ["mean", "std", "saturated", "dead", "correlation"],
    backward: ["mean", "std", "weights"],
    slope: [],
  };
  return {
    caption: title,
    columns: [t("layer"), way === "slope" ? term("slope", key) : term("rms", key), term("forecast", `${key}-table`), ...more[way]],
    rows: layers.map((layer) => {
      const values = members[way].map((member) => (SHARES.includes(member) ? percent : number)(layer[way]?.[member]));
      return [layer.name, ...[measured(layer, way), foretold(layer, way)].map(number), ...values];
    }),
  };
}

// Names where they fit, else every so many layers a number.
function depthAxis(layers, width) {
  const room = (width - 70) / layers.length;
  const named = layers.every((layer) => layer.name.length * 7 + 8 < room);
  const step = Math.ceil(26 / room);
  const ticks = layers.map((_, index) => index + 1).filter((place) => named || (place - 1) % step === 0);
  return {
    scale: linear(0.5, layers.length + 0.5),
    ticks,
    format: (place) => (named ? layers[place - 1].name : `${place}`),
    label: named ? null : t("depth.layer"),
  };
}

export function parametersOf(statistics) {
  return statistics.layers.flatMap((layer) =>
    layer.parameters.map((parameter) => ({ ...parameter, path: `${layer.name}/${parameter.name}` })),
  );
}

export const isConstant = ({ statistics }) => statistics.min === statistics.max;

// From the first to the last value that a histogram or its curve shows.
export function extent(parameter) {
  const { histogram, min, max } = parameter.statistics;
  const curve = density(parameter);
  const peak = curve ? Math.max(...histogram.edges.map(curve)) : 0;
  const used = histogram.counts.map(
    (count, index) =>
      count > 0 || (curve && Math.max(curve(histogram.edges[index]), curve(histogram.edges[index + 1])) > SEEN * peak),
  );
  const first = used.indexOf(true);
  if (isConstant(parameter)) return [min - Math.max(Math.abs(min), 1) / 2, max + Math.max(Math.abs(max), 1) / 2];
  return [histogram.edges[first], histogram.edges[used.lastIndexOf(true) + 1]];
}

export function histogramFigure(parameter, { key, width, height = 128, range = extent(parameter), title = parameter.path }) {
  const { histogram, count, mean, std, expected } = parameter.statistics;
  const { edges, counts } = histogram;
  const heights = counts.map((found, index) => found / count / (edges[index + 1] - edges[index]));
  const curve = density(parameter);
  const room = (range[1] - range[0]) * 0.03;
  const x = linear(range[0] - room, range[1] + room);
  const points = curve
    ? Array.from({ length: CURVE + 1 }, (_, step) => x.low + ((x.high - x.low) * step) / CURVE).map((value) => [
        value,
        curve(value),
      ])
    : [];
  const peak = Math.max(...heights, ...points.map(([, height]) => height));
  const words = t("histogram.text", {
    path: parameter.path,
    formula: parameter.formula,
    mean: number(mean),
    std: number(std),
    expected: number(expected.std),
  });
  const chart = new Chart({
    width,
    height,
    margin: { left: 8, right: 8, bottom: 24, top: 8 },
    label: words,
    x: { scale: x },
    y: { scale: linear(0, peak * 1.06), ticks: [] },
  });
  chart.bars(edges, heights, "main");
  if (curve) chart.line(points, "curve");
  chart.reads(() => [
    counts.flatMap((found, index) => {
      if (!found) return [];
      const [low, high] = [edges[index], edges[index + 1]];
      const words = [t("ridges.read.linear", { low: number(low), high: number(high), share: percent(found / count) }), t("histogram.read", { count: whole(found) })];
      return [{ x: chart.X((low + high) / 2), y: chart.Y(heights[index]), words }];
    }),
  ]);
  return figure({
    key,
    title,
    chart: chart.svg,
    note: `${schemeLine(parameter)} · σ ${number(std)}${expected.std > 0 ? ` (${t("histogram.expected")} ${number(expected.std)})` : ""}`,
    table: {
      caption: words,
      columns: [t("histogram.from"), t("histogram.to"), t("histogram.count")],
      rows: counts
        .map((found, index) => [number(edges[index]), number(edges[index + 1]), whole(found)])
        .filter(([, , found]) => found !== "0"),
    },
  });
}

const schemeLine = ({ scheme, formula }) =>
  formula.length < 40
    ? `${scheme.name}, ${formula.replaceAll(/\d+\.\d+(?:e[+-]?\d+)?/g, (digits) => number(Number(digits)))}`
    : scheme.name;

export function everyButton(count, shown, every) {
  if (count <= shown) return null;
  const toggle = () => update((state) => (state.every = !every));
  return h(
    "button",
    { type: "button", class: "quiet every", "data-key": "every", onclick: toggle },
    t(every ? "histogram.fewer" : "histogram.every", { count }),
  );
}
