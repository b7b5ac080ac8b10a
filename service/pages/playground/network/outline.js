// A network in outline: blocks by their layers' names or shortcuts, and what repeats told once.
import { namesOf, sourcesOf } from "./structure.js";

const LAYERS = 8; // so many equal layers, one after the other, are a run
const BLOCKS = 2;
const PATTERNS = 3; // times that a pattern of layers must come
const LONGEST = 6; // layers of a pattern
const SHORTEST_BRANCH = 2; // layers that a shortcut leads around, to be taken for a block
const LONGEST_BRANCH = 32;

// Items in order: {kind: "layer", first}, {kind: "block", name, items}, {kind: "run", items: equal ones}. Each has
// `first` and `last`, places in `layers`; `sources` are the places that each layer takes, null from outside.
export function outline(layers, sources = sourcesOf(layers)) {
  const names = namesOf(layers);
  const reading = { layers, names, sources, marks: layers.map(markOf), paths: pathsOf(layers, names, sources) };
  return within(reading, 0, layers.length, 0);
}

// What a layer is beside its name and what it takes.
function markOf({ name, seed, inputs, ...layer }) {
  return JSON.stringify(layer);
}

// The groups that a layer stands in, the outermost first: `h.0` of `h.0.attn.c_proj`.
function pathOf(name) {
  const parts = name.split(".");
  return parts.slice(0, -1).flatMap((part, index) => (/\d$/.test(part) ? [parts.slice(0, index + 1).join(".")] : []));
}

function pathsOf(layers, names, sources) {
  const paths = names.map(pathOf);
  layers.forEach(({ type }, index) => {
    if (type !== "add" || paths[index].length) return;
    const start = Math.min(...sources[index].map((source) => source ?? -1)) + 1;
    const branches = sources[start]?.some((source) => (source ?? -1) === start - 1); // both ways come from one place
    const apart = index - start >= SHORTEST_BRANCH && index - start < LONGEST_BRANCH;
    if (!apart || !branches || paths.slice(start, index).some((path) => path.length)) return;
    for (let place = start; place <= index; place += 1) paths[place] = [`${names[start]} … ${names[index]}`];
  });
  return paths;
}

function within(reading, from, to, depth) {
  const items = [];
  for (let first = from; first < to; ) {
    const name = reading.paths[first][depth];
    let end = first + 1;
    while (name !== undefined && end < to && reading.paths[end][depth] === name) end += 1;
    items.push(...(name === undefined ? [{ kind: "layer", first, last: first }] : blockOf(reading, name, first, end, depth)));
    first = end;
  }
  return withRuns(items, reading);
}

function blockOf(reading, name, first, end, depth) {
  const items = within(reading, first, end, depth + 1);
  if (items.length === 1 && items[0].kind !== "run") return items; // a block of one thing is that thing
  return [{ kind: "block", name, first, last: end - 1, items }];
}

function withRuns(items, reading) {
  const found = [];
  for (let at = 0; at < items.length; ) {
    const { length, count } = longestRun(items, at, reading);
    if (count === 1) {
      found.push(items[at]);
      at += 1;
      continue;
    }
    const parts = Array.from({ length: count }, (_, turn) => patternOf(items.slice(at + turn * length, at + (turn + 1) * length), reading));
    found.push({ kind: "run", first: parts[0].first, last: parts.at(-1).last, items: parts });
    at += length * count;
  }
  return found;
}

const patternOf = (items, { names }) =>
  items.length === 1
    ? items[0]
    : { kind: "block", name: `${names[items[0].first]} … ${names[items.at(-1).last]}`, first: items[0].first, last: items.at(-1).last, items };

// How many items, from one on, repeat how often; a count of 1 is none.
function longestRun(items, at, reading) {
  let best = { length: 1, count: 1 };
  const longest = at + 1 < items.length && sameItem(items[at], items[at + 1], reading) ? 1 : LONGEST; // equal ones are no pattern
  for (let length = 1; length <= longest && at + 2 * length <= items.length; length += 1) {
    let count = 1;
    while (at + (count + 1) * length <= items.length && alike(items, at, at + count * length, length, reading)) count += 1;
    const fewest = length > 1 ? PATTERNS : items[at].kind === "layer" ? LAYERS : BLOCKS;
    if (count >= fewest && (length === 1 || count * length >= LAYERS) && count * length > best.count * best.length) best = { length, count };
  }
  return best;
}

function alike(items, one, other, length, reading) {
  for (let each = 0; each < length; each += 1) if (!sameItem(items[one + each], items[other + each], reading)) return false;
  return true;
}

// Equal are layers that are the same and take what stands as far before them, or the very same.
function sameItem(one, other, { marks, sources }) {
  if (one.kind !== other.kind || one.last - one.first !== other.last - other.first) return false;
  const apart = other.first - one.first;
  for (let place = one.first; place <= one.last; place += 1) {
    const [taken, also] = [sources[place], sources[place + apart]];
    if (marks[place] !== marks[place + apart] || taken.length !== also.length) return false;
    // What comes from outside comes from before the first layer.
    if (taken.some((source, input) => source !== also[input] && (source ?? -1) + apart !== also[input])) return false;
  }
  return true;
}

// How a run or a block is called.
export function titleOf(item, names) {
  if (item.kind === "layer") return names[item.first];
  if (item.kind === "block") return item.name;
  const [from, to] = [item.items[0], item.items.at(-1)].map((each) => titleOf(each, names));
  return `${from.split(" … ")[0]} … ${to.split(" … ").at(-1)}`;
}

// A key by which a part stays unfolded while its network is worked on.
export const keyOf = (item, names) => `${item.kind} ${names[item.first]} ${item.kind === "run" ? "" : item.last - item.first}`;
