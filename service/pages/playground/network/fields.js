// Labelled fields whose problems stand beneath them; a field's key is the JSON pointer of what it changes.
import "./words.js";
import { h } from "../frame/dom.js";
import { t } from "../words/language.js";
import { schemeName } from "./spec.js";
import { detailOf, spoken } from "../words/spoken.js";

// What is not a number is passed on as it is: the service says in its own words what it takes.
export function parse(text) {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() === "" || Number.isNaN(value) ? text : value;
}

export function errorsUnder(problems, pointer) {
  return problems
    .flatMap((problem) => problem.errors)
    .filter((error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`));
}

// What several places have wrong in the same way is said once.
export const errorWords = (errors) =>
  [...new Set(errors.map((error) => error.detail))].map((detail, index) => [index ? "; " : "", spoken(detailOf(detail))]);

function field({ key, label, problems = [], exact = false }, control) {
  const id = `field-${key.replaceAll("/", "-")}`;
  const found = errorsUnder(problems, key).filter((error) => !exact || error.pointer === key);
  control.id = id;
  control.dataset.key = key;
  if (found.length) {
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", `${id}-error`);
  }
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    control,
    found.length
      ? h("p", { class: "error", id: `${id}-error` }, errorWords(found))
      : null,
  );
}

export function textField({ value, set, wide, disabled, numeric = true, ...rest }) {
  const control = h("input", {
    type: "text",
    value: `${value ?? ""}`,
    inputmode: numeric ? "decimal" : null,
    autocomplete: "off",
    spellcheck: "false",
    readonly: disabled,
    class: wide ? "wide" : null,
    oninput: (event) => set(numeric ? parse(event.target.value) : event.target.value),
  });
  return field(rest, control);
}

const typed = new Map(); // what stands in fields whose text and value differ in more than their form, by key

// A field whose text stands for another kind of value: `show` writes it, `read` reads it. What is being typed stays as
// it is for as long as it stands for the value that there is.
export function draftField({ value, show, read, set, placeholder, ...rest }) {
  const draft = typed.get(rest.key);
  const control = h("input", {
    type: "text",
    value: draft && draft.value === JSON.stringify(value) ? draft.text : show(value),
    placeholder,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    oninput: ({ target: { value: text } }) => {
      const meant = read(text);
      typed.set(rest.key, { text, value: JSON.stringify(meant) });
      set(meant);
    },
  });
  return field(rest, control);
}

// `options` are [value, text] pairs, or {group, options}.
export function selectField({ value, options, set, ...rest }) {
  const option = ([name, text]) => h("option", { value: name, selected: name === value }, text);
  const control = h(
    "select",
    { onchange: (event) => set(event.target.value) },
    options.map((entry) =>
      entry.group ? h("optgroup", { label: entry.group }, entry.options.map(option)) : option(entry),
    ),
  );
  return field(rest, control);
}

export function rangeField({ value, least, most, step, text, set, ...rest }) {
  const control = h("input", {
    type: "range",
    min: least,
    max: most,
    step,
    value: `${value}`,
    "aria-valuetext": text,
    oninput: (event) => set(Number(event.target.value)),
  });
  const built = field(rest, control);
  built.append(h("output", { for: control.id }, text));
  return built;
}

// What a layer that names no scheme gets.
export const AUTO = () => ({ name: "auto", value: "auto", text: t("schemes.auto") });

const COMMON = [
  "glorot_uniform",
  "glorot_normal",
  "he_normal",
  "he_uniform",
  "random_normal",
  "random_uniform",
  "small_normal",
  "small_uniform",
  "zeros",
  "ones",
  "constant",
];

function schemeOptions(schemes, extra) {
  const names = schemes
    .filter((scheme) => scheme.parameters.every((parameter) => !parameter.required))
    .map((scheme) => scheme.name);
  return [
    ...extra,
    { group: t("schemes.notes"), options: COMMON.filter((name) => names.includes(name)).map((name) => [name, name]) },
    { group: t("schemes.others"), options: names.filter((name) => !COMMON.includes(name)).map((name) => [name, name]) },
  ];
}

// A scheme and, under it, the parameters that the catalogue lists for it. `extra` are further choices, with their values.
export function schemeFields({ key, label, value, schemes, extra, set, problems }) {
  const special = extra.find((choice) => choice.value === value);
  const name = special ? special.name : schemeName(value);
  const entry = special ? null : schemes.find((scheme) => scheme.name === name || scheme.aliases.includes(name));
  const select = selectField({
    key,
    label,
    value: entry?.name ?? name,
    problems,
    exact: true,
    options: schemeOptions(
      schemes,
      extra.map((choice) => [choice.name, choice.text]),
    ),
    set: (chosen) => {
      const choice = extra.find((candidate) => candidate.name === chosen);
      set(choice ? choice.value : chosen);
    },
  });
  const current = typeof value === "object" && value !== null ? value : { name };
  const change = (parameter, next) => set({ ...current, [parameter]: next });
  const parameters = (entry?.parameters ?? []).map((parameter) =>
    parameterField(
      parameter,
      current[parameter.name] ?? parameter.default,
      `${key}/${parameter.name}`,
      problems,
      change,
    ),
  );
  return [select, ...parameters];
}

function parameterField(parameter, value, key, problems, change) {
  const shared = { key, label: parameter.name, problems };
  const set = (next) => change(parameter.name, next);
  if (parameter.enum) {
    return selectField({ ...shared, value, options: parameter.enum.map((choice) => [choice, choice]), set });
  }
  if (typeof parameter.default === "boolean") {
    const options = [
      ["false", t("no")],
      ["true", t("yes")],
    ];
    return selectField({ ...shared, value: `${value}`, options, set: (choice) => set(choice === "true") });
  }
  return textField({ ...shared, value, set, numeric: typeof parameter.default !== "string" });
}
