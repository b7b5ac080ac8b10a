// Shortcuts around layers, and whole blocks: changes to a list of layers, made on a copy.
import { follow, LAYER_TYPES, shapeOf } from "./spec.js";
import { namesOf, passFeatures, sourcesOf, withoutPart } from "./structure.js";

const HEADS = 4;
const STEPS = 16; // of a sequence, where a network had none
const USUAL_WIDTH = 64;

const features = (layers) => passFeatures(layers, (layer) => shapeOf(layer)[LAYER_TYPES[layer.type]?.gives] ?? null);

// The name of what a layer takes, as a later one would say it.
function takenBy(layers, index) {
  const { inputs } = layers[index];
  if (Array.isArray(inputs)) return inputs.length ? `${inputs[0]}` : null;
  return index ? namesOf(layers)[index - 1] : "input";
}

// How many features a layer gives, or, of the network's input, how many the first layer reads.
function widthOf(layers, name) {
  const place = namesOf(layers).indexOf(withoutPart(name));
  if (place >= 0) return features(layers)[place];
  const reads = LAYER_TYPES[layers[0].type]?.reads;
  return reads === undefined ? null : (shapeOf(layers[0])[reads] ?? null);
}

function fresh(layers, stem) {
  const taken = new Set(namesOf(layers));
  for (let number = 1; ; number += 1) if (!taken.has(`${stem}${number}`)) return `${stem}${number}`;
}

// Whoever took the one takes the other; what took the layer before it without saying so does that still.
function retaken(layers, from, to, name) {
  for (const layer of layers.slice(to)) {
    if (Array.isArray(layer.inputs)) layer.inputs = layer.inputs.map((input) => (withoutPart(`${input}`) === from ? name + `${input}`.slice(from.length) : input));
  }
}

// Whether a shortcut around layers from first to last can be drawn: the first takes something that others may take too.
export const canShortcut = (layers, first) => takenBy(layers, first) !== null && layers[first].type !== "embedding";

// An `add` behind the last layer of what comes out there and what went into the first; where sizes differ, a projection
// makes them alike.
export function withShortcut(layers, first, last) {
  const made = named(structuredClone(layers));
  const source = takenBy(made, first);
  const [came, goes] = [widthOf(made, source), features(made)[last]];
  const end = made[last].name;
  const added = [];
  let shortcut = source;
  if (came !== goes && Number.isInteger(came) && Number.isInteger(goes)) {
    added.push(projection(made, first, last, came, goes, source));
    shortcut = added[0].name;
  }
  added.push({ name: fresh(made, "add"), type: "add", inputs: [shortcut, end] });
  retaken(made, end, last + 1, added.at(-1).name);
  made.splice(last + 1, 0, ...added);
  return follow(made);
}

// Names are written out, because places among the layers change.
function named(layers) {
  namesOf(layers).forEach((name, index) => (layers[index].name = name));
  return layers;
}

function projection(layers, first, last, came, goes, source) {
  const convolutions = layers.slice(first, last + 1).filter(({ type }) => type === "conv2d");
  const name = fresh(layers, "shortcut");
  if (!convolutions.length) return { name, type: "dense", shape: [came, goes], inputs: [source] };
  const strides = convolutions.map(({ strides: each = 1 }) => each).reduce((product, each) => (typeof each === "number" && typeof product === "number" ? product * each : each), 1);
  return { name, type: "conv2d", shape: [1, 1, came, goes], ...(strides !== 1 && { strides }), padding: "same", inputs: [source] };
}

// A residual block: a normalisation before the layers, and a shortcut around all of it.
export function inResidualBlock(layers, first, last) {
  const made = named(structuredClone(layers));
  const source = takenBy(made, first);
  const width = widthOf(made, source);
  const isPicture = made.slice(first, last + 1).some(({ type }) => type === "conv2d");
  const norm = { name: fresh(made, "norm"), type: isPicture ? "batch_norm" : "layer_norm", shape: [width ?? USUAL_WIDTH] };
  if (made[first].inputs) norm.inputs = [source];
  if (made[first].inputs) made[first].inputs = [norm.name, ...made[first].inputs.slice(1)];
  made.splice(first, 0, norm);
  return withShortcut(made, first, last + 1);
}

export const isShortcut = (layer) => layer?.type === "add" && layer.inputs?.length === 2;

// Takes a sum out again: what took it takes the branch, and what only the shortcut led through goes with it.
export function withoutShortcut(layers, index) {
  const made = named(structuredClone(layers));
  const names = namesOf(made);
  const [near, far] = made[index].inputs.map((input) => withoutPart(`${input}`)).toSorted((one, other) => names.indexOf(other) - names.indexOf(one));
  const between = made.findIndex(({ name }) => name === near);
  const projects = isProjection(made, between, index) ? between : isProjection(made, names.indexOf(far), index) ? names.indexOf(far) : -1;
  const branch = projects < 0 ? near : projects === between ? far : near;
  retaken(made, names[index], index + 1, branch);
  const next = made[index + 1];
  const dropped = new Set([index, ...(projects < 0 ? [] : [projects])]);
  const kept = made.filter((_, place) => !dropped.has(place));
  if (next && !next.inputs && kept[kept.indexOf(next) - 1]?.name !== branch) next.inputs = [branch];
  return follow(kept);
}

// A layer in the shortcut: its name says so, and only the sum takes it.
function isProjection(layers, place, sum) {
  if (place < 0 || !/(^|\.)shortcut\d*$|downsample/.test(layers[place].name)) return false;
  return sourcesOf(layers).every((taken, index) => index === sum || !taken.includes(place));
}

export const BLOCKS = { residual: residualBlock, transformer: transformerBlock };

// Where a block goes: behind the layer that is open, else before the layer that gives the output.
export function placeOfBlock(layers, open) {
  if (open !== null && open < layers.length) return open + 1;
  const last = layers.at(-1);
  return last?.type === "dense" ? layers.length - 1 : layers.length;
}

// A spec with a block of a kind in it, as wide as the network is there.
export function withBlock(spec, kind, open) {
  const layers = named(structuredClone(spec.layers));
  const at = placeOfBlock(layers, open);
  const stream = at ? layers[at - 1].name : "input";
  const width = widthOf(layers, stream) ?? USUAL_WIDTH;
  const block = BLOCKS[kind](fresh(layers.map(({ name }) => ({ name: name.split(".")[0] })), "block"), stream, width);
  retaken(layers, stream, at, block.at(-1).name);
  layers.splice(at, 0, ...block);
  return { ...spec, ...(kind === "transformer" && inSteps(spec, layers)), layers: follow(layers) };
}

// Attention looks along a sequence: one of some steps, where each example was a single one.
function inSteps({ input_shape: shape }, layers) {
  const [first] = layers;
  const alone = first.type === "dense" && (shape === undefined || (Array.isArray(shape) && shape.length === 1));
  return alone ? { input_shape: [STEPS, first.shape[0]] } : {};
}

function residualBlock(name, stream, width) {
  return [
    { name: `${name}.norm`, type: "layer_norm", shape: [width], inputs: [stream] },
    { name: `${name}.fc1`, type: "dense", shape: [width, 2 * width], activation: "relu" },
    { name: `${name}.fc2`, type: "dense", shape: [2 * width, width] },
    { name: `${name}.add`, type: "add", inputs: [stream, `${name}.fc2`] },
  ];
}

function transformerBlock(name, stream, width) {
  const heads = [HEADS, 2, 1].find((count) => width % count === 0);
  return [
    { name: `${name}.norm1`, type: "layer_norm", shape: [width], inputs: [stream] },
    { name: `${name}.attention`, type: "multi_head_attention", shape: [width, heads, width / heads], causal: true },
    { name: `${name}.add1`, type: "add", inputs: [stream, `${name}.attention`] },
    { name: `${name}.norm2`, type: "layer_norm", shape: [width] },
    { name: `${name}.fc1`, type: "dense", shape: [width, 4 * width], activation: "gelu" },
    { name: `${name}.fc2`, type: "dense", shape: [4 * width, width] },
    { name: `${name}.add2`, type: "add", inputs: [`${name}.add1`, `${name}.fc2`] },
  ];
}
