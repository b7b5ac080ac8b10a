// The spec as the service reads it: what the layers' sizes mean, how sizes follow, and changes to all layers.
import { answered, isWeightless, joined, namesOf, passFeatures } from "./structure.js";
import { exact } from "../words/language.js";

// `reads` and `gives` are places in `shape`; a layer without `reads` takes tokens, whatever comes before it.
export const LAYER_TYPES = {
  dense: { sizes: ["in", "out"], reads: 0, gives: 1, weights: true, bias: true, start: [64, 64] },
  conv2d: { sizes: ["kh", "kw", "in", "out"], reads: 2, gives: 3, weights: true, bias: true, start: [3, 3, 3, 32] },
  layer_norm: { sizes: ["features"], reads: 0, gives: 0, start: [64] },
  batch_norm: { sizes: ["features"], reads: 0, gives: 0, start: [64] },
  lstm: { sizes: ["in", "units"], reads: 0, gives: 1, weights: true, bias: true, activation: "tanh", start: [64, 64] },
  gru: { sizes: ["in", "units"], reads: 0, gives: 1, weights: true, bias: true, activation: "tanh", start: [64, 64] },
  embedding: { sizes: ["rows", "dim"], gives: 1, start: [1000, 64] },
  multi_head_attention: {
    sizes: ["dim", "heads", "head_dim"],
    reads: 0,
    gives: 0,
    weights: true,
    bias: true,
    start: [64, 4, 16],
  },
};
const UNKNOWN = { sizes: [], weights: true, bias: true };
const JOINT = { sizes: [] }; // of a layer without weights

// A spec that names a recipe has no layers of its own, and some layers have no shape.
export const layersOf = (spec) => spec.layers ?? [];
export const shapeOf = (layer) => layer.shape ?? [];
export const nameOf = (layers, index) => namesOf(layers)[index];
export const typeOf = (layer) => LAYER_TYPES[layer.type] ?? (isWeightless(layer) || layer.type === "dropout" ? JOINT : UNKNOWN);
export const sizeName = (layer, place) => typeOf(layer).sizes[place] ?? `${place}`;
export const schemeName = (scheme) =>
  typeof scheme === "object" && scheme !== null ? scheme.name : (scheme ?? "auto");
export const isSize = (value) => Number.isInteger(value) && value > 0;

// The starts that the course notes speak of.
export const NOTES = [
  { label: "auto", scheme: "auto" },
  { label: "0", scheme: "zeros" },
  { label: "5", scheme: { name: "constant", value: 5 } },
  { label: "σ = 0.001", scheme: "small_normal" },
  { label: "σ = 1", scheme: { name: "random_normal", stddev: 1 } },
  { label: "Glorot", scheme: "glorot_normal" },
  { label: "He", scheme: "he_normal" },
];

const gives = (layer) => (typeOf(layer).gives === undefined ? null : shapeOf(layer)[typeOf(layer).gives]);

// Lets each layer read what it takes; sizes that are being typed, and those that this page cannot tell, are left alone.
export function follow(layers) {
  passFeatures(layers, gives, (index, came) => {
    const { reads } = typeOf(layers[index]);
    if (layers[index].shape && reads !== undefined && came.length === 1 && isSize(came[0])) layers[index].shape[reads] = came[0];
  });
  return layers;
}

// Whether a layer reads what another gives, so that its size is not typed.
export function followsAnother(layers, index) {
  let follows = false;
  passFeatures(layers, gives, (place, came) => {
    if (place === index) follows = typeOf(layers[index]).reads !== undefined && came.length === 1 && came[0] !== null;
  });
  return follows;
}

// `examples` are those of the catalogue, for what this page has no start of its own.
export function freshLayer(type, layers, examples = {}) {
  const before = layers.at(-1);
  const known = LAYER_TYPES[type];
  const start = known ? { shape: [...known.start] } : structuredClone(examples[type] ?? {});
  const activation = type === "dense" || type === "conv2d" ? (before?.activation ?? "relu") : known?.activation;
  const inputs = joined(type, layers, gives);
  return { ...start, name: freshName(type, layers), type, ...(activation && { activation }), ...(inputs && { inputs }) };
}

function freshName(type, layers) {
  const taken = new Set(layers.map((layer) => layer.name));
  let number = layers.length + 1;
  while (taken.has(`${type}_${number}`)) number += 1;
  return `${type}_${number}`;
}

export function putScheme(layer, scheme, member = "scheme") {
  if (scheme === undefined || (scheme === "auto" && member === "scheme")) delete layer[member];
  else layer[member] = scheme;
}

// Normalisations and embeddings keep their own starts: a scheme for matrices says nothing about them.
export function withScheme(spec, scheme) {
  if (!spec.layers) return spec;
  const layers = spec.layers.map((layer) => {
    if (!typeOf(layer).weights) return layer;
    const { gain, recurrent_scheme, output_scheme, ...rest } = layer;
    putScheme(rest, scheme);
    return rest;
  });
  return { ...spec, layers };
}

export function commonScheme(layers) {
  const schemes = new Set(
    layers.filter((layer) => typeOf(layer).weights).map((layer) => JSON.stringify(layer.scheme ?? "auto")),
  );
  return schemes.size === 1 ? JSON.parse([...schemes][0]) : null;
}

export const freshSeed = () => String(crypto.getRandomValues(new Uint32Array(1))[0]);

export function describeScheme(scheme) {
  if (scheme === null) return "null";
  if (typeof scheme !== "object") return scheme ?? "auto";
  const parameters = Object.entries(scheme).filter(([name]) => name !== "name");
  return parameters.length
    ? `${scheme.name} (${parameters.map(([name, value]) => `${name} ${shorten(value)}`).join(", ")})`
    : scheme.name;
}

const shorten = (value) => (typeof value === "number" ? exact(Number(value.toPrecision(4))) : value);

// What a `try` would change, as rows of {field, from, to, layers}: the same change to many layers is one row. What both
// say in other words (a default stated, a scheme with its parameters) is no change.
export function differences(from, to, { schemes, statistics }) {
  const rows = new Map();
  const places = answered(to.layers ?? []);
  to.layers?.forEach((layer, index) => {
    const old = layersOf(from)[index] ?? {};
    const means = (field, value) => meaning(field, value, schemes, statistics?.layers[places[index]]);
    for (const field of new Set([...Object.keys(old), ...Object.keys(layer)])) {
      if (field === "name" || means(field, old[field]) === means(field, layer[field])) continue;
      const [before, after] = [describeField(old[field]), describeField(layer[field])];
      const key = `${field} ${before} ${after}`;
      if (!rows.has(key)) rows.set(key, { field, from: before, to: after, layers: [] });
      rows.get(key).layers.push(layer.name ?? old.name);
    }
  });
  return [...rows.values()];
}

const USUAL = { gain: 1, activation: "linear" };
const PARAMETERS = { scheme: "kernel", bias: "bias" };

// A member's value with all that it leaves open filled in, as text: the same for all ways of saying the same.
function meaning(field, value, schemes, made) {
  if (value === undefined && field in USUAL) return JSON.stringify(USUAL[field]);
  if (field === "scheme" && (value === undefined || value === "auto")) return '"auto"';
  const said = value ?? made?.parameters.find(({ name }) => name === PARAMETERS[field])?.scheme ?? null;
  const entry = schemes.find(({ name, aliases }) => name === schemeName(said) || aliases.includes(schemeName(said)));
  if (!entry || said === null || !isSchemeField(field)) return JSON.stringify(said);
  const defaults = Object.fromEntries(entry.parameters.map((parameter) => [parameter.name, parameter.default]));
  const full = { ...defaults, ...(typeof said === "object" ? said : {}), name: entry.name };
  return JSON.stringify(Object.entries(full).sort(([one], [other]) => (one < other ? -1 : 1)));
}

const isSchemeField = (field) => field === "bias" || field.endsWith("scheme");

const describeField = (value) =>
  Array.isArray(value) ? value.join(" × ") : describeScheme(typeof value === "number" ? `${shorten(value)}` : value);
