// What came of a training, and why: in the service's own words.
import { constantLoss, TASKS } from "./tasks.js";
import { general, percent } from "./written.js";

const VANISHED = 1e-4; // a gradient so small that it explains a loss that stayed where it was
const STEEP = 100; // a gradient that overshoots at any usual learning rate
const ALIKE = 1e-6; // of the largest weight: how far rounding may have taken equal neurons apart

const outcome = (final_loss, accuracy, learnt, reason) => ({ final_loss, accuracy, learnt, reason });
export const overflowed = (where) => outcome(null, null, false, `the ${where}`);

function accuracyOf({ classes, outputs }, answers, targets) {
  if (!classes) return null;
  let right = 0;
  targets.forEach((target, row) => {
    const own = answers.subarray(row * outputs, (row + 1) * outputs);
    if (own.indexOf(own.reduce((most, one) => Math.max(most, one), -Infinity)) === target) right++;
  });
  return right / targets.length;
}

// From when on classes are learnt: half-way from the best constant answer's accuracy to 1.
const enoughOf = ({ outputs }) => 0.5 + 0.5 / outputs;

function described(name, loss, accuracy) {
  const task = TASKS[name];
  if (accuracy === null) return `the squared error is ${percent(loss / constantLoss(name), 2)} of a constant answer's; at most 10% is learnt`;
  return `${Number((100 * accuracy).toPrecision(4))}% of the answers are right, where a constant one has ${percent(1 / task.outputs)}; from ${percent(enoughOf(task))} on it is learnt`;
}

// The outcome of a run by all examples: `last` is a look at them, `began` the first layer's gradient at the first step.
export function judged(name, layers, last, targets, began) {
  if (!Number.isFinite(last.loss) || !Number.isFinite(last.norm)) return overflowed("loss overflowed at the last step");
  const accuracy = accuracyOf(TASKS[name], last.answers, targets);
  const told = described(name, last.loss, accuracy);
  const learnt = accuracy === null ? last.loss <= 0.1 * constantLoss(name) : accuracy >= enoughOf(TASKS[name]);
  if (learnt) return outcome(last.loss, accuracy, true, told);
  const why = whatStopped(layers, last, began, constantLoss(name));
  return outcome(last.loss, accuracy, false, why ?? `${told}: more steps, another learning rate or another start may do`);
}

// What kept a network from learning, null where it was only on its way.
function whatStopped(layers, last, began, constant) {
  const [first, steepest] = [Math.min(began, last.first), Math.max(began, last.norm)];
  const same = layers.slice(0, -1).find(isSymmetric);
  if (same) return `every neuron of ${same.name} stayed the same, so that all of them together are worth one`;
  const dead = layers.slice(0, -1).find(({ kernel }, index) => isAnything(kernel) && !isAnything(last.stages[index].out));
  if (dead && !(began > 0 && began < VANISHED))
    return `every neuron of ${dead.name} is dead: it gives 0 for every example, and no gradient comes back through it`;
  if (last.loss < 0.95 * constant) return null;
  const ended = `the loss ended at ${general(last.loss, 3)}`;
  if (steepest > STEEP)
    return `${ended}, where a constant answer has ${general(constant, 3)}: gradients of ${general(steepest, 1)} made every step a jump elsewhere`;
  if (first >= VANISHED) return null;
  const stayed = last.loss < 1.5 * constant ? "the loss stayed at that of a constant answer" : ended;
  const elsewhere = steepest > VANISHED ? "; the rest of the gradient is in later layers" : "";
  return `${stayed}: gradients of ${general(first, 1)} in ${layers[0].name} changed nothing there${elsewhere}`;
}

const isAnything = (values) => values.some((value) => value !== 0);

// Whether all neurons of a layer compute the same, and not just nothing.
function isSymmetric({ kernel, bias, inputs, outputs }) {
  if (outputs < 2 || !isAnything(kernel)) return false;
  const rows = Array.from({ length: inputs }, (_, row) => kernel.subarray(row * outputs, (row + 1) * outputs));
  if (bias) rows.push(bias);
  const largest = rows.reduce((most, row) => row.reduce((found, one) => Math.max(found, Math.abs(one)), most), 0);
  return rows.every((row) => Math.max(...row) - Math.min(...row) <= ALIKE * largest);
}
