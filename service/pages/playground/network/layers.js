// The layers of the network: a row each, what is added, moved and taken out.
import { change } from "./changes.js";
import { focusOn, h } from "../frame/dom.js";
import { errorsUnder, errorWords } from "./fields.js";
import { t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { layerFields, typeOptions } from "./layer.js";
import { examplesOf, show } from "./members.js";
import { freshLayer, layersOf, schemeName, shapeOf, typeOf } from "./spec.js";
import { state, update } from "../frame/state.js";
import { answered, isWeightless, namesOf, takeOut } from "./structure.js";
import { mark } from "../diagnosis/verdicts.js";

const MOST_LAYERS = 200; // more is for a program to post, not for a hand to build

export function layersFold(spec, answer, catalogue, open) {
  return h(
    "details",
    { class: "layers", "data-key": "layers", open: matchMedia("(min-width: 60rem)").matches },
    h("summary", { "data-key": "layers-summary" }, t("stack.layers", { count: spec.layers.length })),
    h("p", { class: "note" }, t("stack.keys")),
    h("ol", { class: "stack" }, rows(spec, answer, catalogue, open)),
    adder(spec, catalogue),
  );
}

function rows(spec, answer, catalogue, open) {
  const layers = layersOf(spec);
  const names = namesOf(layers);
  const places = answered(layers);
  return layers.map((layer, index) => {
    const made = answer.statistics?.layers[places[index]];
    const about = { name: names[index], before: names[index - 1] ?? "input", made, open: index === open };
    return row(layer, index, spec, answer, catalogue, about);
  });
}

function row(layer, index, spec, answer, catalogue, { name, before, made, open }) {
  const problems = errorsUnder(answer.problems, `/layers/${index}`);
  const verdict = problems.length || isWeightless(layer) ? null : answer.diagnosis?.layers[index]?.verdict;
  return h(
    "li",
    { class: `layer${open ? " open" : ""}${problems.length ? " wrong" : ""}${isWeightless(layer) ? " weightless" : ""}` },
    h(
      "div",
      { class: "layer-line" },
      h(
        "button",
        {
          type: "button",
          class: "layer-toggle",
          "data-key": `layer-${name}`,
          "aria-expanded": `${open}`,
          onclick: () => update(() => (state.open = open ? null : index)),
          onkeydown: (event) => moveByKey(event, index, name),
        },
        problems.length ? icon("wrong") : verdict ? mark(verdict) : h("span", { class: "no-mark" }),
        h("span", { class: "layer-name" }, name),
        h("span", { class: "layer-shape" }, `${t(`layer.${layer.type}`)} ${describeShape(layer)}`),
        h("span", { class: "layer-start" }, lineOf(layer, made)),
        h("span", { class: "unseen" }, problems.length ? t("stack.wrong") : verdict ? t(`verdict.${verdict}`) : ""),
      ),
      tools(index, spec.layers.length, name),
    ),
    open ? layerFields(layer, index, spec, answer, catalogue, before) : null,
    problems.length && !open
      ? h("p", { class: "error" }, errorWords(problems))
      : null,
  );
}

// What a layer takes, where it is not the one before, its activation and how it starts.
function lineOf(layer, made) {
  const taken = Array.isArray(layer.inputs) ? `← ${layer.inputs.join(", ") || "∅"}` : null;
  const activation = layer.activation ?? typeOf(layer).activation;
  return [taken, activation, isWeightless(layer) ? null : startOf(layer, made)].filter(Boolean).join(" · ");
}

function describeShape(layer) {
  const shape = shapeOf(layer);
  if (layer.type === "conv2d") return `${shape[0]}×${shape[1]}, ${shape[2]} → ${shape[3]}`;
  if (layer.type === "multi_head_attention") return `${shape[0]}, ${shape[1]} × ${shape[2]}`;
  if (layer.window !== undefined) return show(layer.window);
  return shape.join(" → ");
}

// What `auto` came to stands in the answer.
function startOf(layer, made) {
  if (!typeOf(layer).weights && layer.type !== "embedding") return null;
  if (made?.type !== layer.type) return schemeName(layer.scheme);
  return made.parameters.length ? schemeName(made.parameters[0].scheme) : null;
}

function tools(index, count, name) {
  const button = (action, symbol, disabled, act) =>
    h(
      "button",
      {
        type: "button",
        class: "tool",
        "data-key": `${action}-${name}`,
        "aria-label": t(`stack.${action}`, { name }),
        title: t(`stack.${action}`, { name }),
        disabled,
        onclick: act,
      },
      icon(symbol),
    );
  return h(
    "span",
    { class: "layer-tools" },
    button("up", "up", index === 0, () => move(index, index - 1, `up-${name}`)),
    button("down", "down", index === count - 1, () => move(index, index + 1, `down-${name}`)),
    button("remove", "remove", count === 1, () => remove(index)),
  );
}

function moveByKey(event, index, name) {
  const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!way) return;
  event.preventDefault();
  if (event.altKey) move(index, index + way, `layer-${name}`);
  else [...document.querySelectorAll(".layer-toggle")][index + way]?.focus();
}

function move(from, to, key) {
  if (to < 0 || to >= state.shared.spec.layers.length) return;
  if (state.open === from) state.open = to;
  else if (state.open === to) state.open = from;
  change("move", (layers) => layers.splice(to, 0, ...layers.splice(from, 1)));
  requestAnimationFrame(() => requestAnimationFrame(() => focusOn(key)));
}

function remove(index) {
  state.open = null;
  change("remove", (layers) => takeOut(layers, index));
  const neighbour = namesOf(state.shared.spec.layers)[Math.max(0, index - 1)];
  requestAnimationFrame(() => requestAnimationFrame(() => focusOn(`layer-${neighbour}`)));
}

function adder(spec, catalogue) {
  const full = layersOf(spec).length >= MOST_LAYERS;
  const option = ([name, text]) => h("option", { value: name, selected: name === adding }, text);
  const choice = h(
    "select",
    { id: "add-type", "data-key": "add-type" },
    typeOptions(null, catalogue).map(({ group, options }) => h("optgroup", { label: group }, options.map(option))),
  );
  choice.addEventListener("change", () => (adding = choice.value));
  const add = () => {
    change("add", (layers) => layers.push(freshLayer(adding, layers, examplesOf(catalogue))));
    update(() => (state.open = state.shared.spec.layers.length - 1));
  };
  return h(
    "div",
    { class: "adder" },
    h("label", { for: "add-type", class: "unseen" }, t("stack.add-type")),
    choice,
    h("button", { type: "button", "data-key": "add", disabled: full, onclick: add }, icon("add"), t("stack.add")),
  );
}

let adding = "dense";
