// The network drawn: layers as nodes with their verdicts, sizes on the edges, shortcuts as arcs, blocks that fold.
import { svg } from "../frame/dom.js";
import { t } from "../words/language.js";
import { markAt } from "../diagnosis/verdicts.js";
import { arranged } from "./arrangement.js";
import { tellGroup } from "./layers.js";
import { titleOf } from "./outline.js";
import { describeShape } from "./row.js";
import { isWeightless } from "./structure.js";

const LETTER = 6.7; // units that a letter of a name takes, on average
const SMALL = 6.1;
const SIGNS = { add: "+", multiply: "×", concatenate: "∥" };

// `network` has layers, names, sources and outputs; `looks` verdicts, wrong layers and who is chosen; `act` what is
// done with a node: `act.onclick(row)`, `act.onkeydown(event, row)`, `act.arc(arc)`.
export function drawing({ network, entries, looks, width, act }) {
  const { layers, sources, names } = network;
  const isPlain = (place) => isWeightless(layers[place]);
  const hasInput = sources.some((taken) => taken.includes(null));
  const plan = arranged({ entries, sources, width, isPlain, hasInput });
  const { nodes, frames, edges, arcs, height } = plan;
  const picture = svg("svg", {
    class: "network",
    role: "group",
    "aria-label": t("drawn.label", { layers: layers.length, shortcuts: arcs.length }),
    viewBox: `0 0 ${width} ${height.toFixed(0)}`,
    width,
    height: height.toFixed(0),
  });
  frames.forEach(({ x1, x2, y1, y2 }) => picture.append(svg("rect", { class: "frame", x: x1, y: y1, width: x2 - x1, height: y2 - y1, rx: 9 })));
  edges.forEach((edge) => picture.append(...edgeOf(edge, nodes, network)));
  arcs.forEach((arc) => picture.append(arcOf(arc, nodes, network, looks)));
  const first = nodes.find(({ item }) => item.kind !== "input");
  const entry = nodes.find(({ item, open }) => !open && looks.chosen?.[0] === item.first) ?? first;
  nodes.forEach((node) => picture.append(nodeOf(node, network, looks, act, node === entry)));
  return picture;
}

// Equal parts of a split are counted.
const listed = (sizes) => (sizes.length > 1 && sizes.every((size) => size === sizes[0]) ? `${sizes.length} × (${sizes[0]})` : sizes.join(", "));

const middle = ({ x1, x2 }) => (x1 + x2) / 2;
const sizeOf = ({ outputs, features }, place) =>
  outputs?.[place] ? listed(outputs[place].map((shape) => shape.join(" × "))) : (features[place] ?? null);

function edgeOf({ from, to, source }, nodes, network) {
  const [one, other] = [nodes[from], nodes[to]];
  const x = Math.min(middle(one), middle(other)).toFixed(1);
  const line = svg("path", { class: "edge", d: `M${x} ${one.y2}V${other.y1 - 4}` });
  const tip = svg("path", { class: "tip", d: `M${x} ${other.y1}l-3.5 -6h7z` });
  const size = source < 0 ? network.inputSize : sizeOf(network, source);
  const words = size === null || size === undefined ? null : svg("text", { class: "edge-size", x: Number(x) + 7, y: one.y2 + 15 }, `${size}`);
  return [line, tip, ...(words ? [words] : [])];
}

// A bracket with round corners, from the right side of a node to that of a later one.
function arcOf({ from, to, x, source, target }, nodes, { layers, names }, { chosen }) {
  const [one, other] = [nodes[from], nodes[to]];
  const [y1, y2] = [one.y2 - 8, other.y1 + 9];
  const bend = Math.min(9, (y2 - y1) / 2, x - one.x2 > 4 ? x - one.x2 : 9);
  const d = `M${one.x2} ${y1}H${(x - bend).toFixed(1)}Q${x.toFixed(1)} ${y1} ${x.toFixed(1)} ${y1 + bend}V${y2 - bend}Q${x.toFixed(1)} ${y2} ${(x - bend).toFixed(1)} ${y2}H${other.x2 + 5}`;
  const title = svg("title", {}, t("drawn.arc", { from: source < 0 ? t("drawn.input") : names[source], to: names[target] }));
  const isChosen = chosen && (chosen[0] === target || chosen[0] === source);
  return svg(
    "g",
    { class: `arc${isChosen ? " chosen" : ""}${layers[target].type === "add" ? " sum" : ""}` },
    title,
    svg("path", { class: "arc-line", d }),
    svg("path", { class: "tip", d: `M${other.x2} ${y2}l7 -3.5v7z` }),
  );
}

function nodeOf(node, network, looks, act, isEntry) {
  const { item, x1, x2, y1, y2, open } = node;
  const { names } = network;
  if (item.kind === "input") return inputNode(node);
  const title = titleOf(item, names);
  const told = toldOf(item, network);
  const verdict = looks.verdict(item);
  const wrong = looks.wrong(item);
  const isChosen = looks.chosen && item.kind === "layer" && item.first >= looks.chosen[0] && item.first <= looks.chosen[1];
  const group = item.kind !== "layer";
  const words = [title, told, wrong ? t("stack.wrong") : verdict && t(`verdict.${verdict}`), takenWords(item, network)].filter(Boolean);
  const built = svg(
    "g",
    {
      class: `node ${open ? "head" : item.kind}${isChosen ? " chosen" : ""}${wrong ? " wrong" : verdict ? ` is-${verdict}` : ""}`,
      role: "button",
      tabindex: isEntry ? 0 : -1,
      "data-key": `node-${item.kind}-${title}`,
      "aria-expanded": group ? `${Boolean(open)}` : null,
      "aria-pressed": group ? null : `${Boolean(isChosen)}`,
      onclick: (event) => act.onclick(event, node),
      onkeydown: (event) => act.onkeydown(event, node),
    },
    svg("title", {}, words.join(". ")), // its name: what is written inside may be shortened
  );
  if (item.kind === "run" && !open) {
    for (const behind of [6, 3]) built.append(svg("rect", { class: "behind", x: x1 + behind, y: y1 + behind, width: x2 - x1 - behind, height: y2 - y1 - behind + 1, rx: 8 }));
  }
  built.append(svg("rect", { class: "box", x: x1 + (open ? 1 : 0), y: y1 + (open ? 1 : 0), width: x2 - x1 - (item.kind === "run" && !open ? 6 : open ? 2 : 0), height: y2 - y1 - (item.kind === "run" && !open ? 5 : 0), rx: 8 }));
  built.append(...inside(node, { title, told, verdict, wrong, sign: SIGNS[network.layers[item.first].type] }));
  return built;
}

function inside({ item, x1, x2, y1, y2, open }, { title, told, verdict, wrong, sign }) {
  const group = item.kind !== "layer";
  const small = y2 - y1 < 40;
  const height = y2 - y1 - (item.kind === "run" && !open ? 5 : 0);
  const parts = [];
  if (wrong) parts.push(svg("text", { class: "sign wrong", x: x1 + 15, y: y1 + height / 2 + 5, "text-anchor": "middle" }, "!"));
  else if (verdict) parts.push(markAt(verdict, x1 + 15, y1 + height / 2, 12));
  else if (sign && !group) parts.push(svg("text", { class: "sign", x: x1 + 15, y: y1 + height / 2 + 5, "text-anchor": "middle" }, sign));
  const start = x1 + 29;
  const room = x2 - start - (group ? 30 : 10);
  if (small) {
    const name = shortened(title, room, LETTER);
    const left = room - name.length * (LETTER + 0.5) - 14;
    parts.push(svg("text", { class: "name", x: start, y: y1 + height / 2 + 4.5 }, name));
    if (told && left > 40) parts.push(svg("text", { class: "node-told", x: x2 - (group ? 30 : 10), y: y1 + height / 2 + 4.5, "text-anchor": "end" }, shortened(told, left, SMALL)));
  } else {
    parts.push(svg("text", { class: "name", x: start, y: y1 + height / 2 - 3 }, shortened(title, room, LETTER)));
    parts.push(svg("text", { class: "node-told", x: start, y: y1 + height / 2 + 12 }, shortened(told, room, SMALL)));
  }
  if (group) parts.push(svg("path", { class: "chevron", d: open ? "M-5 -2.5l5 5l5 -5" : "M-2.5 -5l5 5l-5 5", transform: `translate(${x2 - 18} ${y1 + height / 2})` }));
  return parts;
}

// A long name keeps its end, which tells it from its neighbours.
function shortened(text, room, letter) {
  const most = Math.max(4, Math.floor(room / letter));
  if (text.length <= most) return text;
  return text.includes(".") && !text.includes(" ") ? `…${text.slice(1 - most)}` : `${text.slice(0, most - 1)}…`;
}

function toldOf(item, { layers, outside }) {
  if (item.kind !== "layer") return tellGroup(item, layers);
  const layer = layers[item.first];
  const others = outside?.[item.first] ?? [];
  return [others.length ? `← ${others.join(", ")}` : null, `${t(`layer.${layer.type}`)} ${describeShape(layer)}`.trim(), layer.activation].filter(Boolean).join(" · ");
}

// What a layer takes, where it takes more than the one before it.
function takenWords(item, { sources, names }) {
  if (item.kind !== "layer") return null;
  const taken = sources[item.first];
  if (taken.length < 2 && (taken[0] ?? -1) === item.first - 1) return null;
  return taken.length ? t("drawn.takes", { names: taken.map((place) => (place === null ? t("drawn.input") : names[place])).join(", ") }) : null;
}

function inputNode({ x1, x2, y1, y2 }) {
  const x = (x1 + x2) / 2;
  return svg(
    "g",
    { class: "node input" },
    svg("rect", { class: "box", x: x1, y: y1, width: x2 - x1, height: y2 - y1, rx: 14 }),
    svg("text", { class: "name", x, y: y1 + (y2 - y1) / 2 + 4.5, "text-anchor": "middle" }, t("drawn.input")),
  );
}
