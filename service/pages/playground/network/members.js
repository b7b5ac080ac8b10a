// Fields for what a layer's type has beside its sizes and starts (strides, padding, window, …), as the catalogue lists it.
import { draftField, selectField } from "./fields.js";
import { t, told } from "../words/language.js";

// "[kh, kw, in, out]" in the catalogue's words names the sizes of a shape.
const SIZES = /^\[([\w, ]+)\]/;

export const entryOf = ({ layers }, type) => layers.find(({ name }) => name === type);

// Names of a shape's sizes, for types that this page has none of its own for.
export function sizesOf(catalogue, type) {
  const shape = entryOf(catalogue, type)?.parameters.find(({ name }) => name === "shape");
  return SIZES.exec(shape?.detail ?? "")?.[1].split(", ") ?? [];
}

// What a layer of each type may begin as: the catalogue's example.
export const examplesOf = ({ layers }) =>
  Object.fromEntries(layers.map(({ name, example }) => [name, withoutNames(example.layers.findLast(({ type }) => type === name))]));

const withoutNames = ({ name, inputs, ...layer }) => layer;

export const memberLabel = (name) => (told(`field.${name}`) ? t(`field.${name}`) : name.replaceAll("_", " "));

const NUMBERS = /^-?\d+(\s*,\s*-?\d+)+$/;

// JSON where it is some, numbers with commas as a list of them, else the words as they are; nothing where nothing stands.
export function read(text) {
  const trimmed = text.trim();
  if (!trimmed) return undefined;
  try {
    return JSON.parse(NUMBERS.test(trimmed) ? `[${trimmed}]` : trimmed);
  } catch {
    return trimmed;
  }
}

export function show(value) {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((each) => typeof each === "number")) return value.join(", ");
  return JSON.stringify(value);
}

export const readNames = (text) => {
  if (!text.trim()) return undefined;
  return text.trim() === "[]" ? [] : text.split(",").map((name) => name.trim());
};

export function showNames(names) {
  if (names === undefined || names === null) return "";
  return Array.isArray(names) && names.length ? names.join(", ") : JSON.stringify(names);
}

export function inputsField({ key, value, before, problems, set }) {
  const label = t("field.inputs");
  return draftField({ key, label, value, problems, show: showNames, read: readNames, placeholder: before, set });
}

// A field for a member of a layer; leaving it empty leaves the member out.
export function memberField({ key, parameter, value, problems, set }) {
  const shared = { key, label: memberLabel(parameter.name), problems };
  const choices = parameter.enum ?? (typeof parameter.default === "boolean" ? [false, true] : null);
  if (choices) {
    const named = (choice) => (typeof choice === "boolean" ? t(choice ? "yes" : "no") : `${choice}`);
    const options = choices.map((choice) => [JSON.stringify(choice), named(choice)]);
    const chosen = value ?? parameter.default ?? null;
    const all = chosen === null || !choices.includes(chosen) ? [["", show(value) || "–"], ...options] : options;
    return selectField({ ...shared, value: JSON.stringify(chosen), options: all, set: (text) => set(text ? JSON.parse(text) : undefined) });
  }
  const placeholder = show(parameter.default ?? undefined);
  return draftField({ ...shared, value, show, read, placeholder, set });
}
