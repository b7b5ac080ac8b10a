// What is shown of a training as it runs: its examples, how it answers, how its weights are distributed.
import { histogramOf } from "./distribution.js";
import { likely } from "./losses.js";
import { forward } from "./pass.js";
import { examplesOf, TASKS } from "./tasks.js";

const MOST_LOOKS = 50; // at a run, evenly, and one more at its last step
const BINS = 32; // of a layer's weights
const CELLS = 40; // of a boundary, along each axis
const SAMPLES = { classes: 20, numbers: 100 }; // examples that are answered for
const THOUSAND = 1000; // numbers are told to three decimals

export const isWatched = (step, steps) => step % Math.ceil(steps / MOST_LOOKS) === 0 || step === steps - 1;

const isPlane = ({ features, outputs }) => features === 2 && outputs === 2;

// To three decimals, a tie to the even one; null for what overflowed.
function rounded(value) {
  if (!Number.isFinite(value)) return null;
  const scaled = value * THOUSAND;
  const whole = Math.round(scaled);
  return (Math.abs(scaled % 1) === 0.5 && whole % 2 ? whole - 1 : whole) / THOUSAND + 0;
}

const rowsOf = (values, columns) =>
  Array.from({ length: values.length / columns }, (_, row) => Array.from(values.subarray(row * columns, (row + 1) * columns), rounded));

const most = (values) => values.reduce((found, value) => Math.max(found, value), -Infinity);

// Points of a plane, a few images with their ink, or targets.
export function examplesShown(name) {
  const { features, classes } = TASKS[name];
  const { inputs, targets } = examplesOf(name);
  if (isPlane(TASKS[name])) return { features, points: rowsOf(inputs, features), labels: [...targets] };
  if (!classes) return { features, targets: Array.from(targets.subarray(0, SAMPLES.numbers), rounded) };
  const shown = inputs.subarray(0, SAMPLES.classes * features);
  const least = -most(shown.map((value) => -value));
  const shades = shown.map((value) => (value - least) / (most(shown) - least));
  return { features, labels: [...targets.subarray(0, SAMPLES.classes)], images: rowsOf(shades, features) };
}

// How far from 0 the examples lie at the most, with some room, in halves.
const reachOf = (name) => Math.ceil(2 * (most(examplesOf(name).inputs.map(Math.abs)) + 0.1)) / 2;

// How likely class 1 is in the middle of each cell about the examples, row by row from below.
function boundary(name, layers) {
  const reach = reachOf(name);
  const middle = (cell) => reach * ((2 * cell + 1) / CELLS - 1);
  const points = Float64Array.from({ length: 2 * CELLS * CELLS }, (_, at) => middle(at & 1 ? Math.floor(at / 2 / CELLS) : (at / 2) % CELLS));
  const chances = likely(forward(layers, points).at(-1).out, 2);
  const values = Array.from({ length: CELLS * CELLS }, (_, cell) => rounded(chances[2 * cell + 1]));
  return { boundary: { low: [-reach, -reach], high: [reach, reach], size: CELLS, values } };
}

// How some of the examples are answered: of classes, how likely each is.
function answers(name, layers) {
  const { features, outputs, classes } = TASKS[name];
  const count = classes ? SAMPLES.classes : SAMPLES.numbers;
  const given = forward(layers, examplesOf(name).inputs.subarray(0, count * features)).at(-1).out;
  return { answers: classes ? rowsOf(likely(given, outputs), outputs) : Array.from(given, rounded) };
}

export function seenOf(name, layers) {
  const shown = isPlane(TASKS[name]) ? boundary(name, layers) : answers(name, layers);
  const weights = layers.map((layer) => ({ name: layer.name, ...histogramOf(layer.kernel, BINS) }));
  return { ...shown, weights: weights.filter(({ edges }) => edges) };
}
