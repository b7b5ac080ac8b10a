// The tasks that a network is trained on, with the very examples of the service: drawn from streams of their own.
import { normal, uniform } from "../initserve.js";
import { values } from "./chain.js";

const SEED = "0"; // of the examples: a restart changes the start and the batches, never the task
const SIDE = 8; // of an image
const NOISE = 0.2; // its deviation, in an image of strokes of 1 on a ground of 0
// Rows of a pixel font, from the top.
const GLYPHS = [
  ".###. #...# #...# #...# #...# #...# .###.",
  "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
  ".###. #...# ....# ..##. .#... #.... #####",
  ".###. #...# ....# ..##. ....# #...# .###.",
  "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
  "##### #.... ####. ....# ....# #...# .###.",
  ".###. #.... #.... ####. #...# #...# .###.",
  "##### ....# ...#. ..#.. ..#.. .#... .#...",
  ".###. #...# #...# .###. #...# #...# .###.",
  ".###. #...# #...# .#### ....# ....# .###.",
].map((glyph) => glyph.split(" "));

const drawn = (path, distribution, count) => values(SEED, `task/${path}`, distribution, count);

// A column of so many columns, as {mean, deviation}.
function columnOf(numbers, columns, column) {
  const count = numbers.length / columns;
  let [total, squares] = [0, 0];
  for (let i = column; i < numbers.length; i += columns) total += numbers[i];
  const mean = total / count;
  for (let i = column; i < numbers.length; i += columns) squares += (numbers[i] - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / count) };
}

function standardised(numbers, columns) {
  const about = Array.from({ length: columns }, (_, column) => columnOf(numbers, columns, column));
  return numbers.map((value, at) => (value - about[at % columns].mean) / about[at % columns].deviation);
}

function quadratic(count) {
  const inputs = drawn("quadratic/points", normal(0, 1), count * 8);
  const slopes = drawn("quadratic/slopes", normal(0, 1), 8);
  const noise = drawn("quadratic/noise", normal(0, 0.1), count);
  const targets = noise.map((away, row) => slopes.reduce((found, slope, i) => found + slope * inputs[8 * row + i], 0) + 0.5 + away);
  return { inputs, targets };
}

const inTurn = (count, classes) => Int32Array.from({ length: count }, (_, row) => row % classes);

function moons(count) {
  const targets = inTurn(count, 2);
  const angles = drawn("moons/angles", uniform(0, Math.PI), count);
  const noise = drawn("moons/noise", normal(0, 0.1), 2 * count);
  const points = noise.map((away, at) => {
    const [row, isY] = [at >> 1, at & 1];
    const along = isY ? Math.sin(angles[row]) : Math.cos(angles[row]);
    return (targets[row] === 0 ? along : (isY ? 0.5 : 1) - along) + away;
  });
  return { inputs: standardised(points, 2), targets };
}

function spirals(count) {
  const targets = inTurn(count, 2);
  const radii = drawn("spirals/radii", uniform(0.02, 1), count).map(Math.sqrt);
  const noise = drawn("spirals/noise", normal(0, 0.03), 2 * count);
  const points = noise.map((away, at) => {
    const radius = radii[at >> 1];
    const angle = 2.5 * Math.PI * radius + Math.PI * targets[at >> 1];
    return radius * (at & 1 ? Math.sin(angle) : Math.cos(angle)) + away;
  });
  return { inputs: standardised(points, 2), targets };
}

// A number from 0 to count - 1, each as likely, for a chance from 0 to 1.
const oneOf = (count, chance) => Math.min(Math.floor(chance * count), count - 1);

function digits(count) {
  const targets = inTurn(count, GLYPHS.length);
  const chances = drawn("digits/places", uniform(0, 1), count * 4);
  const images = drawn("digits/noise", normal(0, NOISE), count * SIDE * SIDE);
  targets.forEach((label, image) => {
    const [tall, wide, down, across] = chances.subarray(4 * image, 4 * image + 4);
    const [height, width] = [6 + oneOf(3, tall), 4 + oneOf(3, wide)];
    const [top, left] = [oneOf(SIDE + 1 - height, down), 1 + oneOf(SIDE - 1 - width, across)];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const pixel = GLYPHS[label][Math.floor(((2 * y + 1) * 7) / (2 * height))][Math.floor(((2 * x + 1) * 5) / (2 * width))];
        images[SIDE * (SIDE * image + top + y) + left + x] += pixel === "#" ? 1 : 0;
      }
  });
  return { inputs: standardised(images, 1), targets };
}

const row = (features, outputs, classes, examples, make) => ({ features, outputs, classes, examples, make });

// What goes in, what should come out (of so many classes, or numbers), how many examples there are.
export const TASKS = {
  quadratic: row(8, 1, false, 256, quadratic),
  moons: row(2, 2, true, 500, moons),
  spirals: row(2, 2, true, 500, spirals),
  digits: row(64, 10, true, 500, digits),
};

const made = new Map();

// All inputs, in rows, and targets: numbers, or those of classes.
export function examplesOf(name) {
  if (!made.has(name)) made.set(name, TASKS[name].make(TASKS[name].examples));
  return made.get(name);
}

// The loss of the best answer that is the same for every example.
export function constantLoss(name) {
  const { targets } = examplesOf(name);
  if (!TASKS[name].classes) return columnOf(targets, 1, 0).deviation ** 2;
  const counts = new Map();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  return [...counts.values()].map((count) => count / targets.length).reduce((found, share) => found - share * Math.log(share), 0);
}
