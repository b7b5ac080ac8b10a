// Recipes: networks that the service knows by name; a size, a head, numbers of their config, their layers written out.
import { changeSpec } from "./changes.js";
import { draftField, selectField } from "./fields.js";
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit, state, update } from "../frame/state.js";
import { count as counted, t } from "../words/language.js";
import { memberLabel, read, show } from "./members.js";
import { plannedOrLast, writtenOut } from "./planned.js";

const entryOf = ({ recipes }, name) => recipes.find((recipe) => recipe.name === name);

// All that there are, those that are run as networks first; one that a link names although there is none such, too.
export function recipeGroups({ recipes }, chosen) {
  const option = (name) => [`recipe ${name}`, name];
  const named = (wanted) => recipes.filter(({ network }) => network === wanted).map(({ name }) => option(name));
  const unheard = chosen && !recipes.some(({ name }) => name === chosen) ? [option(chosen)] : [];
  return [
    { group: t("preset.recipes"), options: [...unheard, ...named(true)] },
    { group: t("preset.weights"), options: named(false) },
  ].filter(({ options }) => options.length);
}

const smallest = ({ sizes }) => sizes.reduce((least, size) => (size.elements < least.elements ? size : least));

// The smallest size to begin with: it is diagnosed in a moment.
export function withRecipe(name, seed, catalogue) {
  const entry = entryOf(catalogue, name);
  return { seed, recipe: name, ...(entry?.sizes.length && { size: smallest(entry).name }) };
}

// Numbers of a config that make a model what it is, by the names that configs have for them; the first ones first.
const TELLING = [
  ["n_layer", "num_hidden_layers", "num_layers", "n_layers", "encoder_layers", "depth", "num_blocks", "layers", "depths", "layers_per_block"],
  ["decoder_layers", "num_decoder_layers"],
  ["hidden_size", "n_embd", "d_model", "dim", "embed_dim", "hidden_sizes", "block_out_channels", "width_per_group"],
  ["n_head", "num_attention_heads", "num_heads", "n_heads", "encoder_attention_heads", "attention_head_dim"],
  ["num_key_value_heads"],
  ["intermediate_size", "n_inner", "d_ff", "encoder_ffn_dim", "ffn_dim", "hidden_dim"],
  ["num_local_experts", "num_experts", "n_routed_experts"],
  ["vocab_size"],
  ["image_size", "sample_size"],
  ["patch_size"],
  ["num_labels", "num_classes", "actions"],
];

export function recipeFields(spec, catalogue, problems) {
  const entry = spec.recipe && entryOf(catalogue, spec.recipe);
  if (!entry) return null;
  const set = (member) => (value) =>
    edit(`recipe ${member}`, (shared) => {
      const { [member]: _, ...others } = shared.spec;
      shared.spec = value ? { ...others, [member]: value } : others;
    });
  const own = spec.config && !spec.size ? [["", t("recipe.own-size")]] : [];
  const sizes = [...own, ...entry.sizes.map(({ name, elements }) => [name, t("recipe.elements", { name, count: counted(elements) })])];
  const heads = [["", t("recipe.no-head")], ...(entry.heads ?? []).map((name) => [name, name.replaceAll("_", " ")])];
  const field = (member, options) =>
    selectField({ key: `/${member}`, label: t(`field.${member}`), value: spec[member] ?? options[0][0], options, problems, set: set(member) });
  return [sizes.length ? field("size", sizes) : null, heads.length > 1 ? field("head", heads) : null];
}

// Fields for the most telling numbers, over what the size says; and the layers to be had for one's own.
export function configFields(spec, catalogue, problems) {
  if (!spec.recipe) return null;
  const entry = entryOf(catalogue, spec.recipe);
  const plan = plannedOrLast(spec);
  const config = { ...plan?.network?.config, ...spec.config };
  const names = entry?.library ? TELLING.map((words) => words.find((word) => word in config && config[word] !== null)).filter(Boolean) : [];
  return h(
    "div",
    { class: "config" },
    names.length ? h("div", { class: "fields" }, names.map((name) => numberField(name, config[name], problems))) : null,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "quiet", "data-key": "make-mine", onclick: makeMine, disabled: !plan?.network?.replaces }, icon("copy"), t("recipe.mine")),
    ),
    plan?.network && !plan.network.replaces ? h("p", { class: "note" }, t("recipe.not-mine")) : null,
  );
}

const numberField = (name, value, problems) =>
  draftField({
    key: `/config/${name}`,
    label: memberLabel(name),
    value,
    show,
    read,
    problems,
    set: (next) =>
      edit(`config ${name}`, (shared) => {
        const { [name]: _, ...others } = shared.spec.config ?? {};
        shared.spec = { ...shared.spec, config: next === undefined ? others : { ...others, [name]: next } };
      }),
  });

async function makeMine() {
  const written = await writtenOut(state.shared.spec).catch(() => null);
  if (!written) return;
  update(() => Object.assign(state, { open: null, until: null }));
  changeSpec("make mine", () => written);
}
