// A batch forward through a chain of dense layers, and a gradient back: the numbers of a diagnosis.
import { gradientOf, inputsOf, layersOf } from "./chain.js";
import { FUNCTIONS } from "./functions.js";
import { likely } from "./losses.js";
import { addToRows, product, sumOfRows, transposed } from "./matrices.js";

function throughSoftmax(back, out, columns) {
  const found = new Float64Array(back.length);
  for (let at = 0; at < back.length; at += columns) {
    let along = 0;
    for (let j = 0; j < columns; j++) along += back[at + j] * out[at + j];
    for (let j = 0; j < columns; j++) found[at + j] = out[at + j] * (back[at + j] - along);
  }
  return found;
}

function activated({ activation, outputs }, fed) {
  if (activation === "linear") return fed;
  if (activation === "softmax") return likely(fed, outputs);
  const { value } = FUNCTIONS[activation];
  const found = new Float64Array(fed.length);
  for (let i = 0; i < fed.length; i++) found[i] = value(fed[i]);
  return found;
}

// The gradient before an activation, of that after it.
function through({ activation, outputs }, back, { fed, out }) {
  if (activation === "linear") return back;
  if (activation === "softmax") return throughSoftmax(back, out, outputs);
  const { slope } = FUNCTIONS[activation];
  const found = new Float64Array(back.length);
  for (let i = 0; i < back.length; i++) found[i] = back[i] * slope(fed[i]);
  return found;
}

// What each layer takes, gives before its activation (`fed`) and after (`out`), for inputs in rows.
export function forward(layers, inputs) {
  let taken = inputs;
  return layers.map((layer) => {
    const fed = product(taken, layer.kernel, taken.length / layer.inputs, layer.inputs, layer.outputs);
    if (layer.bias) addToRows(fed, layer.bias);
    const stage = { taken, fed, out: activated(layer, fed) };
    taken = stage.out;
    return stage;
  });
}

// Of each layer the gradients at its outputs (`back`) and before its activation, of its kernel and of its bias, for one at the end.
export function backward(layers, stages, gradient) {
  const found = [];
  let back = gradient;
  for (let index = layers.length - 1; index >= 0; index--) {
    const layer = layers[index];
    const rows = back.length / layer.outputs;
    const before = through(layer, back, stages[index]);
    const kernel = product(transposed(stages[index].taken, rows, layer.inputs), before, layer.inputs, rows, layer.outputs);
    found[index] = { back, before, kernel, bias: layer.bias && sumOfRows(before, layer.outputs) };
    if (index > 0) back = product(before, transposed(layer.kernel, layer.inputs, layer.outputs), rows, layer.outputs, layer.inputs);
  }
  return found;
}

// Sends what a diagnosis sends: `stages` and `gradients` of each of `layers`, of so many examples.
export function sent(spec, batch) {
  const layers = layersOf(spec);
  const { examples, values } = inputsOf(spec, batch);
  const stages = forward(layers, values);
  return { layers, examples, inputs: values, stages, gradients: backward(layers, stages, gradientOf(spec, stages.at(-1).out.length)) };
}
