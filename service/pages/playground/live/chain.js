// A plain chain of dense layers in a spec: which it is, and its weights.
import { normal, words } from "../initserve.js";
import { arrays, isSmall } from "./drawing.js";
import { FUNCTIONS } from "./functions.js";

const MOST_VALUES = 2 ** 21; // outputs of all layers for one batch
const DENSE = ["name", "type", "shape", "activation", "scheme", "seed", "gain", "bias"];
const [MOST_EXAMPLES, LEAST_EXAMPLES, PLACES] = [128, 8, 4096]; // as the service sends through where nobody says

const isSize = (size) => Number.isSafeInteger(size) && size > 0;
const product = (sizes) => sizes.reduce((found, size) => found * size, 1);

export const knows = (activation) => activation === "softmax" || Object.hasOwn(FUNCTIONS, activation);

// What goes through: so many examples of this shape, or null where a spec's input fits no chain.
function inputOf({ input_shape: stated, layers }) {
  const [features] = layers[0].shape;
  if (stated === undefined || stated === null) return { shape: [features], examples: MOST_EXAMPLES };
  if (!Array.isArray(stated) || !stated.every(isSize) || stated.at(-1) !== features) return null;
  return { shape: stated, examples: Math.min(MOST_EXAMPLES, Math.max(LEAST_EXAMPLES, Math.floor(PLACES / product(stated)))) };
}

const isDense = (layer) =>
  layer.type === "dense" && Object.keys(layer).every((member) => DENSE.includes(member)) && knows(layer.activation ?? "linear");

const fits = (layers) => layers.every(({ shape }, index) => index === 0 || shape[0] === layers[index - 1].shape[1]);

// Whether a spec is a chain of dense layers, each taking what the one before gives, with weights that are drawn here.
export function isChain(spec) {
  const { layers } = spec;
  return Array.isArray(layers) && layers.length > 0 && layers.every(isDense) && isSmall(spec) && fits(layers) && inputOf(spec) !== null;
}

export function isPassable(spec) {
  if (!isChain(spec)) return false;
  const { shape, examples } = inputOf(spec);
  const rows = examples * product(shape.slice(0, -1));
  return rows * spec.layers.reduce((found, layer) => found + layer.shape[1], 0) <= MOST_VALUES;
}

// The layers with their weights in float64, {name, inputs, outputs, activation, kernel, bias}; the activation of the
// last one is the loss's to apply where it is softmax.
export function layersOf(spec) {
  const drawn = arrays(spec, { dtype: spec.dtype ?? "float32" });
  return spec.layers.map((layer, index) => {
    const name = layer.name ?? `${layer.type}_${index}`;
    const activation = layer.activation ?? "linear";
    const isLast = index === spec.layers.length - 1;
    const bias = drawn.get(`${name}/bias`);
    return {
      name,
      inputs: layer.shape[0],
      outputs: layer.shape[1],
      activation: isLast && activation === "softmax" ? "linear" : activation,
      kernel: Float64Array.from(drawn.get(`${name}/kernel`).data),
      bias: bias ? Float64Array.from(bias.data) : null,
    };
  });
}

export const values = (seed, path, distribution, count) => distribution.doubles(words(seed, path, 0, count));

// The batch that a diagnosis sends through, in rows of features.
export function inputsOf(spec, batch) {
  const { shape, examples } = inputOf(spec);
  const count = batch ?? examples;
  return { examples: count, values: values(spec.seed, "diagnose inputs", normal(0, 1), count * product(shape)) };
}

export const gradientOf = (spec, count) => values(spec.seed, "diagnose gradient", normal(0, 1), count);
