// Depth, width and activation of a network as a whole: what they are, and the network with others of them.
import { outline } from "./outline.js";
import { follow, LAYER_TYPES, shapeOf } from "./spec.js";
import { isWeightless, namesOf, passFeatures, sourcesOf, withoutPart } from "./structure.js";

export const DEEPEST = 200; // more is for a program to post
const FRESH = { name: "fc1", type: "dense", shape: [64, 64], activation: "relu" }; // where no hidden layer is left to copy
const KEEP_SIZE = new Set(["flatten", "dot_product_attention", "relative_positions"]);
const GATED = new Set(["lstm", "gru", "simple_rnn", "bidirectional", "multi_head_attention"]); // whose functions are their own

// {kind, depth, width, activation}: null is what differs from layer to layer, undefined what the network has not.
// A chain is dense layers one after the other; blocks are what the outline tells of a network; all else is a stack.
export function proportionsOf(layers) {
  if (!layers.length) return null;
  const kind = isChain(layers) ? "chain" : blocksOf(layers) ? "blocks" : "stack";
  const depth = { chain: () => layers.length, blocks: () => blocksOf(layers).items.length, stack: () => undefined }[kind]();
  return { kind, depth, width: widthOf(layers, kind), activation: common(bending(layers).map(({ activation }) => activation)) };
}

const isChain = (layers) =>
  layers.every(({ type, shape, inputs }) => type === "dense" && !inputs && shape?.length === 2 && shape.every(Number.isInteger));

function common(values) {
  if (!values.length) return undefined;
  return values.every((value) => value === values[0]) ? values[0] : null;
}

function widthOf(layers, kind) {
  if (kind === "chain") return common(layers.slice(0, -1).map(({ shape }) => shape[1]));
  if (!layers.every((layer, index) => index === layers.length - 1 || isScaled(layer))) return undefined;
  const first = layers.slice(0, -1).find((layer) => Number.isInteger(given(layer)));
  return first && given(first);
}

// Places in a shape that hold what a layer gives, and so its width.
const placeOf = ({ type }) => LAYER_TYPES[type]?.gives ?? (`${type}`.endsWith("_norm") ? 0 : undefined);
const givenBy = (layer) => given(layer) ?? null;
const given = (layer) => shapeOf(layer)[placeOf(layer)];
const isScaled = (layer) =>
  placeOf(layer) !== undefined || KEEP_SIZE.has(layer.type) || (isWeightless(layer) && !layer.shape && !layer.sizes && !layer.width && layer.type !== "tied");

// Layers whose activation bends: what is linear in a network with others that are not, is meant so.
function bending(layers) {
  const hidden = layers.filter(({ type }, index) => index < layers.length - 1 && !GATED.has(type));
  const bent = hidden.filter(({ activation = "linear" }) => !["linear", "softmax"].includes(activation));
  return bent.length ? bent : isChain(layers) ? hidden.map((layer) => ({ ...layer, activation: layer.activation ?? "linear" })) : [];
}

export function withActivation(layers, activation) {
  const bent = new Set(bending(layers).map(({ name }) => name));
  const names = namesOf(layers);
  return layers.map((layer, index) => (bent.has(layer.name) && names[index] === layer.name ? { ...layer, activation } : layer));
}

// All hidden layers of a chain as wide; of other networks the first, and the others in proportion.
export function withWidth(layers, width) {
  const { kind, width: before } = proportionsOf(layers);
  const wider = kind === "chain" ? () => width : (size) => Math.max(1, Math.round((size * width) / before));
  const changed = structuredClone(layers.map((layer, index) => (index === layers.length - 1 ? layer : resized(layer, wider))));
  return follow(withFlattened(follow(changed), layers));
}

// What reads a flattened picture has as many more or fewer inputs as the picture has channels.
function withFlattened(layers, before) {
  const [now, then] = [layers, before].map((each) => passFeatures(each, givenBy));
  const sources = sourcesOf(layers);
  layers.forEach((layer, index) => {
    const { reads } = LAYER_TYPES[layer.type] ?? {};
    const [flat] = sources[index];
    if (reads === undefined || layers[flat]?.type !== "flatten") return;
    const [from] = sources[flat];
    if (then[from] && now[from]) layer.shape[reads] = Math.round((layer.shape[reads] * now[from]) / then[from]);
  });
  return layers;
}

function resized(layer, wider) {
  const place = placeOf(layer);
  if (!Number.isInteger(shapeOf(layer)[place])) return layer;
  const shape = layer.shape.with(place, wider(layer.shape[place]));
  if (layer.type !== "multi_head_attention") return { ...layer, shape };
  const heads = Array.from({ length: layer.shape[1] }, (_, fewer) => layer.shape[1] - fewer).find((count) => shape[0] % count === 0);
  return { ...layer, shape: [shape[0], heads, shape[0] / heads] };
}

export function withDepth(layers, depth) {
  const { kind } = proportionsOf(layers);
  return kind === "chain" ? chainOf(layers, depth) : kind === "blocks" ? blocksAgain(layers, depth) : layers;
}

// A chain keeps what goes in and what comes out.
function chainOf(layers, depth) {
  const [input, output] = [layers[0].shape[0], layers.at(-1)];
  const hidden = structuredClone(layers.slice(0, -1));
  const kept = hidden.slice(0, depth - 1);
  const names = new Set(layers.map(({ name }) => name));
  while (kept.length < depth - 1) {
    const { seed, ...like } = structuredClone(kept.at(-1) ?? FRESH);
    const width = like.shape[1];
    kept.push({ ...like, name: kept.length ? nextName(like.name, names) : freshName(like.name, names), shape: [kept.length ? width : input, width] });
    names.add(kept.at(-1).name);
  }
  const last = structuredClone(output);
  last.shape[0] = kept.length ? kept.at(-1).shape[1] : input;
  return follow([...kept, last]);
}

const freshName = (name, names) => (names.has(name) ? nextName(name, names) : name);

// `fc7` is followed by `fc8`, unless that is taken.
function nextName(name, names) {
  const [, stem, digits] = /^(.*?)(\d+)$/.exec(name ?? "") ?? [null, `${name ?? "layer"}_`, "1"];
  let number = Number(digits) + 1;
  while (names.has(`${stem}${number}`)) number += 1;
  return `${stem}${number}`;
}

// The run of equal blocks that most of a network is, or the one block that may be repeated.
function blocksOf(layers) {
  const runs = outline(layers).flatMap((item) => {
    if (item.kind === "run" && item.items[0].kind === "block") return [item];
    return item.kind === "block" && /\d$/.test(item.name) ? [{ ...item, kind: "run", items: [item] }] : [];
  });
  const largest = runs.toSorted((one, other) => other.last - other.first - (one.last - one.first))[0];
  return largest && isRepeatable(largest.items[0], layers) ? largest : null;
}

// A block that takes the layer before it, and gives what it took.
function isRepeatable({ first, last }, layers) {
  const sources = sourcesOf(layers);
  if (first === 0 || !sources[first].includes(first - 1)) return false;
  return layers[last].type === "add" && reaches(sources, last, first - 1, first);
}

// Whether sums lead from a block's last layer back to what it takes: then its size is the same.
function reaches(sources, from, to, first) {
  const seen = sources[from].filter((source) => source !== null);
  return seen.includes(to) || seen.some((source) => source >= first && source < from && sources[source].length > 1 && reaches(sources, source, to, first));
}

function blocksAgain(layers, depth) {
  const run = blocksOf(layers);
  const blocks = run.items.map(({ first, last }) => layers.slice(first, last + 1));
  const [before, after] = [layers.slice(0, run.first), layers.slice(run.last + 1)];
  const streamIn = namesOf(layers)[run.items.at(-1).first - 1];
  const oldEnd = namesOf(layers)[run.last];
  const kept = blocks.slice(0, depth);
  const names = new Set(namesOf(layers));
  let stream = streamIn;
  let model = blocks.at(-1);
  while (kept.length < depth) {
    const end = kept.at(-1).at(-1).name;
    model = repeated(model, stream, end, names);
    stream = end;
    kept.push(model);
  }
  const end = kept.at(-1).at(-1).name;
  const others = after.map((layer) => redirected(layer, (name) => (name === oldEnd ? end : name)));
  return [...before, ...kept.flat(), ...others];
}

// A block once more, behind one that ends in `end`: what it took from its own `stream` it takes from there.
function repeated(block, stream, end, names) {
  const prefix = commonPrefix(block.map(({ name }) => name));
  const next = prefix && nextName(prefix, new Set([...names].map((name) => name.slice(0, nextDot(name, prefix)))));
  const renamed = new Map([[stream, end]]);
  for (const { name } of block) {
    const called = next ? next + name.slice(prefix.length) : nextName(name, names);
    renamed.set(name, called);
    names.add(called);
  }
  return block.map(({ seed, ...layer }) => ({
    ...redirected(structuredClone(layer), (name) => renamed.get(name) ?? name),
    name: renamed.get(layer.name),
  }));
}

const nextDot = (name, prefix) => {
  const dot = name.indexOf(".", prefix.length - 1);
  return dot < 0 ? name.length : dot;
};

// `block1` of `block1.norm`, `block1.fc`: what ends in a number.
function commonPrefix(names) {
  const [first] = names;
  const ends = [...first.matchAll(/\d(?=\.)/g)].map(({ index }) => first.slice(0, index + 1));
  return ends.findLast((prefix) => names.every((name) => name.startsWith(`${prefix}.`)));
}

function redirected(layer, rename) {
  const inputs = Array.isArray(layer.inputs)
    ? { inputs: layer.inputs.map((input) => rename(withoutPart(input)) + `${input}`.slice(withoutPart(input).length)) }
    : {};
  return { ...layer, ...inputs };
}

