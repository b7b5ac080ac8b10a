// The training that settles a step: run in this browser where it can be, its curves drawn as they come.
import { Chart, figure, linear, lineSample, logarithmic, reach } from "../charts/charts.js";
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { problemBox } from "../frame/problems.js";
import { events as far, Problem } from "../frame/service.js";
import { state, update } from "../frame/state.js";
import * as live from "../live/live.js";
import { number, percent, t } from "../words/language.js";
import { shown } from "./shown.js";
import { questionOf } from "./steps.js";

const HIGHEST = 100; // a loss beyond it is drawn at the edge: it has left the picture
const TOGETHER = 60; // milliseconds of a training's events that are drawn together
let controller = null;

export function settle(step, { width, keep }) {
  const { id, trainings } = step;
  const trained = state.lesson.trained[id];
  const done = trained && !trained.running && !trained.problem && trained.runs.every((runs) => runs.every(({ learnt }) => learnt !== undefined));
  const both = width >= 620 && trainings.length > 1;
  const each = both ? (width - 20) / 2 : width;
  return h(
    "section",
    { class: "card lesson-settle", "aria-labelledby": `settle-${id}` },
    h(
      "div",
      { class: "lesson-settle-words" },
      h("h3", { id: `settle-${id}`, class: "lesson-label" }, t("lesson.settle")),
      h("p", {}, t(`lesson.${id}.settle`)),
      h("div", { class: "actions" }, button(step, trained)),
      h("div", { class: "lesson-shown", role: "status", "aria-live": "polite" }, done ? h("p", {}, shown(id, trained.runs)) : null),
      trained?.problem ? problemBox(trained.problem, questionOf(asked(trainings[0], trained.seed))) : null,
    ),
    h(
      "div",
      { class: both ? "lesson-both" : "lesson-one" },
      trainings.map((training, place) => {
        // Both pictures have one axis, so that each is drawn anew as the other's runs come.
        const marks = (trained?.runs ?? []).flat().map((run) => `${run.steps.length}${run.learnt ?? ""}`);
        const inputs = [each, trained?.seed, marks.join()];
        return keep(`settle-${id}-${place}`, inputs, () => curves(id, place, training, trained?.runs ?? [], each, both));
      }),
    ),
  );
}

function button(step, trained) {
  if (trained?.running)
    return h(
      "button",
      { type: "button", class: "main", "data-key": `settle-${step.id}`, onclick: () => controller?.abort() },
      icon("stop"),
      t("train.stop"),
    );
  return h(
    "button",
    { type: "button", class: "main", "data-key": `settle-${step.id}`, onclick: () => run(step, trained ? trained.seed + 1 : 1) },
    icon("play"),
    t(trained ? "lesson.another" : "lesson.settle"),
  );
}

// Restarts take the seeds after the first, so that the next time begins behind them.
const asked = (training, seed) => {
  const { starts, ...question } = training;
  return { ...question, seed: `${1 + (seed - 1) * training.restarts}` };
};

const eventsOf = (question, signal) => (live.trainable?.(question) ? live.events(question, signal) : far("train", question, signal));

export async function run(step, seed) {
  controller?.abort();
  controller = new AbortController();
  const { signal } = controller;
  const trained = { seed, runs: step.trainings.map(() => []), running: true, problem: null };
  update(({ lesson }) => (lesson.trained[step.id] = trained));
  try {
    for (const [place, training] of step.trainings.entries())
      for await (const { event, data } of eventsOf(questionOf(asked(training, seed)), signal)) take(trained.runs[place], training, event, data);
  } catch (error) {
    if (error.name !== "AbortError") update(() => (trained.problem = error instanceof Problem ? error : new Problem({ title: "offline", detail: "offline" }, "train")));
  }
  update(() => (trained.running = false));
}

// Runs come one after the other, as many of each start as there are restarts.
function take(runs, { starts, restarts }, event, data) {
  update(() => {
    const start = (place) => starts[Math.floor(place / restarts)];
    if (event === "progress") {
      runs[data.run] ??= { start: start(data.run), steps: [], loss: [] };
      runs[data.run].steps.push(data.step);
      runs[data.run].loss.push(data.loss);
    } else if (event === "run") {
      const open = runs.findIndex(({ learnt }) => learnt === undefined);
      const place = open < 0 ? runs.length : open;
      runs[place] = { ...data, start: start(place), steps: data.loss.map((_, index) => index * data.every) };
    }
  }, TOGETHER);
}

function curves(id, place, training, all, width, both) {
  const runs = all[place] ?? [];
  const { starts, steps, restarts } = training;
  const title = t(`lesson.${id}.curves.${place}`);
  const values = all.flat().flatMap(({ loss }) => loss);
  const text = (run) => `${t(`lesson.start.${run.start}`)} ${endOf(run)}`;
  const chart = new Chart({
    width,
    height: both ? 280 : Math.max(260, Math.min(380, width * 0.42)),
    zero: values.some((value) => value === 0),
    label: runs.length ? t("train.text", { title, ends: runs.map(text).join("; ") }) : t("lesson.untrained", { title }),
    x: { scale: linear(0, steps), label: t("train.step") },
    y: { scale: logarithmic(...(values.length ? reach(values.map((loss) => Math.min(loss, HIGHEST))) : [0.01, 10])), label: t("train.loss") },
  });
  for (const run of runs) chart.line(run.steps.map((step, index) => [step, run.loss[index] ?? NaN]), `size is-${run.start}`);
  const stops = (run) =>
    run.steps.flatMap((step, index) => {
      const loss = run.loss[index];
      const words = [t(`lesson.start.${run.start}`), t("lesson.read", { step, loss: number(loss) })];
      return Number.isFinite(loss) ? [{ x: chart.X(step), y: chart.Y(loss), words }] : [];
    });
  chart.reads?.(() => runs.map(stops));
  return figure({
    key: `${id}-${place}`,
    title,
    chart: chart.svg,
    entries: starts.length < 2 ? [] : starts.map((start, index) => ({ sample: lineSample(`size is-${start}`), text: entry(start, runs.slice(index * restarts, (index + 1) * restarts)) })),
    table: {
      caption: title,
      columns: [t("field.scheme"), t("stack.seed"), t("train.last"), t("train.accuracy")],
      rows: runs.map((run) => [t(`lesson.start.${run.start}`), run.seed ?? "–", number(run.final_loss ?? run.loss.at(-1)), percent(run.accuracy)]),
    },
  });
}

const entry = (start, runs) =>
  runs.length === 1 && runs[0].learnt !== undefined ? `${t(`lesson.start.${start}`)}: ${endOf(runs[0])}` : t(`lesson.start.${start}`);

// What a run came to: the share of right answers, or the loss where there are no classes.
function endOf({ learnt, accuracy, final_loss, loss }) {
  if (learnt === undefined) return number(loss.at(-1));
  if (accuracy !== null) return t("lesson.share", { share: percent(accuracy) });
  return final_loss === null ? t("lesson.overflow") : t("lesson.loss", { loss: number(final_loss) });
}
