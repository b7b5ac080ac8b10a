// Recipes: networks that the service knows by name; a size and a head of theirs are chosen here.
import { selectField } from "./fields.js";
import { t, whole } from "../words/language.js";
import { edit } from "../frame/state.js";

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

export function recipeFields(spec, catalogue, problems) {
  const entry = spec.recipe && entryOf(catalogue, spec.recipe);
  if (!entry) return null;
  const set = (member) => (value) =>
    edit(`recipe ${member}`, (shared) => {
      const { [member]: _, ...others } = shared.spec;
      shared.spec = value ? { ...others, [member]: value } : others;
    });
  const sizes = entry.sizes.map(({ name, elements }) => [name, t("recipe.elements", { name, count: whole(elements) })]);
  const heads = [["", t("recipe.no-head")], ...(entry.heads ?? []).map((name) => [name, name.replaceAll("_", " ")])];
  const field = (member, options) =>
    selectField({ key: `/${member}`, label: t(`field.${member}`), value: spec[member] ?? options[0][0], options, problems, set: set(member) });
  return [sizes.length ? field("size", sizes) : null, heads.length > 1 ? field("head", heads) : null];
}
