// The network of a diagnosis: what runs from which layer to which, and which layers make a block.
import { withoutPart } from "./structure.js";

// [from, to] for each layer that another one takes; what comes from outside comes from no layer.
export function edgesOf(layers) {
  const places = new Map();
  const edges = [];
  layers.forEach(({ name, inputs }, index) => {
    const taken = new Set((inputs ?? []).map((input) => places.get(withoutPart(input))));
    for (const place of [...taken].filter((each) => each !== undefined).sort((one, other) => one - other)) edges.push([place, index]);
    places.set(name, index);
  });
  return edges;
}

// Edges joined to paths as far as each begins where the last one ended.
export function pathsAlong(edges) {
  const paths = [];
  for (const [from, to] of edges) {
    if (paths.at(-1)?.at(-1) === from) paths.at(-1).push(to);
    else paths.push([from, to]);
  }
  return paths;
}

const placesOf = (layers) => new Map(layers.map(({ name }, index) => [name, index]));

// The first and the last place of each block.
export function blockSpans({ layers, blocks = [] }) {
  const places = placesOf(layers);
  return blocks
    .map((block) => block.layers.map((name) => places.get(name)))
    .filter((within) => within.length)
    .map((within) => [Math.min(...within), Math.max(...within)]);
}

// The layers from first to last: {block, layers} of each block, and of those between blocks {layers} alone.
export function sections({ layers, blocks = [] }) {
  const owner = new Map(blocks.flatMap((block) => block.layers.map((name) => [name, block])));
  const found = [];
  for (const layer of layers) {
    const block = owner.get(layer.name);
    if (!found.length || found.at(-1).block !== block) found.push({ block, layers: [] });
    found.at(-1).layers.push(layer);
  }
  return found;
}
