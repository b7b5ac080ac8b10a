// What is asked of a training: the stack's dense layers as the task needs them, or the network as it is.
import { follow, layersOf } from "../network/spec.js";

export const TASKS = { quadratic: [8, 1], moons: [2, 2], spirals: [2, 2], digits: [64, 10] }; // features, outputs
const LARGEST_SEED = 2n ** 64n;

// Measured on the MLP that the page begins with, on several seeds: with these He learns, and goes farther than Glorot,
// which was made for tanh.
const USUAL = {
  quadratic: { steps: 200, learning_rate: 0.001 },
  moons: { steps: 200, learning_rate: 0.01 },
  spirals: { steps: 400, learning_rate: 0.02 },
  digits: { steps: 200, learning_rate: 0.02 },
};
const CONVEX = { steps: 200, learning_rate: 0.1 }; // of one layer, which learns from any start

export const usual = (task, spec) => (task === "quadratic" && fitted(spec, task)?.layers.length === 1 ? CONVEX : USUAL[task]);

export const isTrainable = (layer) => layer.type === "dense" && Array.isArray(layer.shape);

// The stack as the task needs it: its dense layers one after the other, which read the features and give the classes, as
// numbers without a last activation.
export function fitted({ input_shape, ...spec }, task) {
  const layers = layersOf(spec).filter(isTrainable).map(({ inputs, ...layer }) => structuredClone(layer));
  if (!layers.length) return null;
  const [features, classes] = TASKS[task];
  layers[0].shape[0] = features;
  layers.at(-1).shape[1] = classes;
  layers.at(-1).activation = "linear";
  return { ...spec, layers: follow(layers) };
}

// How curves are drawn is the page's own; the rest is the service's.
export function question({ spec, train }) {
  const { schemes, network, axis, ...rest } = train;
  return { ...asTrained(spec, train), ...rest, ...(schemes.length && { schemes }) };
}

// What is trained, null where there is nothing.
export const asTrained = (spec, { network, task }) => (network === "whole" ? spec : fitted(spec, task));

// The runs of a question, in order: each start as often as there are restarts.
export function planned({ schemes, restarts }) {
  const starts = schemes ?? [null];
  return starts.flatMap((start) => Array.from({ length: Math.max(1, Number(restarts) || 1) }, (_, restart) => ({ start, restart })));
}

// Questions that together ask for the runs from number `from` on: first the restarts that a start still lacks, then the
// starts that are left. Runs of one start have seeds that follow each other.
export function remaining(asked, from) {
  if (!from) return [{ question: asked, first: 0 }];
  const runs = planned(asked);
  const { restart } = runs[from];
  const start = (from - restart) / asked.restarts;
  const alone = (index) => (asked.schemes ? { schemes: [asked.schemes[index]] } : {});
  const seed = String((BigInt(asked.seed) + BigInt(restart)) % LARGEST_SEED);
  const rest = { question: { ...asked, ...alone(start), seed, restarts: asked.restarts - restart }, first: from };
  const after = (start + 1) * asked.restarts;
  if (after >= runs.length) return [rest];
  return [rest, { question: { ...asked, schemes: asked.schemes.slice(start + 1) }, first: after }];
}
