// Three small networks that learn the same, from zeros, from one value and from random ones: their first layer's weights
// and what its neurons answer, step by step of plain gradient descent in this browser.
import { forward, backward } from "../live/pass.js";
import { inputsOf, layersOf } from "../live/chain.js";
import { update } from "../frame/state.js";
import { specOf } from "./steps.js";

export const STEPS = 100;
const RATE = 0.2;
const EXAMPLES = 64;
const ALIKE = 1e-6; // of the largest: how far rounding may take equal neurons apart
export const STARTS = [
  ["zeros", "zeros"],
  ["constant", { name: "constant", value: 0.1 }],
  ["random", "glorot_normal"],
];

// What is learnt is a sum of the inputs with these signs.
const signs = (place) => (place % 2 ? -0.5 : 0.5);

let trained = null;

// For each start, for each step: the kernel of the first layer (inputs × neurons) and its answers to the first example;
// `steps` of null are still to be trained.
export function twins(network) {
  if (!trained) {
    trained = STARTS.map(([name]) => ({ name, steps: null }));
    trainInTurns(network);
  }
  return trained;
}

// One start between two frames, so that the page never stands still.
async function trainInTurns(network) {
  for (const [index, [, scheme]] of STARTS.entries()) {
    await new Promise((done) => setTimeout(done));
    const steps = train(specOf({ ...network, scheme }));
    update(() => (trained[index].steps = steps));
  }
}

function train(spec) {
  const layers = layersOf(spec);
  const { values } = inputsOf(spec, EXAMPLES);
  const { inputs } = layers[0];
  const wanted = Float64Array.from({ length: EXAMPLES }, (_, row) =>
    values.subarray(row * inputs, (row + 1) * inputs).reduce((sum, value, place) => sum + signs(place) * value, 0),
  );
  return Array.from({ length: STEPS + 1 }, () => {
    const stages = forward(layers, values);
    const shown = look(layers[0], stages);
    const error = stages.at(-1).out.map((answer, row) => (2 / EXAMPLES) * (answer - wanted[row]));
    backward(layers, stages, error).forEach(({ kernel, bias }, index) => {
      kernel.forEach((slope, place) => (layers[index].kernel[place] -= RATE * slope));
      bias?.forEach((slope, place) => (layers[index].bias[place] -= RATE * slope));
    });
    return shown;
  });
}

function look({ kernel, inputs, outputs }, stages) {
  const weights = Float64Array.from(kernel);
  return { weights, inputs, neurons: outputs, answers: Array.from(stages[0].out.subarray(0, outputs)), different: different(weights, inputs, outputs) };
}

// How many of the neurons differ: columns of the kernel.
function different(weights, inputs, neurons) {
  const most = weights.reduce((found, weight) => Math.max(found, Math.abs(weight)), 0);
  const kinds = [];
  for (let neuron = 0; neuron < neurons; neuron++) {
    const column = Array.from({ length: inputs }, (_, input) => weights[input * neurons + neuron]);
    if (!kinds.some((kind) => kind.every((weight, input) => Math.abs(weight - column[input]) <= ALIKE * most))) kinds.push(column);
  }
  return kinds.length;
}
