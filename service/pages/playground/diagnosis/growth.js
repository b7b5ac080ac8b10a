// Many curves on one axis: a size of each layer across widths or depths, and step by step; of many layers some.
import { Chart, figure, linear, lineSample, logarithmic, reach } from "../charts/charts.js";
import { h, svg } from "../frame/dom.js";
import { explained, term } from "../glossary/glossary.js";
import { number, t } from "../words/language.js";

const FLAT = 0.25; // an exponent up to which the service counts a size as kept
const MOST = 48; // curves of one chart
const MOST_NAMED = 9;
const APART = 14; // pixels between names
const LETTER = 6.4; // pixels of a name's letter
const GAP = 20;
const WIDE = 720;

const PARTS = ["forward", "backward", "update"];

const roomFor = (width) => (width >= WIDE ? (width - GAP) / 2 : width) - 36;

// Those that ask to be named, and evenly spread others.
function spread(curves) {
  if (curves.length <= MOST) return curves;
  const first = [...curves].sort((one, other) => other.weight - one.weight).slice(0, MOST_NAMED);
  const even = Array.from({ length: MOST }, (_, index) => curves[Math.round((index * (curves.length - 1)) / (MOST - 1))]);
  return curves.filter((curve) => first.includes(curve) || even.includes(curve));
}

const shorten = (name, most) => (name.length > most ? `…${name.slice(1 - most)}` : name);

// A chart of curves, {name, note, points, kind, weight} each, with the names of the weightiest at their ends.
function curvesChart({ curves, width, x, label }) {
  const names = width < 420 ? 88 : 128;
  const values = curves.flatMap(({ points }) => points.map(([, value]) => value));
  const [low, high] = reach(values);
  const inSight = ([place, value]) => [place, value === Infinity ? high * 10 : value]; // at the edge: it left the picture
  const chart = new Chart({
    width,
    height: 240,
    zero: values.includes(0),
    margin: { right: names },
    label,
    x,
    y: { scale: logarithmic(low, high) },
  });
  const drawn = spread(curves);
  for (const { name, points, kind } of [...drawn].sort((one, other) => one.weight - other.weight)) chart.line(points.map(inSight), kind, name);
  const taken = [];
  for (const { name, note = "", points } of [...drawn].sort((one, other) => other.weight - one.weight)) {
    const end = points.findLast(([, value]) => !Number.isNaN(value));
    if (!end || taken.length >= MOST_NAMED) continue;
    const y = chart.Y(inSight(end)[1]);
    if (taken.some((other) => Math.abs(other - y) < APART)) continue;
    taken.push(y);
    const text = `${note}${shorten(name, Math.floor((names - 8) / LETTER) - note.length)}`;
    chart.add("text", { class: "curve-name", x: chart.right + 6, y: y + 4 }, svg("title", {}, `${note}${name}`), text);
  }
  return chart;
}

const kindOf = (slope) => (!Number.isFinite(slope) || Math.abs(slope) <= FLAT ? "flat" : slope > 0 ? "growing" : "shrinking");

export function acrossFigures({ by, sizes, layers }, width) {
  const low = sizes[0];
  const high = sizes.at(-1);
  const scale = high > low ? logarithmic(low / 1.06, high * 1.06) : linear(low - 1, high + 1);
  const x = { scale, ticks: sizes, format: (value) => `${value}`, label: t(`across.by.${by}`) };
  return h(
    "div",
    { class: "pair" },
    PARTS.map((part) => {
      const title = t(`across.${part}`);
      const curves = layers
        .filter((layer) => layer[part])
        .map((layer) => ({
          name: layer.name,
          note: Number.isFinite(layer.slope[part]) ? `${number(Number(layer.slope[part].toFixed(2)))} ` : "",
          points: sizes.map((size, index) => [size, layer[part][index] ?? Infinity]),
          kind: kindOf(layer.slope[part]),
          weight: Math.abs(layer.slope[part] ?? 0),
        }));
      const label = t("across.text", { title, by: t(`across.by.${by}`), values: curves.map(({ name, note }) => `${name} ${note}`).join("; ") });
      const kinds = ["growing", "flat", "shrinking"].filter((kind) => curves.some((curve) => curve.kind === kind));
      return figure({
        key: `across-${part}`,
        title,
        chart: curvesChart({ curves, width: roomFor(width), x, label }).svg,
        entries: kinds.map((kind) => ({ sample: lineSample(kind), text: t(`across.${kind}`) })),
        note: part === "forward" ? explained(t("across.exponent"), "across") : null,
        table: {
          caption: title,
          columns: [t("layer"), term("exponent", `across-${part}`), ...sizes.map((size) => `${size}`)],
          rows: layers.filter((layer) => layer[part]).map((layer) => [layer.name, ...[layer.slope[part], ...layer[part]].map(number)]),
        },
      });
    }),
  );
}

export function stepsFigures({ steps, layer: fault }, width) {
  const last = steps.at(-1).step;
  const x = { scale: linear(steps[0].step, Math.max(last, steps[0].step + 1)), label: t("train.step"), format: (value) => (Number.isInteger(value) ? `${value}` : "") };
  const whole = [
    { name: t("train.loss"), member: "loss", kind: "stream" },
    { name: t("steps.gradient"), member: "gradient_norm", kind: "theory" },
  ].map(({ name, member, kind }) => ({ name, kind, weight: 1, points: steps.map((step) => [step.step, step[member] ?? Infinity]) }));
  return h(
    "div",
    { class: "pair" },
    stepsFigure("loss", whole, x, width, null),
    ["forward", "backward", "update"].map((part) => stepsFigure(part, ofLayers(steps, part, fault), x, width, fault)),
  );
}

function ofLayers(steps, part, fault) {
  return steps[0].layers
    .map(({ name }, index) => {
      const points = steps.map((step) => [step.step, step.layers[index][part] ?? (part === "update" ? NaN : Infinity)]);
      const sizes = points.map(([, value]) => value).filter((value) => value > 0 && Number.isFinite(value));
      const change = sizes.length ? Math.log10(Math.max(...sizes) / Math.min(...sizes)) : 0;
      return { name, points, kind: name === fault ? "fault" : "branch", weight: name === fault ? Infinity : change };
    })
    .filter(({ points }) => points.some(([, value]) => !Number.isNaN(value)));
}

function stepsFigure(part, curves, x, width, fault) {
  const title = t(`steps.${part}`);
  const ends = curves.map(({ name, points }) => `${name} ${number(points.at(-1)?.[1])}`).join("; ");
  const named = curves.some(({ name }) => name === fault);
  return figure({
    key: `steps-${part}`,
    title,
    chart: curvesChart({ curves, width: roomFor(width), x, label: t("train.text", { title, ends }) }).svg,
    entries: named ? [{ sample: lineSample("fault"), text: fault }] : [],
    table: {
      caption: title,
      columns: [t("layer"), ...curves[0]?.points.map(([step]) => `${step}`) ?? []],
      rows: curves.map(({ name, points }) => [name, ...points.map(([, value]) => number(value))]),
    },
  });
}
