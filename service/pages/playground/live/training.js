// Trains a chain of dense layers by plain gradient descent, from several starts: the events of POST /train.
import { words } from "../initserve.js";
import { layersOf } from "./chain.js";
import { judged, overflowed } from "./judging.js";
import { lossOf } from "./losses.js";
import { backward, forward } from "./pass.js";
import { operationsOf, partsOf, startsOf } from "./question.js";
import { examplesOf, TASKS } from "./tasks.js";
import { examplesShown, isWatched, seenOf } from "./watching.js";

const MOST_ENTRIES = 200; // of a curve
const PACE = 2 ** 28; // multiplications between two events

// The examples of a step: each step has words of its own in the stream, whatever was asked before.
function chosen(seed, step, batch, { inputs, targets }, features) {
  if (!batch) return { inputs, targets };
  const taken = { inputs: new Float64Array(batch * features), targets: new targets.constructor(batch) };
  words(seed, "train batches", step * batch, batch).forEach((word, place) => {
    const row = Math.floor((word * targets.length) / 2 ** 32);
    taken.inputs.set(inputs.subarray(row * features, (row + 1) * features), place * features);
    taken.targets[place] = targets[row];
  });
  return taken;
}

const squares = (values) => values.reduce((found, value) => found + value * value, 0);

// A batch there and back: the loss, the gradients and how long they are, of all layers and of the first one's kernel.
function look(task, layers, { inputs, targets }) {
  const stages = forward(layers, inputs);
  const answers = stages.at(-1).out;
  const { loss, gradient } = lossOf(task, answers, targets);
  const gradients = backward(layers, stages, gradient);
  const length = gradients.reduce((found, { kernel, bias }) => found + squares(kernel) + (bias ? squares(bias) : 0), 0);
  return { loss, answers, stages, gradients, norm: Math.sqrt(length), first: Math.sqrt(squares(gradients[0].kernel)) };
}

function descend(values, gradient, rate) {
  for (let i = 0; i < values.length; i++) values[i] -= rate * gradient[i];
}

function step(layers, gradients, rate) {
  layers.forEach(({ kernel, bias }, index) => {
    descend(kernel, gradients[index].kernel, rate);
    if (bias) descend(bias, gradients[index].bias, rate);
  });
}

function* run({ name, seed, spec }, number, training) {
  const { task, steps, batch, learning_rate: rate, watch } = training;
  const [all, about] = [examplesOf(task), { scheme: name, seed }];
  const every = Math.ceil(steps / MOST_ENTRIES);
  const pace = Math.max(1, Math.floor(PACE / operationsOf(spec, training)));
  const layers = layersOf(spec);
  const curves = { every, loss: [], gradient_norm: [] };
  const finished = (outcome) => ({ event: "run", data: { ...about, ...curves, ...outcome } });
  let began = 0;
  for (let now = 0; now < steps; now++) {
    const { loss, norm, first, gradients } = look(TASKS[task], layers, chosen(seed, now, batch, all, TASKS[task].features));
    if (now === 0) began = first;
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      yield finished(overflowed(`${Number.isFinite(loss) ? "gradient" : "loss"} overflowed at step ${now}`));
      return;
    }
    const recorded = now % every === 0;
    if (recorded) {
      curves.loss.push(loss);
      curves.gradient_norm.push(norm);
    }
    const watched = watch && isWatched(now, steps);
    const seen = watched ? seenOf(task, layers) : {};
    // Every step gives whoever waits a turn; what the service does not tell of is not told of here.
    const telling = watched || recorded || now % pace === 0;
    yield telling ? { event: "progress", data: { run: number, ...about, step: now, loss, gradient_norm: norm, ...seen } } : null;
    step(layers, gradients, rate);
  }
  yield finished(judged(task, layers, look(TASKS[task], layers, all), all.targets, began));
}

// Yields an event of a trainable question, or null where a step passed without one.
export function* train(question) {
  const parts = partsOf(question);
  if (parts.training.watch) yield { event: "examples", data: examplesShown(parts.training.task) };
  const starts = startsOf(parts);
  for (let number = 0; number < starts.length; number++) yield* run(starts[number], number, parts.training);
  yield { event: "end", data: {} };
}
