// The network as a whole: what to begin with, a start for all layers, the seed, what goes in.
import { h, keeper, replace } from "../frame/dom.js";
import { AUTO, draftField, parse, schemeFields, selectField, textField } from "./fields.js";
import { t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { building } from "./building.js";
import { openButton, opened } from "./opening.js";
import { proportionsFields } from "./sliders.js";
import { read, show } from "./members.js";
import { PRESETS } from "./presets.js";
import { readdressed } from "../frame/problems.js";
import { configFields, recipeFields, recipeGroups, withRecipe } from "./recipes.js";
import { commonScheme, freshSeed, layersOf, NOTES, withScheme } from "./spec.js";
import { edit, state } from "../frame/state.js";
import { undoButtons } from "./undo.js";

// The network as a whole in one place, its parts in another.
export function render({ form, parts }, { shared, answers, catalogue, open }) {
  const { spec, batch } = shared;
  const problems = readdressed(answers.stack.problems, spec);
  replace(
    form,
    h("div", { class: "stack-head" }, h("h2", { id: "stack-title" }, t("stack.title")), undoButtons()),
    h("div", { class: "fields" }, presets(spec, catalogue), h("div", { class: "actions beginnings" }, modelsButton(), openButton())),
    opened(spec),
    spec.recipe ? h("div", { class: "fields" }, recipeFields(spec, catalogue, problems)) : null,
    configFields(spec, catalogue, problems),
    proportionsFields(spec, catalogue),
    spec.layers ? notes(spec) : null,
    spec.layers ? h("div", { class: "fields starting" }, allLayers(spec, catalogue, problems)) : null,
    h("div", { class: "fields going-in" }, seed(spec, problems), inputShape(spec, problems), examples(batch, problems)),
    elsewhere(spec),
  );
  replace(parts, building(spec, { ...answers.stack, problems }, catalogue, { open, way: shared.building }));
}

const modelsButton = () =>
  h(
    "button",
    { type: "button", class: "quiet", "data-key": "models", "aria-haspopup": "dialog", onclick: async () => (await import("./models.js")).show() },
    icon("search"),
    t("models.button"),
  );

// What a link brought beside layers: it is asked about as it is, and changed by whoever wrote it.
function elsewhere({ layers, tensors, seed, input_shape, recipe, size, head, config, ...others }) {
  if (tensors) delete others.layout; // said above the list
  if (!Object.keys(others).length) return null;
  return h("p", { class: "note further" }, t("stack.further"), " ", h("code", {}, JSON.stringify(others)));
}

const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);

const keep = keeper();

function presets(spec, catalogue) {
  const plain = layersOf(withScheme(spec, "auto")).map(({ bias, ...layer }) => layer);
  const begun = (name) => {
    const { layers, ...others } = PRESETS[name]();
    return layers.length === plain.length && same(layers, plain) && same(others.input_shape, spec.input_shape);
  };
  const chosen = spec.recipe ? `recipe ${spec.recipe}` : spec.tensors ? null : Object.keys(PRESETS).find(begun);
  return keep("presets", [chosen, Boolean(spec.tensors), catalogue.recipes], () => presetField(chosen, spec, catalogue));
}

function presetField(chosen, spec, catalogue) {
  const options = [
    { group: t("preset.built"), options: Object.keys(PRESETS).map((name) => [name, t(`preset.${name}`)]) },
    ...recipeGroups(catalogue, spec.recipe),
  ];
  return selectField({
    key: "preset",
    label: t("stack.preset"),
    value: chosen ?? "own",
    options: chosen ? options : [["own", t(spec.tensors ? "preset.listing" : "preset.own")], ...options],
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
  const wrong = problems.flatMap(({ errors }) => errors).filter(({ pointer }) => pointer.startsWith("all"));
  return keep("all", [JSON.stringify(common), schemes, JSON.stringify(wrong)], () => allLayersFields(common, schemes, problems));
}

function allLayersFields(common, schemes, problems) {
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
  const set = (value) => edit("seed", (shared) => (shared.spec = { ...shared.spec, seed: value.trim() }));
  return h(
    "div",
    { class: "with-button" },
    textField({ key: "/seed", label: t("stack.seed"), value: spec.seed ?? "", problems, set, numeric: false }),
    h(
      "button",
      {
        type: "button",
        class: "quiet dice",
        "data-key": "new-seed",
        "aria-label": t("stack.new-seed"),
        title: t("stack.new-seed"),
        onclick: () => edit("new seed", (shared) => (shared.spec = { ...shared.spec, seed: freshSeed() })),
      },
      icon("dice"),
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

// How many examples a diagnosis sends through; no member of the spec.
function examples(batch, problems) {
  return draftField({
    key: "/batch",
    label: t("field.batch"),
    value: batch,
    placeholder: t("stack.enough"),
    show: (value) => `${value ?? ""}`,
    read: (text) => (text.trim() ? parse(text) : null),
    problems,
    set: (value) => edit("batch", (shared) => (shared.batch = value)),
  });
}
