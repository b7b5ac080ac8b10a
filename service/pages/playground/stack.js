// The stack's panel: presets, a start for all layers, the seed, and the layers with their fields.
import { focusOn, h, replace } from "./dom.js";
import { errorsUnder, errorWords, schemeFields, selectField, textField } from "./fields.js";
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
  nameOf,
  NOTES,
  PRESETS,
  putScheme,
  schemeName,
  shapeOf,
  sizeName,
  typeOf,
  withScheme,
} from "./spec.js";
import { readdressed } from "./problems.js";
import { edit, state, update } from "./state.js";
import { mark } from "./verdicts.js";

const MOST_LAYERS = 40; // more is for a program to post, not for a hand to build
const EDITED = new Set(["name", "type", "shape", "activation", "scheme", "bias", "gain"]);

export const AUTO = () => ({ name: "auto", value: "auto", text: t("schemes.auto") });

export function render(root, { shared, answers, catalogue, open }) {
  const { spec } = shared;
  const problems = readdressed(answers.stack.problems, spec);
  const answer = { ...answers.stack, problems };
  replace(
    root,
    h("h2", { id: "stack-title" }, t("stack.title")),
    h("div", { class: "fields" }, presets(spec)),
    notes(spec),
    h("div", { class: "fields" }, allLayers(spec, catalogue, problems), seed(spec, problems)),
    elsewhere(spec),
    h(
      "details",
      { class: "layers", "data-key": "layers", open: matchMedia("(min-width: 60rem)").matches },
      h("summary", { "data-key": "layers-summary" }, t("stack.layers", { count: layersOf(spec).length })),
      h("p", { class: "note" }, t("stack.keys")),
      h(
        "ol",
        { class: "stack" },
        layersOf(spec).map((layer, index) => row(layer, index, spec, answer, catalogue, index === open)),
      ),
      adder(spec),
    ),
  );
}

// What a link brought beside layers: it is asked about as it is, and changed by whoever wrote it.
function elsewhere({ layers, seed, ...others }) {
  if (!Object.keys(others).length) return null;
  return h("p", { class: "note further" }, t("stack.further"), " ", h("code", {}, JSON.stringify(others)));
}

const sameLayers = (left, right) => JSON.stringify(left) === JSON.stringify(right);

function presets(spec) {
  const plain = layersOf(withScheme(spec, "auto")).map(({ bias, ...layer }) => layer);
  const chosen = Object.keys(PRESETS).find((name) => sameLayers(PRESETS[name](), plain));
  const options = Object.keys(PRESETS).map((name) => [name, t(`preset.${name}`)]);
  return selectField({
    key: "preset",
    label: t("stack.preset"),
    value: chosen ?? "own",
    options: chosen ? options : [["own", t("preset.own")], ...options],
    set: (name) => {
      if (!(name in PRESETS)) return;
      state.open = null;
      edit("preset", (shared) => (shared.spec = { seed: shared.spec.seed, layers: PRESETS[name]() }));
    },
  });
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

function row(layer, index, spec, answer, catalogue, open) {
  const problems = errorsUnder(answer.problems, `/layers/${index}`);
  const name = nameOf(layer, index);
  const verdict = problems.length ? null : answer.diagnosis?.layers[index]?.verdict;
  return h(
    "li",
    { class: `layer${open ? " open" : ""}${problems.length ? " wrong" : ""}` },
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
        h(
          "span",
          { class: "layer-start" },
          [layer.activation ?? typeOf(layer).activation, startOf(layer, index, answer)].filter(Boolean).join(" · "),
        ),
        h("span", { class: "unseen" }, problems.length ? t("stack.wrong") : verdict ? t(`verdict.${verdict}`) : ""),
      ),
      tools(index, spec.layers.length, name),
    ),
    open ? fields(layer, index, spec, answer, catalogue) : null,
    problems.length && !open
      ? h("p", { class: "error" }, errorWords(problems))
      : null,
  );
}

function describeShape(layer) {
  const shape = shapeOf(layer);
  if (layer.type === "conv2d") return `${shape[0]}×${shape[1]}, ${shape[2]} → ${shape[3]}`;
  if (layer.type === "multi_head_attention") return `${shape[0]}, ${shape[1]} × ${shape[2]}`;
  return shape.join(" → ");
}

// What `auto` came to stands in the answer.
function startOf(layer, index, answer) {
  if (!typeOf(layer).weights && layer.type !== "embedding") return null;
  const found = answer.statistics?.layers[index];
  if (found?.type !== layer.type) return schemeName(layer.scheme);
  return found.parameters.length ? schemeName(found.parameters[0].scheme) : null;
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
  change("remove", (layers) => layers.splice(index, 1));
  const neighbour = state.shared.spec.layers[Math.max(0, index - 1)];
  requestAnimationFrame(() =>
    requestAnimationFrame(() => focusOn(`layer-${nameOf(neighbour, Math.max(0, index - 1))}`)),
  );
}

// Layers are changed on a copy: what was asked about and remembered must not change under it.
function change(kind, mutate) {
  edit(kind, (shared) => {
    const layers = structuredClone(layersOf(shared.spec));
    mutate(layers);
    shared.spec = { ...shared.spec, layers: follow(layers) };
  });
}

function fields(layer, index, spec, { problems }, { schemes, activations }) {
  const at = (member) => `/layers/${index}/${member}`;
  const set = (member, value) => change(at(member), (layers) => (layers[index][member] = value));
  const setStart = (member) => (value) => change(at(member), (layers) => putScheme(layers[index], value, member));
  const type = typeOf(layer);
  return h(
    "div",
    { class: "layer-fields" },
    textField({
      key: at("name"),
      label: t("field.name"),
      value: layer.name ?? "",
      problems,
      numeric: false,
      set: (value) => set("name", value),
    }),
    selectField({
      key: at("type"),
      label: t("field.type"),
      value: layer.type,
      options: [...new Set([layer.type, ...Object.keys(LAYER_TYPES)])].map((name) => [name, t(`layer.${name}`)]),
      set: (name) =>
        change(
          at("type"),
          (layers) => (layers[index] = { ...freshLayer(name, layers.slice(0, index)), name: layer.name }),
        ),
    }),
    shapeOf(layer).map((size, place) => {
      const disabled = place === type.reads && followsAnother(spec.layers, index);
      const label = t(`size.${sizeName(layer, place)}`);
      return textField({
        key: at(`shape/${place}`),
        label: disabled ? h("span", {}, label, h("span", { class: "unseen" }, ` (${t("stack.follows")})`)) : label,
        value: size,
        problems,
        disabled,
        set: (value) => change(at(`shape/${place}`), (layers) => (layers[index].shape[place] = value)),
      });
    }),
    selectField({
      key: at("activation"),
      label: t("field.activation"),
      value: layer.activation ?? type.activation ?? "linear",
      options: activations.map(({ name }) => [name, name]),
      problems,
      set: (name) => set("activation", name),
    }),
    schemeFields({
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
    layer.gain === undefined
      ? null
      : textField({
          key: at("gain"),
          label: t("field.gain"),
          value: layer.gain,
          problems,
          set: (value) => set("gain", value),
        }),
    further(layer),
  );
}

const biasChoices = () => [
  { name: "default", value: undefined, text: t("bias.default") },
  { name: "none", value: null, text: t("bias.none") },
];

// Fields that a link or a `try` brought and that this page has no field for.
function further(layer) {
  const others = Object.entries(layer).filter(([name]) => !EDITED.has(name));
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

function adder(spec) {
  const full = layersOf(spec).length >= MOST_LAYERS;
  const choice = h(
    "select",
    { id: "add-type", "data-key": "add-type" },
    Object.keys(LAYER_TYPES).map((name) => h("option", { value: name, selected: name === adding }, t(`layer.${name}`))),
  );
  choice.addEventListener("change", () => (adding = choice.value));
  const add = () => {
    change("add", (layers) => layers.push(freshLayer(adding, layers)));
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
