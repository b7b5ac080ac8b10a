// Activations or gradients of a diagnosis as distributions: a ridge a layer, from the first down to the last.
import "./words.js";
import { areaSample, figure, lineSample } from "../charts/charts.js";
import { axisOf, positions, reachOf, shareOfZeros } from "../charts/masses.js";
import { BARELY, isCut, ridges, ridgesHeight } from "../charts/ridge.js";
import { explained, term } from "../glossary/glossary.js";
import { number, percent, t } from "../words/language.js";

const MOST = 24; // ridges of one figure
const NARROW = 420;
const BOUNDED = ["tanh", "sigmoid", "softsign", "hard_tanh", "hard_sigmoid"]; // of others, what is flat gives 0

const has = (way) => (layer) => Boolean(layer[way]?.distribution);

// So many of the layers, evenly chosen, the first and the last among them.
function chosen(layers) {
  if (layers.length <= MOST) return layers;
  return Array.from({ length: MOST }, (_, index) => layers[Math.round((index * (layers.length - 1)) / (MOST - 1))]);
}

export const ridgeFigureHeight = (layers, way) => ridgesHeight(chosen(layers.filter(has(way))).length) + 130;

// `layers` are those of a diagnosis with distributions, or some of them under another `label`; `way` is forward or
// backward; `axis` linear or magnitude, or left to the values. Figures that stand beside each other share an axis, and
// what `reachOf` says of all.
export function ridgeFigure(layers, way, { width, key, title, axis, reach, judged = true }) {
  const known = layers.filter(has(way));
  const shown = chosen(known);
  const kind = axis ?? axisOf([known], way);
  const tells = ["zero", "saturated"].filter((member) => shown.some((layer) => shareOf[member](layer, way) >= BARELY));
  const rows = shown.map((layer) => rowOf(layer, way, kind, judged, tells));
  const range = reach ?? reachOf([shown], way, kind);
  const chart = ridges({
    rows,
    kind,
    reach: range,
    width,
    label: t(`ridges.${way}.text`, { values: shown.map((layer) => `${layer.name} ${number(layer[way].rms)}`).join("; ") }),
    axis: t(`ridges.axis.${kind}.${way}`),
    heads: tells.map((member) => t(`ridges.${member}${width < NARROW ? ".short" : ""}`)),
  });
  const notes = [
    t(`ridges.${way}.note`),
    shown.length < known.length && t("ridges.chosen", { count: shown.length, total: known.length }),
    kind === "linear" && rows.some((row) => isCut(row, range)) && t("ridges.cut"),
  ].filter(Boolean);
  return figure({
    key,
    title,
    chart: chart.svg,
    entries: entriesOf(shown, judged, tells),
    note: explained(notes.join(" "), key),
    table: tableOf(known, way, title, key),
  });
}

const shareOf = {
  zero: (layer, way) => shareOfZeros(layer[way].distribution),
  saturated: (layer, way) => (way === "forward" && BOUNDED.includes(layer.activation) ? (layer.forward.saturated ?? 0) : 0),
};

const verdictOf = ({ code, verdict }) => (code === "no-weights" ? "unknown" : (verdict ?? "unknown"));

function rowOf(layer, way, kind, judged, tells) {
  const { distribution, rms } = layer[way];
  const told = (share) => (share >= BARELY ? percent(share) : "–");
  return {
    name: layer.label ?? layer.name,
    verdict: judged ? verdictOf(layer) : "unknown",
    bins: positions(distribution, kind),
    zero: shareOf.zero(layer, way),
    cells: tells.map((member) => told(shareOf[member](layer, way))),
    told: [t("ridges.rms", { rms: number(rms) })],
  };
}

function entriesOf(layers, judged, tells) {
  const found = judged ? [...new Set(layers.map(verdictOf))].filter((verdict) => verdict !== "unknown") : [];
  return [
    ...found.map((verdict) => ({ sample: areaSample(`ridge-sample is-${verdict}`), text: t(`verdict.${verdict}`) })),
    ...(tells.includes("zero") ? [{ sample: lineSample("zero"), text: t("ridges.stem") }] : []),
  ];
}

function tableOf(layers, way, caption, key) {
  const columns = [t("ridges.least"), t("ridges.greatest"), t("depth.mean"), t("depth.std"), term("rms", key), t("ridges.zero"), term("saturated", key)];
  return {
    caption,
    columns: [t("layer"), ...columns],
    rows: layers.map((layer) => {
      const { distribution, mean, std, rms, saturated } = layer[way];
      const ends = [distribution.edges[0], distribution.edges.at(-1)];
      return [layer.name, ...[...ends, mean, std, rms].map(number), percent(shareOfZeros(distribution)), percent(saturated)];
    }),
  };
}
