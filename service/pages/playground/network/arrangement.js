// Where the parts of a drawn network stand: a column of nodes from top to bottom, frames around open blocks, shortcuts
// as arcs at the right. Numbers alone: nothing is drawn here.

const SIZES = { layer: 42, plain: 28, group: 46, head: 26, input: 28 };
const GAP = 24; // between nodes: the size on an edge stands in it
const CLOSE = 10; // where nothing goes from one to the next
const UNDER = 8; // a block's head
const INSET = 9; // of a block's frame
const DEEP = 3; // frames within frames that are still set in
const INPUT = 120; // how wide the input is drawn
const LANE = 11;
const LANES = 7;
const EDGE = 6; // of the picture

// `entries` as `visible` gives them; `sources` are the places that each layer takes; `isPlain` tells small nodes.
// Returns {width, height, nodes, frames, edges, arcs, right}.
export function arranged({ entries, sources, width, isPlain, hasInput }) {
  const rows = hasInput ? [{ item: { kind: "input", first: -1, last: -1 }, depth: 0 }, ...entries] : entries;
  const owner = ownersOf(rows);
  const links = linksOf(sources, owner);
  const arcs = lanesOf(links.filter(({ from, to }) => !follows(rows, from, to)));
  const lanes = Math.max(0, ...arcs.map(({ lane }) => lane + 1));
  const right = width - EDGE - lanes * LANE;
  const { nodes, frames, height } = placed(rows, right, links, isPlain);
  return {
    width,
    height,
    right,
    nodes,
    frames,
    edges: links.filter(({ from, to }) => follows(rows, from, to)),
    arcs: arcs.map((arc) => ({ ...arc, x: right + 4 + (arc.lane + 0.6) * LANE })),
  };
}

// The row that stands for each layer: its own, or that of the folded group it is in; -1, the input, by its own place.
function ownersOf(rows) {
  const owner = new Map();
  rows.forEach(({ item, open }, row) => {
    if (open) return;
    for (let place = item.first; place <= item.last; place += 1) owner.set(place, row);
  });
  return owner;
}

function linksOf(sources, owner) {
  const links = new Map();
  sources.forEach((taken, place) => {
    const to = owner.get(place);
    for (const source of taken) {
      const from = owner.get(source === null ? -1 : source);
      if (from === undefined || to === undefined || from === to) continue;
      const key = `${from} ${to}`;
      if (!links.has(key)) links.set(key, { from, to, source: source ?? -1, target: place });
    }
  });
  return [...links.values()];
}

// Rows between which no other node stands: heads of open blocks are none.
function follows(rows, from, to) {
  for (let row = from + 1; row < to; row += 1) if (!rows[row].open) return false;
  return true;
}

// Short arcs inside, longer ones around them; two that overlap share no lane while there are lanes.
function lanesOf(links) {
  const taken = [];
  const sorted = links.toSorted((one, other) => one.to - one.from - (other.to - other.from) || one.from - other.from);
  for (const link of sorted) {
    const busy = new Set(taken.filter(({ from, to }) => from < link.to && link.from < to).map(({ lane }) => lane));
    let lane = 0;
    while (busy.has(lane) && lane < LANES - 1) lane += 1;
    taken.push({ ...link, lane });
  }
  return taken;
}

function placed(rows, right, links, isPlain) {
  const joined = new Set(links.map(({ from, to }) => `${from} ${to}`));
  const nodes = [];
  const frames = [];
  let y = EDGE;
  let before = -1; // the last row that is a node
  rows.forEach(({ item, depth, open }, row) => {
    for (const frame of frames.toReversed()) if (!frame.closed && item.first > frame.item.last) [frame.closed, frame.y2, y] = [true, y + 4, y + 8];
    const inset = Math.min(depth, DEEP) * INSET;
    if (row) y += rows[row - 1].open ? UNDER : joined.has(`${before} ${row}`) || open ? GAP : CLOSE;
    const middle = (EDGE + right) / 2;
    const [x1, x2] = item.kind === "input" ? [middle - INPUT / 2, middle + INPUT / 2] : [EDGE + inset, right - inset];
    if (open) {
      frames.push({ item, row, x1, x2, y1: y, depth });
      nodes[row] = { item, row, open, x1, x2, y1: y, y2: y + SIZES.head };
      y += SIZES.head;
      return;
    }
    const tall = item.kind === "layer" ? SIZES[isPlain(item.first) ? "plain" : "layer"] : (SIZES[item.kind] ?? SIZES.group);
    nodes[row] = { item, row, x1, x2, y1: y, y2: y + tall };
    y += tall;
    before = row;
  });
  for (const frame of frames.toReversed()) if (!frame.closed) [frame.y2, y] = [y + 6, y + 8];
  return { nodes, frames, height: y + EDGE };
}
