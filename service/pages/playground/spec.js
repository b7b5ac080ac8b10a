// The spec as the service reads it: what the layers' sizes mean, how sizes follow, presets, and changes to all layers.

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
const UNKNOWN = { sizes: [], weights: true, bias: true, start: [] };

// A spec that names a recipe has no layers of its own, and some layers have no shape.
export const layersOf = (spec) => spec.layers ?? [];
export const shapeOf = (layer) => layer.shape ?? [];
export const nameOf = (layer, index) => layer.name || `${layer.type}_${index}`;
export const typeOf = (layer) => LAYER_TYPES[layer.type] ?? UNKNOWN;
export const sizeName = (layer, place) => typeOf(layer).sizes[place] ?? `${place}`;
export const schemeName = (scheme) =>
  typeof scheme === "object" && scheme !== null ? scheme.name : (scheme ?? "auto");
export const isSize = (value) => Number.isInteger(value) && value > 0;

const dense = (name, from, to, activation) => ({ name, type: "dense", shape: [from, to], activation });

function chain(widths, activation, last) {
  return widths.slice(1).map((width, index) => {
    const end = index === widths.length - 2;
    return dense(end ? "out" : `fc${index + 1}`, widths[index], width, end ? last : activation);
  });
}

// Thirty layers: there Glorot's missing factor of 2 a layer is one of 2³⁰ in the variance.
export const PRESETS = {
  mlp: () => chain([784, ...Array(7).fill(128), 10], "relu", "softmax"),
  relu30: () => chain([64, ...Array(29).fill(64), 10], "relu", "softmax"),
  tanh20: () => chain([64, ...Array(19).fill(64), 10], "tanh", "softmax"),
  lenet5: () => [
    { name: "conv1", type: "conv2d", shape: [5, 5, 1, 6], activation: "tanh" },
    { name: "conv2", type: "conv2d", shape: [5, 5, 6, 16], activation: "tanh" },
    { name: "conv3", type: "conv2d", shape: [5, 5, 16, 120], activation: "tanh" },
    dense("fc1", 120, 84, "tanh"),
    dense("out", 84, 10, "softmax"),
  ],
  conv: () => [
    { name: "conv1", type: "conv2d", shape: [3, 3, 3, 32], activation: "relu" },
    { name: "norm1", type: "batch_norm", shape: [32] },
    { name: "conv2", type: "conv2d", shape: [3, 3, 32, 64], activation: "relu" },
    { name: "norm2", type: "batch_norm", shape: [64] },
    { name: "conv3", type: "conv2d", shape: [3, 3, 64, 128], activation: "relu" },
    dense("out", 128, 10, "softmax"),
  ],
  lstm: () => [
    // The usual N(0, 0.02²) is for what a normalisation follows; here nothing does.
    { name: "words", type: "embedding", shape: [1000, 64], scheme: { name: "random_normal", stddev: 1 } },
    { name: "lstm", type: "lstm", shape: [64, 128] },
    dense("out", 128, 10, "softmax"),
  ],
  attention: () => [
    { name: "words", type: "embedding", shape: [1000, 64] },
    { name: "norm1", type: "layer_norm", shape: [64] },
    { name: "attention", type: "multi_head_attention", shape: [64, 4, 16] },
    { name: "norm2", type: "layer_norm", shape: [64] },
    dense("mlp1", 64, 256, "gelu"),
    dense("mlp2", 256, 64, "linear"),
    dense("out", 64, 10, "softmax"),
  ],
};

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

// Lets each layer read what the layer before it gives; sizes that are being typed are left alone.
export function follow(layers) {
  let width = null;
  for (const layer of layers) {
    const type = typeOf(layer);
    if (layer.shape && type.reads !== undefined && isSize(width)) layer.shape[type.reads] = width;
    if (type.gives !== undefined) width = shapeOf(layer)[type.gives];
  }
  return layers;
}

export function followsAnother(layers, index) {
  return (
    typeOf(layers[index]).reads !== undefined &&
    layers.slice(0, index).some((layer) => typeOf(layer).gives !== undefined)
  );
}

export function freshLayer(type, layers) {
  const before = layers.at(-1);
  const shape = [...LAYER_TYPES[type].start];
  const activation =
    type === "dense" || type === "conv2d" ? (before?.activation ?? "relu") : LAYER_TYPES[type].activation;
  return { name: freshName(type, layers), type, shape, ...(activation && { activation }) };
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

const shorten = (value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);

// What a `try` would change, as rows of {field, from, to, layers}: the same change to many layers is one row. What both
// say in other words (a default stated, a scheme with its parameters) is no change.
export function differences(from, to, { schemes, statistics }) {
  const rows = new Map();
  to.layers?.forEach((layer, index) => {
    const old = layersOf(from)[index] ?? {};
    const means = (field, value) => meaning(field, value, schemes, statistics?.layers[index]);
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
