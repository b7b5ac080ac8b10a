// The drawing at work: which layers are chosen, what is folded, and what may be done to them.
import { focusOn, h, keeper, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state, update } from "../frame/state.js";
import { SEVERITY } from "../diagnosis/verdicts.js";
import { t } from "../words/language.js";
import { errorsUnder } from "./fields.js";
import { drawing } from "./drawing.js";
import { factsOf } from "./facts.js";
import { joining } from "./joining.js";
import { layerFields } from "./layer.js";
import { outline } from "./outline.js";
import { planned } from "./planned.js";
import { LAYER_TYPES, shapeOf } from "./spec.js";
import { isWeightless, namesOf, passFeatures, sourcesOf, withoutPart } from "./structure.js";
import { setOpen, visible } from "./unfolded.js";

const NARROWEST = 260;
const WIDEST = 560;
const USUAL = 340; // until it is known
const RESIZED = 60; // milliseconds
const CHUNK = 60; // nodes that are drawn at once

const box = h("div", { class: "drawn", "data-scroll": "drawn" });
const below = h("div");
const keep = keeper();
let shown = CHUNK;
let width = 0; // that the drawing has; another one once its column is wider or narrower
new ResizeObserver(([{ contentRect }]) => {
  if (Math.abs(contentRect.width - width) < 2 || !contentRect.width) return;
  width = contentRect.width;
  update(() => {}, RESIZED);
}).observe(box);
let count = 0; // of what the reader folded and unfolded

export function drawnNetwork(spec, answer, catalogue, open) {
  const network = networkOf(spec);
  if (!network) return [h("p", { class: "note" }, t(spec.tensors ? "drawn.listing" : "drawn.waiting"))];
  if (!network.sources) return [h("p", { class: "note" }, t("drawn.untold"))];
  const chosen = chosenIn(network.layers, open);
  const entries = visible(outline(network.layers, network.sources), network.names, chosen ? chosen[0] : null);
  const looks = looksOf(network, answer, chosen);
  const wide = Math.max(NARROWEST, Math.min(WIDEST, Math.floor(width || USUAL)));
  const inputs = [network.text, JSON.stringify(network.outputs ?? network.features), looks.text, chosen?.join() ?? "", wide, count, shown];
  const picture = keep("picture", inputs, () =>
    drawing({ network, entries: entries.slice(0, shown), looks, width: wide, act: actions(network, entries, Boolean(spec.layers)) }),
  );
  replace(box, picture, entries.length > shown ? moreNodes(entries.length - shown) : null);
  replace(below, chosen ? beside(network, chosen, spec, answer, catalogue) : h("p", { class: "note" }, t(spec.layers ? "drawn.keys" : "drawn.keys.recipe")));
  return [box, below];
}

function moreNodes(left) {
  const next = Math.min(CHUNK, left);
  return h("button", { type: "button", class: "quiet more", "data-key": "more-nodes", onclick: () => update(() => (shown += CHUNK)) }, t("stack.more", { next, left }));
}

const givesOf = (layer) => shapeOf(layer)[LAYER_TYPES[layer.type]?.gives] ?? null;

// The layers with what they take, of a spec or of the recipe that it names; null while that is not known.
function networkOf(spec) {
  const told = spec.tensors ? null : planned(spec)?.network;
  const layers = spec.layers ?? told?.layers;
  if (!layers) return null;
  const text = JSON.stringify(layers);
  const names = namesOf(layers);
  const places = new Map(names.map((name, index) => [name, index]));
  const first = Object.keys(told?.input_shape ?? {})[0] ?? "input";
  const takes = spec.layers ? layers.map(({ inputs }) => (Array.isArray(inputs) ? inputs : [])) : told.inputs && names.map((name) => told.inputs[name] ?? []);
  // What a layer takes from outside, but for the network's first input.
  const outside = takes?.map((inputs) => inputs.filter((input) => input !== first && !places.has(withoutPart(`${input}`))));
  const sources = spec.layers ? withoutOthers(sourcesOf(layers), takes, outside) : told.inputs ? sourcesBy(takes, first, places) : null;
  const outputs = told?.outputs && told.layers.length === layers.length ? names.map((name) => told.outputs[name]) : null;
  const input = told?.input_shape ? Object.values(told.input_shape)[0] : Array.isArray(spec.input_shape) ? spec.input_shape : null;
  const reads = LAYER_TYPES[layers[0].type]?.reads;
  const inputSize = input ? input.join(" × ") : reads === undefined ? null : shapeOf(layers[0])[reads];
  return { text, layers, names, sources, outputs, outside, features: passFeatures(layers, givesOf), inputSize };
}

// The network's other inputs have no place in the drawing: the layer says that it takes them.
const withoutOthers = (sources, takes, outside) =>
  sources.map((taken, index) => (outside[index].length ? taken.filter((_, input) => !outside[index].includes(takes[index][input])) : taken));

const sourcesBy = (takes, first, places) =>
  takes.map((inputs) => [...new Set(inputs.map((input) => (input === first ? null : places.get(withoutPart(input)))).filter((place) => place !== undefined))]);

// [first, last] of the layers that are chosen; null where none is.
function chosenIn(layers, open) {
  if (open === null || open >= layers.length) return null;
  const other = state.until === null || state.until >= layers.length ? open : state.until;
  return [Math.min(open, other), Math.max(open, other)];
}

function looksOf({ layers, names }, answer, chosen) {
  const found = new Map((answer.diagnosis?.layers ?? []).map(({ name, verdict }) => [name, verdict]));
  const verdicts = layers.map((layer, index) => (isWeightless(layer) ? null : (found.get(names[index]) ?? null)));
  const wrong = layers.map((_, index) => answer.problems.length > 0 && errorsUnder(answer.problems, `/layers/${index}`).length > 0);
  const within = (item, list) => list.slice(item.first, item.last + 1);
  return {
    text: `${verdicts.join()} ${wrong.join()}`,
    chosen,
    verdict: (item) => SEVERITY.find((verdict) => within(item, verdicts).includes(verdict)) ?? null,
    wrong: (item) => within(item, wrong).includes(true),
  };
}

const choose = (open, until = null) => update(() => Object.assign(state, { open, until }));

function actions(network, entries, mayChange) {
  const pick = (event, { item, open }) => {
    if (item.kind !== "layer") return fold(item, network.names, !open);
    if (event.shiftKey && mayChange && state.open !== null) return choose(state.open, item.first);
    return choose(state.open === item.first && state.until === null ? null : item.first);
  };
  return {
    onclick: pick,
    onkeydown: (event, node) => byKey(event, node, network, entries, pick, mayChange),
  };
}

function fold(item, names, open) {
  count += 1;
  update(() => {
    setOpen(item, names, open);
    if (!open && state.open !== null && state.open >= item.first && state.open <= item.last) state.open = null;
  });
}

function byKey(event, node, network, entries, pick, mayChange) {
  const { item, open } = node;
  const nodes = [...box.querySelectorAll(".node[tabindex]")];
  const here = nodes.indexOf(event.currentTarget);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: nodes.length - 1 }[event.key];
  const folds = item.kind !== "layer" && { ArrowRight: true, ArrowLeft: false }[event.key];
  if (to !== undefined) {
    const next = nodes[to];
    if (next && event.shiftKey && mayChange && item.kind === "layer") extend(item.first, event.key === "ArrowDown" ? 1 : -1, network);
    else next?.focus();
  } else if (event.key === "Enter" || event.key === " ") pick(event, node);
  else if (event.key === "Escape" && state.open !== null) choose(null);
  else if (typeof folds === "boolean" && folds !== Boolean(open)) fold(item, network.names, folds);
  else return;
  event.preventDefault();
}

// The choice grows, or shrinks, by the next layer in a direction.
function extend(place, way, { layers, names }) {
  const from = state.open ?? place;
  const end = Math.max(0, Math.min(layers.length - 1, (state.until ?? from) + way));
  choose(from, end);
  requestAnimationFrame(() => requestAnimationFrame(() => focusOn(`node-layer-${names[end]}`)));
}

// What stands under the picture: the fields of one layer, or what may be done with several.
function beside(network, chosen, spec, answer, catalogue) {
  const [first, last] = chosen;
  const title = first === last ? network.names[first] : `${network.names[first]} … ${network.names[last]}`;
  const close = h("button", { type: "button", class: "tool", "data-key": "unchoose", "aria-label": t("page.close"), onclick: () => choose(null) }, icon("remove"));
  const fields = !spec.layers
    ? factsOf(network, first)
    : first === last
      ? layerFields(spec.layers[first], first, spec, answer, catalogue, network.names[first - 1] ?? "input")
      : joining(spec.layers, first, last);
  return h("section", { class: "chosen-layer", "aria-label": title }, h("h3", {}, title, close), fields);
}

