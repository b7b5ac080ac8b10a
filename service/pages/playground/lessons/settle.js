// The training that settles a step: in this browser where it can be, its curves drawn as they come.
import "../train/words.js";
import { Chart, figure, linear, lineSample, logarithmic, reach } from "../charts/charts.js";
import { h, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { problemBox } from "../frame/problems.js";
import { state, update } from "../frame/state.js";
import { planeFigure } from "../train/plane.js";
import { isDone, Training } from "../train/training.js";
import { number, percent, t } from "../words/language.js";
import { shown } from "./shown.js";
import { questionOf } from "./steps.js";

const TOGETHER = 60; // milliseconds of a training's events that are drawn together
const HIGHEST = 100; // a loss beyond it is drawn at the edge: it has left the picture
const PLANE = 300; // pixels, at most

export function settle(step, { width, keep }) {
  const { id, trainings } = step;
  const trained = state.lesson.trained[id];
  const runs = trainings.map(({ starts, restarts }, place) => runsOf(trained?.trainings[place], starts, restarts));
  const done = trained?.trainings.every((training) => training.finished) ?? false;
  const both = width >= 620 && trainings.length > 1;
  const each = both ? (width - 20) / 2 : width;
  // All pictures have one axis, so that each is drawn anew as the others' runs come.
  const seen = [trained?.seed, runs.flat().map((run) => `${run.steps.length}${run.learnt ?? ""}`).join()];
  const found = keep(`settle-${id}`, [], () => h("section", { class: "card lesson-settle", "aria-labelledby": `settle-${id}` }));
  const words = keep(`settle-words-${id}`, [], () => h("div", { class: "lesson-settle-words" }));
  const status = keep(`settle-shown-${id}`, [], () => h("div", { class: "lesson-shown", role: "status", "aria-live": "polite" }));
  replace(status, done && keep(`settle-sentence-${id}`, seen, () => h("p", {}, shown(id, runs))));
  replace(
    words,
    keep(`settle-claim-${id}`, [], () => [
      h("h3", { id: `settle-${id}`, class: "lesson-label" }, t("lesson.settle")),
      h("p", {}, t(`lesson.${id}.settle`)),
    ]),
    keep(`settle-button-${id}`, [trained, trained?.busy], () => h("div", { class: "actions" }, button(step, trained))),
    status,
    keep(`settle-problem-${id}`, [trained, trained?.busy], () => problemOf(step, trained)),
  );
  replace(
    found,
    words,
    keep(`settle-pictures-${id}`, [each, done, ...seen], () =>
      h(
        "div",
        { class: both ? "lesson-both" : "lesson-one" },
        trainings.map((training, place) => curves(id, place, training, runs, each)),
        done && trainings.map((_, place) => planes(id, place, trained.trainings[place], runs[place], each)),
      ),
    ),
  );
  return found;
}

function problemOf({ trainings }, trained) {
  const problem = trained?.trainings.map((training) => training.problem).find(Boolean);
  return problem ? problemBox(problem, asked(trainings[0], trained.seed)) : null;
}

// Runs by the names that the step gives to what they start from.
const runsOf = (training, starts, restarts) =>
  (training?.runs ?? []).map((run, number) => ({ ...run, start: starts[Math.floor(number / restarts)] }));

function button(step, trained) {
  const running = trained?.busy ?? false;
  const act = () => (running ? stop(trained) : run(step, trained ? trained.seed + 1 : 1));
  return h(
    "button",
    { type: "button", class: "main", "data-key": `settle-${step.id}`, onclick: act },
    icon(running ? "stop" : "play"),
    t(running ? "train.stop" : trained ? "lesson.another" : "lesson.settle"),
  );
}

// Restarts take the seeds after the first, so that the next time begins behind them.
const asked = (training, seed) => questionOf({ ...training, seed: `${1 + (seed - 1) * training.restarts}` });

async function run({ id, trainings }, seed) {
  const changed = () => update(() => {}, TOGETHER);
  const trained = { seed, busy: true, trainings: trainings.map((training) => new Training(asked(training, seed), changed)) };
  update(({ lesson }) => (lesson.trained[id] = trained));
  for (const training of trained.trainings) {
    if (trained.busy) await training.goOn();
    if (!training.finished) break; // stopped, or refused
  }
  update(() => (trained.busy = false));
}

function stop(trained) {
  update(() => (trained.busy = false));
  trained.trainings.forEach((training) => training.drop());
}

function curves(id, place, { starts, steps, restarts }, all, width) {
  const runs = all[place];
  const title = t(`lesson.${id}.curves.${place}`);
  const values = all.flat().flatMap(({ loss }) => loss.map((one) => Math.min(one, HIGHEST)));
  const text = (run) => `${t(`lesson.start.${run.start}`)} ${endOf(run)}`;
  const chart = new Chart({
    width,
    height: Math.max(270, Math.min(380, width * 0.42)),
    zero: values.some((value) => value === 0),
    label: runs.length ? t("train.text", { title, ends: runs.map(text).join("; ") }) : t("lesson.untrained", { title }),
    x: { scale: linear(0, steps), label: t("train.step") },
    y: { scale: logarithmic(...(values.length ? reach(values) : [0.1, 10])), label: t("train.loss") },
  });
  for (const run of runs) chart.line(run.steps.map((step, index) => [step, run.loss[index] ?? NaN]), `size is-${run.start}`);
  chart.reads(() => runs.map((run) => stopsOf(chart, run)));
  return figure({
    key: `${id}-${place}`,
    title,
    chart: chart.svg,
    entries: starts.length < 2 ? [] : starts.map((start, index) => entry(start, runs.slice(index * restarts, (index + 1) * restarts))),
    table: {
      caption: title,
      columns: [t("field.scheme"), t("stack.seed"), t("train.last"), t("train.accuracy")],
      rows: runs.map((run) => [t(`lesson.start.${run.start}`), run.seed ?? "–", number(run.final_loss ?? run.loss.at(-1)), percent(run.accuracy)]),
    },
  });
}

const stopsOf = (chart, { start, steps, loss }) =>
  steps.flatMap((step, index) => {
    const words = [t(`lesson.start.${start}`), t("lesson.read", { step, loss: number(loss[index]) })];
    return Number.isFinite(loss[index]) ? [{ x: chart.X(step), y: chart.Y(loss[index]), words }] : [];
  });

const entry = (start, [run]) => ({
  sample: lineSample(`size is-${start}`),
  text: run && isDone(run) ? `${t(`lesson.start.${start}`)}: ${endOf(run)}` : t(`lesson.start.${start}`),
});

// What a run came to: the share of right answers, or the loss where there are no classes.
function endOf(run) {
  const { accuracy, final_loss, loss } = run;
  if (!isDone(run)) return number(loss.at(-1));
  if (accuracy !== null) return t("lesson.share", { share: percent(accuracy) });
  return final_loss === null ? t("lesson.overflow") : t("lesson.loss", { loss: number(final_loss) });
}

// Of restarts on a plane: what the best and the worst of them make of it.
function planes(id, place, { examples }, runs, width) {
  if (!examples?.points) return null;
  const order = [...runs].sort((one, other) => one.final_loss - other.final_loss);
  const each = Math.min(PLANE, (width - 16) / 2);
  const plane = (name, { looks, final_loss }) =>
    planeFigure({
      examples,
      look: looks.at(-1),
      width: each,
      key: `plane-${id}-${place}-${name}`,
      title: t(`lesson.plane.${name}`),
      note: t("lesson.loss", { loss: number(final_loss) }),
    });
  return h("div", { class: "lesson-planes" }, plane("best", order[0]), plane("worst", order.at(-1)));
}
