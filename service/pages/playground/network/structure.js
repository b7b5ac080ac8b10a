// How a spec's layers are joined, as far as this page can tell: names, what each takes, how many features it gives.

// Layers without weights, which /init passes over. `keeps`: as many features as came; `takes`: how many it joins.
const WEIGHTLESS = {
  add: { keeps: true, takes: 2 },
  multiply: { keeps: true, takes: 2 },
  concatenate: { takes: 2 },
  activation: { keeps: true },
  max_pool: { keeps: true },
  average_pool: { keeps: true },
  global_average_pool: { keeps: true },
  upsample: { keeps: true },
  scale: { keeps: true },
  rotary: { keeps: true },
  flatten: {},
  reshape: {},
  transpose: {},
  pad: {},
  split: {},
  tied: {},
  dot_product_attention: { takes: 3 },
  relative_positions: { takes: 2 },
};
export const WEIGHTLESS_TYPES = Object.keys(WEIGHTLESS);
export const isWeightless = (layer) => Object.hasOwn(WEIGHTLESS, layer.type);
const keeps = (layer) => WEIGHTLESS[layer.type]?.keeps || layer.type === "dropout";

// A layer without a name has its type and its place; places of layers with weights are counted among these alone.
export function namesOf(layers) {
  let weighted = 0;
  return layers.map((layer, index) => {
    const place = isWeightless(layer) ? index : weighted++;
    return layer.name || `${layer.type}_${place}`;
  });
}

// The place of each layer among those that /init answers, null for one that it passes over.
export function answered(layers) {
  let weighted = 0;
  return layers.map((layer) => (isWeightless(layer) ? null : weighted++));
}

export const withoutPart = (reference) => `${reference}`.split(":")[0];

// The places of the layers that each layer takes; null for what comes from outside the network, or is not there.
export function sourcesOf(layers) {
  const places = new Map();
  return namesOf(layers).map((name, index) => {
    const { inputs } = layers[index];
    const taken = Array.isArray(inputs)
      ? inputs.map((input) => places.get(withoutPart(input)) ?? null)
      : [index ? index - 1 : null];
    places.set(name, index);
    return taken;
  });
}

// How many features each layer gives; null where that depends on more than this page works out. `gives` says it of a
// layer that has a size for it; `arrives` is told what comes to each layer, before it is asked what it gives.
export function passFeatures(layers, gives, arrives = () => {}) {
  const found = [];
  sourcesOf(layers).forEach((sources, index) => {
    const layer = layers[index];
    const came = sources.map((place) => (place === null || layers[place].type === "split" ? null : found[place]));
    arrives(index, came);
    found.push(gives(layer) ?? passedOn(layer, came));
  });
  return found;
}

function passedOn(layer, came) {
  if (!came.length || !came.every(Number.isInteger)) return null;
  if (layer.type === "concatenate" && (layer.axis ?? -1) === -1) return came.reduce((sum, each) => sum + each, 0);
  return keeps(layer) ? Math.max(...came) : null;
}

// What a new layer of several inputs joins: the last layer, with earlier ones of as many features where there are some,
// else with itself.
export function joined(type, layers, gives) {
  const wanted = WEIGHTLESS[type]?.takes;
  if (!wanted) return undefined;
  const names = namesOf(layers);
  const last = names.at(-1) ?? "input";
  const features = passFeatures(layers, gives);
  const alike = names.filter((_, index) => index < layers.length - 1 && isKnown(features[index]) && features[index] === features.at(-1));
  const others = alike.slice(1 - wanted);
  return [...others, ...Array(wanted - others.length).fill(last)];
}

const isKnown = (features) => Number.isInteger(features);

const replaceInput = (layer, from, to) => {
  if (Array.isArray(layer.inputs)) layer.inputs = layer.inputs.map((input) => (withoutPart(input) === from ? to(`${input}`) : input));
};

// What others take by a name goes by the new one.
export function rename(layers, from, to) {
  if (!to || !from) return;
  for (const layer of layers) {
    replaceInput(layer, from, (input) => to + input.slice(from.length));
    if (layer.type === "tied" && layer.to === from) layer.to = to;
  }
}

// Takes a layer out: whoever named it takes what it took first.
export function takeOut(layers, index) {
  const names = namesOf(layers);
  const instead = layers[index].inputs?.[0] ?? (index ? names[index - 1] : "input");
  layers.splice(index, 1);
  for (const layer of layers) replaceInput(layer, names[index], () => instead);
}
