// The stack's panel: presets, a start for all layers, the seed, and the layers with their fields.
import { focusOn, h, replace } from "./dom.js";
import { draftField, errorsUnder, errorWords, schemeFields, selectField, textField } from "./fields.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import {
  commonScheme,
  follow,
  followsAnother,
  freshLayer,
  freshSeed,
  LAYER_TYPES,
  layersOf,
  NOTES,
  putScheme,
  schemeName,
  shapeOf,
  typeOf,
  withScheme,
} from "./spec.js";
import { entryOf, examplesOf, inputsField, memberField, read, show, sizesOf } from "./members.js";
import { PRESETS } from "./presets.js";
import { readdressed } from "./problems.js";
import { recipeFields, recipeGroups, withRecipe } from "./recipes.js";
import { edit, state, update } from "./state.js";
import { answered, isWeightless, namesOf, rename, takeOut, WEIGHTLESS_TYPES } from "./structure.js";
import { mark } from "./verdicts.js";

const MOST_LAYERS = 200; // more is for a program to post, not for a hand to build
const EDITED = new Set(["name", "type", "inputs", "shape", "activation", "scheme", "bias", "gain"]);
const SELDOM = new Set(["seed", "dtype"]); // what a layer may have of its own, and a spec for all

export const AUTO = () => ({ name: "auto", value: "auto", text: t("schemes.auto") });

// The network as a whole in one place, its layers in another: between them stands the spec as text.
export function render({ form, layers }, { shared, answers, catalogue, open }) {
  const { spec } = shared;
  const problems = readdressed(answers.stack.problems, spec);
  replace(
    form,
    h("h2", { id: "stack-title" }, t("stack.title")),
    h("div", { class: "fields" }, presets(spec, catalogue), recipeFields(spec, catalogue, problems)),
    notes(spec),
    h("div", { class: "fields" }, allLayers(spec, catalogue, problems), seed(spec, problems), inputShape(spec, problems)),
    elsewhere(spec),
  );
  replace(layers, spec.layers && layersFold(spec, { ...answers.stack, problems }, catalogue, open));
}

function layersFold(spec, answer, catalogue, open) {
  return h(
    "details",
    { class: "layers", "data-key": "layers", open: matchMedia("(min-width: 60rem)").matches },
    h("summary", { "data-key": "layers-summary" }, t("stack.layers", { count: spec.layers.length })),
    h("p", { class: "note" }, t("stack.keys")),
    h("ol", { class: "stack" }, rows(spec, answer, catalogue, open)),
    adder(spec, catalogue),
  );
}

// What a link brought beside layers: it is asked about as it is, and changed by whoever wrote it.
function elsewhere({ layers, seed, input_shape, recipe, size, head, ...others }) {
  if (!Object.keys(others).length) return null;
  return h("p", { class: "note further" }, t("stack.further"), " ", h("code", {}, JSON.stringify(others)));
}

const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);

function presets(spec, catalogue) {
  const plain = layersOf(withScheme(spec, "auto")).map(({ bias, ...layer }) => layer);
  const begun = (name) => {
    const { layers, ...others } = PRESETS[name]();
    return same(layers, plain) && same(others.input_shape, spec.input_shape);
  };
  const chosen = spec.recipe ? `recipe ${spec.recipe}` : Object.keys(PRESETS).find(begun);
  const options = [
    { group: t("preset.built"), options: Object.keys(PRESETS).map((name) => [name, t(`preset.${name}`)]) },
    ...recipeGroups(catalogue, spec.recipe),
  ];
  return selectField({
    key: "preset",
    label: t("stack.preset"),
    value: chosen ?? "own",
    options: chosen ? options : [["own", t("preset.own")], ...options],
    set: (name) => {
      if (name === "own") return;
      state.open = null;
      edit("preset", (shared) => {
        const { seed } = shared.spec;
        shared.spec = name in PRESETS ? { seed, ...PRESETS[name]() } : withRecipe(name.slice("recipe ".length), seed, catalogue);
      });
    },
  });
}

// What goes in, where a spec says it: with it, sizes must chain.
function inputShape(spec, problems) {
  const set = (value) => edit("input shape", (shared) => {
    const { input_shape, ...others } = shared.spec;
    shared.spec = value === undefined ? others : { seed: others.seed, input_shape: value, ...others };
  });
  const label = t("stack.input");
  return draftField({ key: "/input_shape", label, value: spec.input_shape, placeholder: t("stack.input-shape"), show, read, problems, set });
}

const start = (scheme) => edit("all layers", (shared) => (shared.spec = withScheme(shared.spec, scheme)));

function allLayers(spec, { schemes }, problems) {
  const common = commonScheme(layersOf(spec));
  const mixed = { name: "mixed", value: null, text: t("schemes.mixed") };
  return schemeFields({
    key: "all",
    label: t("stack.all"),
    value: common,
    schemes,
    problems,
    extra: common === null ? [mixed, AUTO()] : [AUTO()],
    set: (scheme) => scheme !== null && start(scheme),
  });
}

function seed(spec, problems) {
  const set = (value) => edit("seed", (shared) => (shared.spec.seed = value.trim()));
  return h(
    "div",
    { class: "with-button" },
    textField({ key: "/seed", label: t("stack.seed"), value: spec.seed ?? "", problems, set, numeric: false }),
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        "data-key": "new-seed",
        onclick: () => edit("new seed", (shared) => (shared.spec.seed = freshSeed())),
      },
      icon("dice"),
      t("stack.new-seed"),
    ),
  );
}

function notes(spec) {
  const common = JSON.stringify(commonScheme(layersOf(spec)));
  return h(
    "div",
    { class: "chips", role: "group", "aria-label": t("stack.notes") },
    h("span", { class: "chips-label", "aria-hidden": "true" }, t("stack.notes")),
    NOTES.map(({ label, scheme }) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          "data-key": `note-${label}`,
          "aria-pressed": `${JSON.stringify(scheme) === common}`,
          disabled: !spec.layers,
          onclick: () => start(scheme),
        },
        label === "auto" ? t("schemes.auto-short") : label,
      ),
    ),
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
    open ? fields(layer, index, spec, answer, catalogue, before) : null,
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

// Layers are changed on a copy: what was asked about and remembered must not change under it.
function change(kind, mutate) {
  edit(kind, (shared) => {
    const layers = structuredClone(layersOf(shared.spec));
    mutate(layers);
    shared.spec = { ...shared.spec, layers: follow(layers) };
  });
}

function fields(layer, index, spec, { problems }, catalogue, before) {
  const { schemes, activations } = catalogue;
  const at = (member) => `/layers/${index}/${member}`;
  const put = (layer, member, value) => {
    if (value === undefined) delete layer[member];
    else layer[member] = value;
  };
  const set = (member) => (value) => change(at(member), (layers) => put(layers[index], member, value));
  const setStart = (member) => (value) => change(at(member), (layers) => putScheme(layers[index], value, member));
  const type = typeOf(layer);
  const weightless = isWeightless(layer) || layer.type === "dropout";
  return h(
    "div",
    { class: "layer-fields" },
    textField({
      key: at("name"),
      label: t("field.name"),
      value: layer.name ?? "",
      problems,
      numeric: false,
      set: (value) => change(at("name"), (layers) => {
        rename(layers, namesOf(layers)[index], value);
        layers[index].name = value;
      }),
    }),
    selectField({
      key: at("type"),
      label: t("field.type"),
      value: layer.type,
      options: typeOptions(layer.type, catalogue),
      set: (name) =>
        change(at("type"), (layers) => {
          const { inputs } = layer;
          const fresh = freshLayer(name, layers.slice(0, index), examplesOf(catalogue));
          layers[index] = { ...fresh, name: layer.name, ...(inputs && { inputs }) };
        }),
    }),
    inputsField({ key: at("inputs"), value: layer.inputs, before, problems, set: set("inputs") }),
    sizeFields(layer, index, spec, problems, catalogue),
    weightless && layer.type !== "activation"
      ? null
      : selectField({
          key: at("activation"),
          label: t("field.activation"),
          value: layer.activation ?? type.activation ?? "linear",
          options: activations.map(({ name }) => [name, name]),
          problems,
          set: set("activation"),
        }),
    weightless
      ? null
      : schemeFields({
          key: at("scheme"),
          label: t("field.scheme"),
          value: layer.scheme ?? "auto",
          schemes,
          problems,
          extra: [AUTO()],
          set: setStart("scheme"),
        }),
    type.bias
      ? schemeFields({
          key: at("bias"),
          label: t("field.bias"),
          value: layer.bias,
          schemes,
          problems,
          extra: biasChoices(),
          set: setStart("bias"),
        })
      : null,
    layer.gain === undefined ? null : textField({ key: at("gain"), label: t("field.gain"), value: layer.gain, problems, set: set("gain") }),
    membersOf(layer, catalogue).map((parameter) =>
      memberField({
        key: at(parameter.name),
        parameter,
        value: layer[parameter.name],
        problems,
        set: set(parameter.name),
      }),
    ),
    further(layer, catalogue),
  );
}

// The sizes of a layer's shape, a field each; of a reshaping one, and where there is none, a field for all.
function sizeFields(layer, index, spec, problems, catalogue) {
  const at = `/layers/${index}/shape`;
  if (isWeightless(layer)) return null; // a member of the few that have one
  const names = typeOf(layer).sizes.length ? typeOf(layer).sizes : sizesOf(catalogue, layer.type);
  return shapeOf(layer).map((size, place) => {
    const disabled = place === typeOf(layer).reads && followsAnother(spec.layers, index);
    const label = t(`size.${names[place] ?? place}`);
    return textField({
      key: `${at}/${place}`,
      label: disabled ? h("span", {}, label, h("span", { class: "unseen" }, ` (${t("stack.follows")})`)) : label,
      value: size,
      problems,
      disabled,
      set: (value) => change(`${at}/${place}`, (layers) => (layers[index].shape[place] = value)),
    });
  });
}

// What a type has beside what all have, by the catalogue.
function membersOf(layer, catalogue) {
  const parameters = entryOf(catalogue, layer.type)?.parameters ?? [];
  return parameters.filter(
    ({ name }) =>
      !SELDOM.has(name) && (!EDITED.has(name) || (name === "shape" && isWeightless(layer))) && (!name.endsWith("scheme") || layer[name] !== undefined),
  );
}

const TYPES = Object.keys(LAYER_TYPES);

// The types that this page draws itself first, then those without weights, then all others.
function typeOptions(type, { layers }) {
  const option = (name) => [name, t(`layer.${name}`)];
  const others = layers.map(({ name }) => name).filter((name) => !TYPES.includes(name) && !WEIGHTLESS_TYPES.includes(name));
  const all = [...TYPES, ...WEIGHTLESS_TYPES, ...others];
  return [
    ...(type && !all.includes(type) ? [option(type)] : []),
    { group: t("types.usual"), options: TYPES.map(option) },
    { group: t("types.weightless"), options: WEIGHTLESS_TYPES.map(option) },
    ...(others.length ? [{ group: t("types.others"), options: others.map(option) }] : []),
  ];
}

const biasChoices = () => [
  { name: "default", value: undefined, text: t("bias.default") },
  { name: "none", value: null, text: t("bias.none") },
];

// Members that a link or a `try` brought and that this page has no field for.
function further(layer, catalogue) {
  const shown = new Set([...EDITED, ...membersOf(layer, catalogue).map(({ name }) => name)]);
  const others = Object.entries(layer).filter(([name]) => !shown.has(name));
  return others.length
    ? h(
        "p",
        { class: "note" },
        t("stack.further"),
        " ",
        h("code", {}, others.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ")),
      )
    : null;
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
