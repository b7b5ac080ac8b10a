// The page's one state: what a link holds, what the service answered, and what only this window knows.
import { language, LANGUAGES, read } from "../words/language.js";
import { isWritten, landed, put, steps } from "./history.js";
import { pack, unpack } from "./link.js";
import { PRESETS } from "../network/presets.js";

const TYPING = 1200; // milliseconds: changes to one field within it are one step for the back button
const SETTLED = 250; // milliseconds without a change, then the address follows

// What the service answered to the very spec in view; `before` is the last answer to another one, to be shown as past.
export const unasked = () => ({
  statistics: null,
  plan: null, // where statistics would be too large
  diagnosis: null,
  near: null, // what this browser knows of the spec by itself: live/near.js
  before: null,
  problems: [],
  asking: false,
});

export const initial = () => ({
  view: "home",
  home: { stddev: 0.05 },
  language: language(),
  spec: { seed: "42", ...PRESETS.mlp() },
  building: "layers", // how the network's parts are shown: a list, drawn, as text
  batch: null, // as many examples as the service finds enough
  // What a side leaves null is as in the network in view.
  compare: {
    a: { spec: null, scheme: null, seed: null, algorithm: null },
    b: { spec: null, scheme: { name: "random_normal", stddev: 0.05 }, seed: null, algorithm: null },
  },
  train: {
    network: "fitted",
    task: "digits",
    schemes: ["he_normal", "glorot_normal", "small_normal", "zeros"],
    restarts: 1,
    steps: 200,
    learning_rate: 0.02,
    axis: "logarithmic",
  },
  heat: null, // the array whose weights are seen; the first where there is none of this name
  ridges: { scale: "auto" },
  array: "", // whose weights are shown large
  across: { by: "width", sizes: "64, 128, 256, 512", optimizer: "sgd" },
  steps: { steps: 10, optimizer: "sgd", learning_rate: null }, // null: as usual for the optimizer
  lesson: {
    step: "convex",
    note: "", // a teacher's, shown on top
    convex: [-0.9, 2.4, 8.0], // where balls start
    valleys: [3.0, 4.9, 7.2],
    zones: [1.1, 3.2, 8.3],
    after: 0, // steps of training in the picture of symmetry
    stddev: 0.01,
    factor: { glorot: 0.6, he: 1.5 }, // variance times inputs
    way: { glorot: "backward", he: "forward" },
    fan_in: 128,
    fan_out: 64,
  },
  // In initserve/1's own view: the language of the lines; everywhere the array whose lines are shown.
  streams: { client: "python", layer: 0, parameter: 0 },
  starts: { curve: "valleys", positions: [1.1, 3.2, 8.3], learning_rate: 0.4 },
});

// Views that speak of the reader's network; the others neither show it nor ask about it.
const OF_NETWORK = ["diagnosis", "compare", "train", "streams"];
export const isOfNetwork = (view) => OF_NETWORK.includes(view);

const NETWORK = "diagnosis"; // the view of a link that says none: whoever sends a network wants it seen

const unstudied = () => ({ asked: null, found: null, problem: null, running: false });

export const state = {
  shared: initial(),
  answers: { stack: unasked(), a: unasked(), b: unasked() },
  studies: { across: unstudied(), steps: unstudied() },
  // `step` is the one that is looked at, null for the newest; `restart` the one of each start whose pictures are shown.
  training: { running: false, runs: [], examples: null, problems: [], asked: null, total: 0, step: null, restart: 0 },
  descent: { of: null, step: 0, running: false }, // `of` is the picture whose balls roll
  lesson: { visited: [], predicted: {}, trained: {} },
  catalogue: { schemes: [], activations: [], layers: [], recipes: [], algorithms: [] },
  open: null, // index of the layer whose fields are shown
  until: null, // that of the layer up to which others are chosen with it
  every: false, // whether all histograms are shown
  parameter: null, // whose addresses are shown; the first where there is none of this name
  version: "",
  broken: false, // whether the address held what cannot be read
};

const renderers = [];
const followers = [];
let drawn = 0;
let delayed = 0;
let held = false;
let again = false;
let settling = 0;
let pending = "";
let written = Promise.resolve(); // addresses are packed in the background, and put in the order of their changes
let last = { kind: "", at: 0 };

export const onRender = (render) => renderers.push(render);
export const onShared = (followed) => followers.push(followed);

// What comes in a quick row may be drawn together, `within` so many milliseconds.
export function update(mutate, within = 0) {
  mutate(state);
  if (!within) draw();
  else delayed ||= setTimeout(draw, within);
}

function draw() {
  clearTimeout(delayed);
  cancelAnimationFrame(drawn);
  delayed = 0;
  drawn = requestAnimationFrame(() => {
    if (held) again = true;
    else renderers.forEach((render) => render(state));
  });
}

// A button that is held down stays: drawn anew in between, it would not be clicked when it is let go.
addEventListener("pointerdown", (event) => (held = Boolean(event.target.closest?.("button"))), true);
for (const kind of ["pointerup", "pointercancel"]) {
  addEventListener(kind, () => {
    held = false;
    if (again) setTimeout(draw);
    again = false;
  });
}

// A change to what a link holds; changes of one kind in quick succession are one step back, of two kinds two.
export function edit(kind, mutate) {
  if (kind !== pending) writePending();
  update(() => mutate(state.shared));
  followers.forEach((followed) => followed(state));
  clearTimeout(settling);
  pending = kind;
  settling = setTimeout(writePending, SETTLED);
}

function writePending() {
  if (!settling) return;
  clearTimeout(settling);
  settling = 0;
  const [kind, network, packed] = [pending, JSON.stringify(state.shared.spec), pack(state.shared)];
  written = written.then(async () => writeAddress(kind, network, `#${await packed}`));
}

function writeAddress(kind, network, hash) {
  if (hash === location.hash) return;
  const typing = kind === last.kind && performance.now() - last.at < TYPING + SETTLED;
  last = { kind, at: performance.now() };
  put(hash, network, typing);
}

// Whether there is another network before (way -1) or after (1) the one in view.
export const canStep = (way) => steps(way) !== 0 || (way < 0 && !isWritten(JSON.stringify(state.shared.spec)));

// Goes back to the network before, or on to the one after, along the page's own history.
export async function step(way) {
  writePending();
  await written;
  if (steps(way)) history.go(steps(way));
}

export async function address() {
  return new URL(`#${await pack(state.shared)}`, location.href).href;
}

// Takes over what the address holds; false where it holds nothing that can be read.
export async function readAddress() {
  clearTimeout(settling);
  settling = 0;
  last = { kind: "", at: 0 };
  const hash = location.hash.slice(1);
  const held = await heldBy(hash);
  const readable = isObject(held?.spec) && (held.spec.layers === undefined || isStack(held.spec.layers));
  update(() => (state.broken = !readable));
  if (!readable) {
    update(() => (state.shared.view = NETWORK));
    return false;
  }
  update(() => {
    state.shared = merge(initial(), { view: NETWORK, ...held }, "");
    state.open = null;
    read(state.shared.language);
  });
  landed(JSON.stringify(state.shared.spec));
  followers.forEach((followed) => followed(state));
  return true;
}

// A packed state; a view's name alone (`#lessons`) leads to that view, as it begins.
async function heldBy(hash) {
  if (!hash) return initial();
  if (CHOICES.view.includes(hash)) return { ...initial(), view: hash };
  return unpack(hash).catch(() => null);
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isStack = (layers) => Array.isArray(layers) && layers.every(isObject);

// A spec is taken as it is: the service says what it takes. Of the page's own settings a link may hold some, from an
// older page or another hand; what could not be one of them is left as it starts.
function merge(start, held, name) {
  if (held === undefined) return start;
  if (name === "spec" || name.startsWith("scheme")) return Array.isArray(start) && !Array.isArray(held) ? start : held;
  if (name in CHOICES) return CHOICES[name].includes(held) ? held : start;
  if (Array.isArray(start)) return isRow(held, start.length) ? held : start;
  if (!isObject(start)) return isField(held) ? held : start;
  if (!isObject(held)) return start;
  return Object.fromEntries(Object.keys(start).map((part) => [part, merge(start[part], held[part], part)]));
}

const CHOICES = {
  view: ["home", "lessons", "diagnosis", "compare", "train", "streams", "starts"],
  step: ["convex", "valleys", "zones", "symmetry", "scale", "glorot", "he", "keras", "handout"],
  client: ["python", "r", "julia", "javascript"],
  language: LANGUAGES,
  axis: ["logarithmic", "linear"],
  task: ["quadratic", "moons", "spirals", "digits"],
  curve: ["valleys", "bowl"],
  building: ["layers", "drawn", "text"],
  network: ["fitted", "whole"],
  scale: ["auto", "linear", "magnitude"],
  by: ["width", "depth"],
  optimizer: ["sgd", "adam"],
};
const isRow = (held, length) => Array.isArray(held) && held.length === length && held.every(Number.isFinite);
const isField = (held) => held === null || ["string", "number"].includes(typeof held);
