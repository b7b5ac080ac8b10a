// The statistics of a spec's arrays as POST /init tells them, of those that are drawn in this browser.
import { sources } from "../initserve.js";
import { counted } from "./distribution.js";
import { arrays } from "./drawing.js";
import { momentsOf } from "./moments.js";
import { remembering } from "./remembered.js";
import { general } from "./written.js";

const BINS = 64;
const REACH = 6.4; // deviations: no normal value lies outside
const DIGITS = 9; // as many as float32 has

// Edges of equal bins over all that can come out.
function edgesOf({ mean, deviation, low, high }) {
  let start = low === null ? mean - REACH * deviation : Math.max(low, mean - REACH * deviation);
  let end = high === null ? mean + REACH * deviation : Math.min(high, mean + REACH * deviation);
  if (!(start < end)) {
    const room = Math.max(0.5, Math.abs(start) / 2);
    [start, end] = [start - room, end + room];
  }
  const step = (end - start) / BINS;
  return Array.from({ length: BINS + 1 }, (_, index) => (index < BINS ? index * step + start : end));
}

const text = (value) => general(value, DIGITS);

function formulaOf({ kind, value, location, scale, expected: { low, high } }) {
  if (kind === "constant") return text(value);
  if (kind === "uniform") return `U[${text(low)}, ${text(high)}]`;
  const free = `N(${text(location)}, ${text(scale)}²)`;
  return low === null && high === null ? free : `${free} between ${low === null ? "-∞" : text(low)} and ${high === null ? "∞" : text(high)}`;
}

function statisticsOf(values, { expected }) {
  const { mean, std } = momentsOf(values);
  const min = values.reduce((least, value) => Math.min(least, value), Infinity);
  const max = values.reduce((greatest, value) => Math.max(greatest, value), -Infinity);
  const edges = edgesOf(expected);
  return {
    count: values.length,
    mean,
    std: min === max ? 0 : std,
    min,
    max,
    expected: { mean: expected.mean, std: expected.deviation, min: expected.low, max: expected.high },
    histogram: { edges, counts: counted(values, edges) },
  };
}

const remembered = remembering();

// {layers: [{name, parameters: [{name, shape, dtype, scheme, formula, statistics}]}]} of a drawable spec.
export function statistics(spec) {
  return remembered(JSON.stringify(spec), () => {
    const dtype = spec.dtype ?? "float32";
    const drawn = arrays(spec, { dtype });
    const layers = new Map();
    for (const [key, { layer, scheme, distribution }] of sources({ ...spec, layout: "keras" })) {
      const { shape, data } = drawn.get(key);
      const name = key.slice(layer.length + 1);
      const parameter = { name, shape, dtype, scheme, formula: formulaOf(distribution), statistics: statisticsOf(data, distribution) };
      if (!layers.has(layer)) layers.set(layer, { name: layer, parameters: [] });
      layers.get(layer).parameters.push(parameter);
    }
    return { dtype, layers: [...layers.values()] };
  });
}
