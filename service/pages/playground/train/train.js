// Training: the stack's dense layers, or the network as it is, on a small task from several starts; how it goes on.
import "./words.js";
import { h, replace } from "../frame/dom.js";
import { curves, outcomes, STARTS } from "./curves.js";
import { rangeField, selectField, textField } from "../network/fields.js";
import { number, t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { problemBox } from "../frame/problems.js";
import { events, Problem } from "../frame/service.js";
import { PRESETS } from "../network/presets.js";
import { describeScheme, follow, layersOf } from "../network/spec.js";
import { edit, state, update } from "../frame/state.js";
import { past } from "../frame/waiting.js";

const TASKS = { quadratic: [8, 1], moons: [2, 2], spirals: [2, 2], digits: [64, 10] }; // features, classes
const MOST_SCHEMES = 6;
const TOGETHER = 100; // milliseconds of a training's events that are drawn together

let controller = null;

export const isTrainable = (layer) => layer.type === "dense" && Array.isArray(layer.shape);

// The stack as the task needs it: its dense layers one after the other, which read the features and give the classes, as
// numbers without a last activation.
export function fitted({ input_shape, ...spec }, task) {
  const layers = layersOf(spec).filter(isTrainable).map(({ inputs, ...layer }) => structuredClone(layer));
  if (!layers.length) return null;
  const [features, classes] = TASKS[task];
  layers[0].shape[0] = features;
  layers.at(-1).shape[1] = classes;
  layers.at(-1).activation = "linear";
  return { ...spec, layers: follow(layers) };
}

export function question({ spec, train }) {
  const { schemes, network, ...rest } = train;
  return { ...asTrained(spec, train), ...rest, ...(schemes.length && { schemes }) };
}

// What is trained, null where there is nothing.
export const asTrained = (spec, { network, task }) => (network === "whole" ? spec : fitted(spec, task));

export function render(root, { shared, training }) {
  const { train, spec } = shared;
  const others = layersOf(spec).filter((layer) => !isTrainable(layer)).length;
  replace(
    root,
    h("h2", { class: "unseen" }, t("view.train")),
    h("p", { class: "lead" }, t("train.lead")),
    h(
      "section",
      { class: "card", "aria-label": t("train.settings") },
      h("div", { class: "fields" }, settings(train, training.problems)),
      schemeChips(train),
      train.network === "whole" ? h("p", { class: "note" }, t("train.whole.note")) : network(spec, train.task, others),
      h(
        "div",
        { class: "actions" },
        training.running ? [stopButton(), progress(training)] : startButton(spec, train),
      ),
    ),
    training.problems.map((problem) => problemBox(problem, question(shared))),
    found(training, question(shared), root.clientWidth),
  );
}

// Curves are those of the settings and the network that they were asked for with; under others they are past.
function found(training, now, width) {
  if (!training.runs.length) return null;
  const pictures = [curves(training, width), outcomes(training)];
  const { asked } = training;
  if (JSON.stringify(asked) === JSON.stringify(now)) return pictures;
  const words = { task: t(`task.${asked.task}`), rate: number(asked.learning_rate), steps: asked.steps };
  return [
    h("p", { class: "card outdated", role: "status" }, icon("wrong"), h("span", {}, t("train.outdated", words))),
    past(h("div", { class: "column" }, pictures)),
  ];
}

function progress({ runs, total, asked }) {
  const run = Math.max(1, runs.length);
  const step = (runs.at(-1)?.steps.at(-1) ?? 0) + 1;
  return h(
    "span",
    { class: "progress" },
    h("progress", {
      max: total * asked.steps,
      value: (run - 1) * asked.steps + step,
      "aria-label": t("train.progress"),
    }),
    t("train.run", { run, total, step, steps: asked.steps }),
  );
}

const set = (member) => (value) => edit(`train ${member}`, ({ train }) => (train[member] = value));

function settings(train, problems) {
  return [
    selectField({
      key: "/task",
      label: t("train.task"),
      value: train.task,
      options: Object.keys(TASKS).map((name) => [name, t(`task.${name}`)]),
      problems,
      set: set("task"),
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

function network(spec, task, others) {
  const fit = fitted(spec, task);
  if (!fit)
    return h(
      "p",
      { class: "note" },
      t("train.no-dense"),
      " ",
      h("button", { type: "button", class: "quiet", "data-key": "use-mlp", onclick: useMlp }, t("train.use-mlp")),
    );
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

const startButton = (spec, train) =>
  h(
    "button",
    { type: "button", class: "main", "data-key": "train", disabled: !asTrained(spec, train), onclick: run },
    icon("play"),
    t("train.start"),
  );

const stopButton = () =>
  h(
    "button",
    { type: "button", class: "main", "data-key": "train", onclick: () => controller.abort() },
    icon("stop"),
    t("train.stop"),
  );

async function run() {
  controller = new AbortController();
  const asked = question(state.shared);
  const total = Math.max(1, asked.schemes?.length ?? 0) * asked.restarts;
  update(({ training }) => Object.assign(training, { running: true, runs: [], problems: [], asked, total }));
  try {
    for await (const { event, data } of events("train", asked, controller.signal)) take(event, data);
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem({ title: "offline", detail: "offline" }, "train");
    if (error.name !== "AbortError") update(({ training }) => (training.problems = [problem]));
  }
  update(({ training }) => (training.running = false));
}

// Runs come one after the other, as many of each start as there are restarts: `progress` names its run by number, `run`
// ends the one that is on.
function take(event, data) {
  update(({ training: { runs, asked } }) => {
    const start = (place) => asked.schemes?.[Math.floor(place / asked.restarts)] ?? null;
    if (event === "progress") {
      runs[data.run] ??= { start: start(data.run), seed: data.seed, steps: [], loss: [], gradient_norm: [] };
      runs[data.run].steps.push(data.step);
      runs[data.run].loss.push(data.loss);
      runs[data.run].gradient_norm.push(data.gradient_norm);
    } else if (event === "run") {
      const open = runs.findIndex((known) => known.learnt === undefined);
      const place = open < 0 ? runs.length : open;
      runs[place] = { ...data, start: start(place), steps: data.loss.map((_, index) => index * data.every) };
    }
  }, TOGETHER);
}
