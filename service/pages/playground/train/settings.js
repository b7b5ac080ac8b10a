// The settings of a training: the task, how long and how fast, and the starts that are trained.
import { h } from "../frame/dom.js";
import { edit } from "../frame/state.js";
import { rangeField, selectField, textField } from "../network/fields.js";
import { PRESETS } from "../network/presets.js";
import { describeScheme, layersOf } from "../network/spec.js";
import { t } from "../words/language.js";
import { STARTS } from "./lines.js";
import { fitted, isTrainable, TASKS, usual } from "./question.js";

const MOST_SCHEMES = 6;

const set = (member) => (value) => edit(`train ${member}`, ({ train }) => (train[member] = value));

// With a task come its own rate and steps, unless the reader has chosen others.
const chooseTask = (task) =>
  edit("train task", ({ train, spec }) => {
    const before = usual(train.task, spec);
    const asUsual = Object.keys(before).every((member) => train[member] === before[member]);
    Object.assign(train, { task }, asUsual && usual(task, spec));
  });

export function settings({ spec, train }, problems) {
  return [
    h("div", { class: "fields" }, fields(train, problems)),
    schemeChips(train),
    train.network === "whole" ? h("p", { class: "note" }, t("train.whole.note")) : network(spec, train.task),
  ];
}

function fields(train, problems) {
  return [
    selectField({
      key: "/task",
      label: t("train.task"),
      value: train.task,
      options: Object.keys(TASKS).map((name) => [name, t(`task.${name}`)]),
      problems,
      set: chooseTask,
    }),
    selectField({
      key: "train/network",
      label: t("train.trained"),
      value: train.network,
      options: ["fitted", "whole"].map((name) => [name, t(`train.network.${name}`)]),
      set: set("network"),
    }),
    textField({ key: "/steps", label: t("train.steps"), value: train.steps, problems, set: set("steps") }),
    textField({
      key: "/learning_rate",
      label: t("train.rate"),
      value: train.learning_rate,
      problems,
      set: set("learning_rate"),
    }),
    rangeField({
      key: "/restarts",
      label: t("train.restarts"),
      value: train.restarts,
      least: 1,
      most: 10,
      step: 1,
      text: `${train.restarts}`,
      problems,
      set: set("restarts"),
    }),
  ];
}

function schemeChips({ schemes }) {
  const chosen = new Set(schemes.map((scheme) => JSON.stringify(scheme)));
  const chip = (scheme) => {
    const key = JSON.stringify(scheme);
    const on = chosen.has(key);
    const toggle = () =>
      set("schemes")(on ? schemes.filter((other) => JSON.stringify(other) !== key) : [...schemes, scheme]);
    return h(
      "button",
      {
        type: "button",
        class: "chip",
        "data-key": `scheme-${key}`,
        "aria-pressed": `${on}`,
        disabled: !on && schemes.length >= MOST_SCHEMES,
        onclick: toggle,
      },
      describeScheme(scheme),
    );
  };
  return h(
    "div",
    { class: "chips", role: "group", "aria-label": t("train.schemes") },
    h("span", { class: "chips-label", "aria-hidden": "true" }, t("train.schemes")),
    STARTS.map(chip),
  );
}

function network(spec, task) {
  const fit = fitted(spec, task);
  if (!fit)
    return h(
      "p",
      { class: "note" },
      t("train.no-dense"),
      " ",
      h("button", { type: "button", class: "quiet", "data-key": "use-mlp", onclick: useMlp }, t("train.use-mlp")),
    );
  const others = layersOf(spec).filter((layer) => !isTrainable(layer)).length;
  const widths = [fit.layers[0].shape[0], ...fit.layers.map((layer) => layer.shape[1])];
  const shown = widths.length > 8 ? [...widths.slice(0, 3), "…", ...widths.slice(-3)] : widths;
  return h(
    "p",
    { class: "note" },
    t("train.network", { widths: shown.join(" → "), count: fit.layers.length }),
    others ? ` ${t("train.others", { count: others })}` : "",
  );
}

const useMlp = () => edit("preset", (shared) => (shared.spec = { seed: shared.spec.seed, ...PRESETS.mlp() }));
