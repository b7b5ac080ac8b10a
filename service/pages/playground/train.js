// Training: the stack's dense layers on a small task, from several starts; curves are drawn while they come.
import { h, replace } from "./dom.js";
import { Chart, reach, figure, linear, lineSample, logarithmic, numbers } from "./charts.js";
import { rangeField, selectField, textField } from "./fields.js";
import { number, percent, t } from "./i18n.js";
import { icon } from "./icons.js";
import { problemBox } from "./problems.js";
import { events, Problem } from "./service.js";
import { describeScheme, follow, PRESETS } from "./spec.js";
import { outcomeOf, spoken } from "./spoken.js";
import { edit, state, update } from "./state.js";

const TASKS = { quadratic: [8, 1], moons: [2, 2], spirals: [2, 2], digits: [64, 10] }; // features, classes
const MOST_SCHEMES = 6;
const STARTS = [
  "he_normal",
  "he_uniform",
  "glorot_normal",
  "glorot_uniform",
  "lecun_normal",
  "orthogonal",
  "small_normal",
  { name: "random_normal", stddev: 1 },
  "zeros",
  { name: "constant", value: 5 },
];
const WIDE = 720;

let controller = null;

// The stack as the task needs it: it reads the features and gives the classes, as numbers without a last activation.
export function fitted(spec, task) {
  const layers = spec.layers.filter((layer) => layer.type === "dense").map((layer) => structuredClone(layer));
  if (!layers.length) return null;
  const [features, classes] = TASKS[task];
  layers[0].shape[0] = features;
  layers.at(-1).shape[1] = classes;
  layers.at(-1).activation = "linear";
  return { ...spec, layers: follow(layers) };
}

export function question({ spec, train }) {
  const { schemes, ...rest } = train;
  return { ...fitted(spec, train.task), ...rest, ...(schemes.length && { schemes }) };
}

export function render(root, { shared, training }) {
  const { train, spec } = shared;
  const others = spec.layers.filter((layer) => layer.type !== "dense").length;
  replace(
    root,
    h("h2", { class: "unseen" }, t("view.train")),
    h("p", { class: "lead" }, t("train.lead")),
    h(
      "section",
      { class: "card", "aria-label": t("train.settings") },
      h("div", { class: "fields" }, settings(train, training.problems)),
      schemeChips(train),
      network(spec, train.task, others),
      h("div", { class: "actions" }, training.running ? stopButton() : startButton(spec)),
    ),
    training.problems.map((problem) => problemBox(problem, question(shared))),
    training.runs.length ? [curves(training, root.clientWidth), outcomes(training.runs)] : null,
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

const useMlp = () => edit("preset", (shared) => (shared.spec = { seed: shared.spec.seed, layers: PRESETS.mlp() }));

const startButton = (spec) =>
  h(
    "button",
    { type: "button", class: "main", "data-key": "train", disabled: !fitted(spec, "moons"), onclick: run },
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
  update(({ training }) => Object.assign(training, { running: true, runs: [], problems: [], steps: asked.steps }));
  try {
    for await (const { event, data } of events("train", asked, controller.signal)) take(event, data, asked.steps);
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem({ title: "offline", detail: "offline" });
    if (error.name !== "AbortError") update(({ training }) => (training.problems = [problem]));
  }
  update(({ training }) => (training.running = false));
}

// Runs come one after the other: `progress` names its run by number, `run` ends the one that is on.
function take(event, data, steps) {
  update(({ training: { runs } }) => {
    if (event === "progress") {
      runs[data.run] ??= { scheme: data.scheme, seed: data.seed, steps: [], loss: [], gradient_norm: [] };
      runs[data.run].steps.push(data.step);
      runs[data.run].loss.push(data.loss);
      runs[data.run].gradient_norm.push(data.gradient_norm);
    } else if (event === "run") {
      const place = data.run ?? runs.findIndex((known) => known && known.learnt === undefined);
      const every = data.every ?? Math.ceil(steps / data.loss.length);
      runs[place < 0 ? runs.length : place] = { ...data, steps: data.loss.map((_, index) => index * every) };
    }
  });
}

function curves({ runs, steps }, width) {
  const schemes = [...new Set(runs.filter(Boolean).map((run) => describeScheme(run.scheme)))];
  const room = Math.max(280, (width >= WIDE ? (width - 20) / 2 : width) - 36);
  return h(
    "div",
    { class: "pair" },
    ["loss", "gradient_norm"].map((measure) =>
      h("div", { class: "card" }, curveFigure(runs.filter(Boolean), measure, schemes, room, steps)),
    ),
  );
}

function curveFigure(runs, measure, schemes, width, steps) {
  const values = runs.flatMap((run) => run[measure]);
  const title = t(`train.${measure}`);
  const ends = runs
    .map((run) => `${describeScheme(run.scheme)} (${run.seed}) ${number(run[measure].at(-1))}`)
    .join("; ");
  const chart = new Chart({
    width,
    height: 260,
    zero: values.some((value) => value === 0),
    label: t("train.text", { title, ends }),
    x: { scale: linear(0, steps), label: t("train.step") },
    y: { scale: logarithmic(...reach(values)) },
  });
  for (const run of runs)
    chart.line(
      run.steps.map((step, index) => [step, run[measure][index] ?? NaN]),
      `run run-${schemes.indexOf(describeScheme(run.scheme))}`,
    );
  return figure({
    key: measure,
    title,
    chart: chart.svg,
    entries: schemes.map((text, index) => ({ sample: lineSample(`run run-${index}`), text })),
    table: {
      caption: title,
      columns: [t("field.scheme"), t("stack.seed"), t("train.first"), t("train.middle"), t("train.last")],
      rows: runs.map((run) => [
        describeScheme(run.scheme),
        run.seed,
        ...[0, Math.floor(run[measure].length / 2), run[measure].length - 1].map((place) =>
          number(run[measure][place]),
        ),
      ]),
    },
  });
}

function outcomes(runs) {
  const done = runs.filter((run) => run?.learnt !== undefined);
  if (!done.length) return null;
  return h(
    "section",
    { class: "card outcomes", "aria-labelledby": "outcomes-title" },
    h("h3", { id: "outcomes-title" }, t("train.outcomes")),
    numbers({
      caption: t("train.outcomes"),
      columns: [
        t("field.scheme"),
        t("stack.seed"),
        t("train.learnt"),
        t("train.loss"),
        t("train.accuracy"),
        t("reasons.reason"),
      ],
      rows: done.map((run) => [
        describeScheme(run.scheme),
        run.seed,
        h(
          "span",
          { class: `pill is-${run.learnt ? "normal" : "dead"}` },
          icon(run.learnt ? "yes" : "no"),
          t(run.learnt ? "train.learns" : "train.learns-not"),
        ),
        `${number(run.loss[0])} → ${number(run.loss.at(-1))}`,
        percent(run.accuracy),
        spoken(outcomeOf(run)),
      ]),
    }),
  );
}
