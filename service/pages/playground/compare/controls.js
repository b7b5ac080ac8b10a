// What is set on each side: its start, its seed, whose stream draws it; and the pairs of one button.
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit } from "../frame/state.js";
import { AUTO, schemeFields, selectField, textField } from "../network/fields.js";
import { freshSeed } from "../network/spec.js";
import { t } from "../words/language.js";
import { PAIRS } from "./sides.js";

const OWN = "initserve/1";

export function pairs(remedied) {
  const button = (name) =>
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        "data-key": `pair-${name}`,
        disabled: name === "repair" && !remedied,
        onclick: () => PAIRS[name](remedied),
      },
      t(`compare.pair.${name}`),
    );
  return h("div", { class: "actions", role: "group", "aria-label": t("compare.pairs") }, Object.keys(PAIRS).map(button));
}

export function controls(side, shared, problems, { schemes, algorithms }) {
  const chosen = shared.compare[side];
  const set = (member) => (value) =>
    edit(`${side} ${member}`, ({ compare }) => (compare[side] = { ...compare[side], [member]: value }));
  return h("div", { class: "fields" }, scheme(side, chosen, problems, schemes, set), seed(side, chosen, shared, set), stream(side, chosen, shared, algorithms, set));
}

function scheme(side, chosen, problems, schemes, set) {
  const itself = chosen.spec ? t("compare.other") : t("compare.stack");
  return schemeFields({
    key: `compare/${side}/scheme`,
    label: t("field.scheme"),
    value: chosen.scheme,
    schemes,
    problems,
    extra: [{ name: "stack", value: null, text: itself }, AUTO()],
    set: set("scheme"),
  });
}

function seed(side, chosen, shared, set) {
  const own = chosen.seed ?? (chosen.spec ?? shared.spec).seed ?? "";
  return h(
    "div",
    { class: "with-button" },
    textField({
      key: `compare/${side}/seed`,
      label: t("stack.seed"),
      value: own,
      problems: [],
      numeric: false,
      set: (value) => set("seed")(value.trim() || null),
    }),
    h(
      "button",
      { type: "button", class: "quiet", "data-key": `compare/${side}/new-seed`, onclick: () => set("seed")(freshSeed()) },
      icon("dice"),
      t("stack.new-seed"),
    ),
  );
}

function stream(side, chosen, shared, algorithms, set) {
  const own = (chosen.spec ?? shared.spec).algorithm ?? OWN;
  const names = algorithms?.length ? algorithms.map(({ name }) => name) : [...new Set([OWN, own, chosen.algorithm ?? own])];
  return selectField({
    key: `compare/${side}/algorithm`,
    label: t("compare.stream"),
    value: chosen.algorithm ?? own,
    options: names.map((name) => [name, name]),
    set: (name) => set("algorithm")(name === own ? null : name),
  });
}
