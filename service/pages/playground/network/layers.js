// The layers of the network as a list: a row each, what repeats as one row that opens, and what is added.
import { change, changeSpec } from "./changes.js";
import { h, keeper, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state, update } from "../frame/state.js";
import { t } from "../words/language.js";
import { SEVERITY } from "../diagnosis/verdicts.js";
import { errorsUnder, errorWords } from "./fields.js";
import { layerFields, typeOptions } from "./layer.js";
import { examplesOf } from "./members.js";
import { walk } from "./moving.js";
import { outline, titleOf } from "./outline.js";
import { describeShape, lineOf, putMark, row } from "./row.js";
import { BLOCKS, withBlock } from "./shortcuts.js";
import { freshLayer, layersOf } from "./spec.js";
import { answered, isWeightless, namesOf } from "./structure.js";
import { setOpen, visible } from "./unfolded.js";

const MOST_LAYERS = 200; // more is for a program to post, not for a hand to build
const CHUNK = 40; // rows that are drawn at once

const list = h("ol", { class: "stack" });
const foot = h("div");
const keep = keeper();
let shown = CHUNK;

export function layersList(spec, answer, catalogue, open) {
  const entries = rowsOf(spec, answer, open);
  const least = entries.findIndex(({ item }) => item.kind === "layer" && item.first === open);
  const count = Math.min(entries.length, Math.max(shown, least + 2));
  replace(list, entries.slice(0, count).map((entry) => drawn(entry, spec, answer, catalogue)));
  replace(foot, count < entries.length ? more(entries.length - count) : null, adder(spec, catalogue));
  return [h("p", { class: "note" }, t("stack.keys")), list, foot];
}

function more(left) {
  const next = Math.min(CHUNK, left);
  const onclick = () => update(() => (shown += CHUNK));
  return h("button", { type: "button", class: "quiet more", "data-key": "more-layers", onclick }, t("stack.more", { next, left }));
}

// What every row shows, worked out for all of them at once.
function rowsOf(spec, answer, open) {
  const layers = layersOf(spec);
  const names = namesOf(layers);
  const places = answered(layers);
  const errors = layers.map((_, index) => (answer.problems.length ? errorsUnder(answer.problems, `/layers/${index}`) : []));
  const verdicts = layers.map((layer, index) =>
    errors[index].length || isWeightless(layer) ? null : (answer.diagnosis?.layers[index]?.verdict ?? null),
  );
  return visible(outline(layers), names, open).map(({ item, depth, open: unfolded }) => {
    if (item.kind !== "layer") return { item, depth, unfolded, names, verdicts, errors };
    const index = item.first;
    const text = JSON.stringify(layers[index]);
    const line = lineOf(layers[index], answer.statistics?.layers[places[index]], text);
    return {
      item,
      about: { name: names[index], error: textOf(errors[index]), open: index === open, count: layers.length, line, depth },
      text,
      verdict: verdicts[index],
      before: names[index - 1] ?? "input",
      said: () => errorWords(errors[index]),
    };
  });
}

const textOf = (errors) => errors.map(({ detail }) => detail).join("; ");

function drawn(entry, spec, answer, catalogue) {
  if (!entry.about) return group(entry, spec);
  const { item, about, before, said, text, verdict } = entry;
  const layer = spec.layers[item.first];
  const fields = () => layerFields(layer, item.first, spec, answer, catalogue, before);
  const make = () => row(layer, item.first, about, { fields, said });
  const element = about.open ? make() : keep(`row ${item.first}`, [text, ...Object.values(about)], make);
  putMark(element, verdict, about.error);
  return element;
}

// A block, or what repeats: one row that tells all of it, and opens.
function group({ item, depth, unfolded, names, verdicts, errors }, spec) {
  const title = titleOf(item, names);
  const worst = SEVERITY.find((verdict) => verdicts.slice(item.first, item.last + 1).includes(verdict)) ?? null;
  const wrong = errors.slice(item.first, item.last + 1).find((each) => each.length) ?? null;
  const told = tellGroup(item, spec.layers);
  const make = () =>
    h(
      "li",
      { class: `layer group${wrong ? " wrong" : ""}`, style: depth ? `--depth: ${depth}` : null },
      h(
        "button",
        {
          type: "button",
          class: "layer-toggle",
          "data-key": `group-${item.kind}-${title}`,
          "aria-expanded": `${unfolded}`,
          onclick: () => toggle(item, names, !unfolded),
          onkeydown: (event) => byKey(event, item, names, unfolded),
        },
        h("span", { class: "layer-mark" }),
        h("span", { class: "layer-name" }, title),
        h("span", { class: "layer-shape" }, told),
        h("span", { class: "fold-mark" }, icon("chevron")),
      ),
      wrong && !unfolded ? h("p", { class: "error" }, errorWords(wrong)) : null,
    );
  const key = `group ${item.kind} ${item.first} ${item.last}`;
  const element = keep(key, [title, told, wrong && textOf(wrong), depth, unfolded, names.join()], make);
  putMark(element, worst, wrong);
  return element;
}

// "28 × dense 64 → 64, relu", "12 × 4 layers", "16 layers".
export function tellGroup(item, layers) {
  if (item.kind === "block") return t("group.block", { layers: item.last - item.first + 1 });
  const [first] = item.items;
  const count = item.items.length;
  if (first.kind === "block") return t("group.blocks", { count, layers: first.last - first.first + 1 });
  const layer = layers[first.first];
  const what = [`${t(`layer.${layer.type}`)} ${describeShape(layer)}`.trim(), layer.activation].filter(Boolean).join(", ");
  return t("group.layers", { count, what });
}

function toggle(item, names, open) {
  update(() => {
    setOpen(item, names, open);
    if (!open && state.open >= item.first && state.open <= item.last) state.open = null;
  });
}

function byKey(event, item, names, unfolded) {
  const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const opens = { ArrowRight: true, ArrowLeft: false }[event.key];
  if (way) walk(event.currentTarget, way);
  else if (opens !== undefined && opens !== unfolded) toggle(item, names, opens);
  else return;
  event.preventDefault();
}

let adding = "dense";
const BLOCK = "block ";

function adder(spec, catalogue) {
  const full = layersOf(spec).length >= MOST_LAYERS;
  const choice = keep("choice", [catalogue.layers], () => typeChoice(catalogue));
  const add = () => (adding.startsWith(BLOCK) ? addBlock(adding.slice(BLOCK.length)) : addLayer(catalogue));
  return h(
    "div",
    { class: "adder" },
    h("label", { for: "add-type", class: "unseen" }, t("stack.add-type")),
    choice,
    h("button", { type: "button", "data-key": "add", disabled: full, onclick: add }, icon("add"), t("stack.add")),
  );
}

function typeChoice(catalogue) {
  const option = ([name, text]) => h("option", { value: name, selected: name === adding }, text);
  const blocks = { group: t("types.blocks"), options: Object.keys(BLOCKS).map((kind) => [BLOCK + kind, t(`block.${kind}`)]) };
  const choice = h(
    "select",
    { id: "add-type", "data-key": "add-type" },
    [blocks, ...typeOptions(null, catalogue)].map(({ group: label, options }) => h("optgroup", { label }, options.map(option))),
  );
  choice.addEventListener("change", () => (adding = choice.value));
  return choice;
}

function addLayer(catalogue) {
  change(`add ${performance.now()}`, (layers) => layers.push(freshLayer(adding, layers, examplesOf(catalogue))));
  update(() => Object.assign(state, { open: state.shared.spec.layers.length - 1, until: null }));
}

function addBlock(kind) {
  const { open } = state;
  changeSpec(`add ${performance.now()}`, (spec) => withBlock(spec, kind, open));
  update(() => (state.open = null));
}
