// The layers of a chain as a diagnosis tells them: forward and backward, with how their values are distributed.
import { distributionOf } from "./distribution.js";
import { FUNCTIONS } from "./functions.js";
import { finite, momentsOf } from "./moments.js";
import { sumOfRows } from "./matrices.js";
import { sent } from "./pass.js";

const ROUNDING = 1e-12; // of what was added up: below it a difference is 0 but for rounding
const FLAT = 0.05; // a slope below which an activation counts as saturated

function saturated({ activation }, fed) {
  if (!Object.hasOwn(FUNCTIONS, activation)) return null;
  const { slope } = FUNCTIONS[activation];
  let flat = 0;
  for (let i = 0; i < fed.length; i++) if (Math.abs(slope(fed[i])) < FLAT) flat++;
  return flat / fed.length;
}

// The share of units that are 0 for every example.
function dead(out, units) {
  const alive = new Uint8Array(units);
  for (let at = 0; at < out.length; at += units) for (let j = 0; j < units; j++) if (out[at + j] !== 0) alive[j] = 1;
  return 1 - alive.reduce((sum, one) => sum + one, 0) / units;
}

// The mean cosine between one example's outputs and the next one's.
function correlation(out, examples) {
  const size = out.length / examples;
  const lengths = Array.from({ length: examples }, (_, row) => {
    let squares = 0;
    for (let i = row * size; i < (row + 1) * size; i++) squares += out[i] * out[i];
    return Math.sqrt(squares);
  });
  if (examples < 2 || !lengths.every((length) => length > 0 && Number.isFinite(length))) return null;
  let cosines = 0;
  for (let row = 1; row < examples; row++) {
    let together = 0;
    for (let i = 0; i < size; i++) together += out[row * size + i] * out[(row - 1) * size + i];
    cosines += together / (lengths[row] * lengths[row - 1]);
  }
  return finite(cosines / (examples - 1));
}

// By how much rows differ, feature by feature: the rms about their mean; 0 where that is rounding.
function variation(values, columns) {
  const rows = values.length / columns;
  const means = sumOfRows(values, columns).map((sum) => sum / rows);
  const found = momentsOf(values.map((value, at) => value - means[at % columns])).rms;
  return found <= ROUNDING * momentsOf(values).rms ? 0 : found;
}

// How steep the loss is along a layer's weights: what its inputs differ by, in units of the network's, times the gradient
// before its activation.
function slopeOf({ inputs, stages, gradients }, { inputs: features }, index) {
  const varied = variation(stages[index].taken, features) / (momentsOf(inputs).rms || 1);
  return finite(varied * (momentsOf(gradients[index].before).rms ?? NaN));
}

function layerOf(spec, found, index) {
  const { layers, examples, stages, gradients } = found;
  const layer = layers[index];
  const { fed, out } = stages[index];
  const { back, kernel } = gradients[index];
  const weights = momentsOf(kernel).rms;
  return {
    name: layer.name,
    type: "dense",
    activation: spec.layers[index].activation ?? "linear",
    inputs: [index ? layers[index - 1].name : "input"],
    judged_by: { slope: slopeOf(found, layer, index) },
    forward: {
      ...momentsOf(out),
      saturated: saturated(layer, fed),
      dead: dead(out, layer.outputs),
      correlation: correlation(out, examples),
      units: layer.outputs,
      distribution: distributionOf(out),
    },
    backward: { ...momentsOf(back), weights: weights === null ? null : weights / examples, distribution: distributionOf(back) },
  };
}

// What a diagnosis measures of a chain, {inputs, layers}: everything of forward and backward but how many units
// differ, and the slopes that layers are judged by.
export function told(spec, batch = null) {
  const found = sent(spec, batch);
  return {
    inputs: { kind: "standard normal", shape: [found.examples, ...(spec.input_shape ?? [spec.layers[0].shape[0]])] },
    layers: found.layers.map((_, index) => layerOf(spec, found, index)),
  };
}
