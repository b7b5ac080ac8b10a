// The training of this page: begun, stopped, gone on with, and how far it has come.
import { h, keeper } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state, update } from "../frame/state.js";
import { t, whole } from "../words/language.js";
import { asTrained, question } from "./question.js";
import { redraw } from "./redrawing.js";
import { isDone, Training } from "./training.js";

const TOGETHER = 100; // milliseconds of a training's events that are drawn together

let training = null;

// What all of the page may know of it.
function told({ asked, runs, examples, total, running, problem }) {
  return { asked, runs, examples, total, running, problems: problem ? [problem] : [] };
}

function begin() {
  training?.drop();
  const made = new Training(question(state.shared), () => training === made && tell());
  training = made;
  update((now) => Object.assign(now.training, told(made), { step: null, restart: 0 }));
  training.goOn();
}

// Steps are drawn here alone; that a run begins or ends, the rest of the page is told of, too.
let known = "";
function tell() {
  const { runs, running } = training;
  const now = `${runs.length} ${runs.filter(isDone).length} ${running}`;
  Object.assign(state.training, told(training));
  if (now === known) redraw(TOGETHER);
  else update(() => (known = now), TOGETHER);
}

export const isPast = ({ asked }, shared) => JSON.stringify(asked) !== JSON.stringify(question(shared));

// A training that stands still can go on as long as it is asked for as it was.
const standsStill = (now, shared) => Boolean(training && !training.running && !training.finished && now.runs.length && !isPast(now, shared));

export function actions({ shared, training: now }) {
  if (now.running) return [button("train", "stop", "train.stop", () => training.stop()), progress(now)];
  const none = !asTrained(shared.spec, shared.train);
  if (!standsStill(now, shared)) return [button("train", "play", "train.start", begin, none)];
  return [
    button("train", "play", "train.go-on", () => training.goOn()),
    h("button", { type: "button", class: "quiet", "data-key": "train-anew", onclick: begin }, icon("back"), t("train.anew")),
    h("p", { class: "note" }, standing(now)),
  ];
}

// A button stays the same one while numbers change beside it: what is pressed on it is what is let go.
const keep = keeper();
const button = (key, symbol, words, onclick, disabled = false) =>
  keep(words, [disabled], () => h("button", { type: "button", class: "main", "data-key": key, disabled, onclick }, icon(symbol), t(words)));

const placeOf = ({ runs, total, asked }) => ({
  run: Math.max(1, runs.findIndex((run) => !isDone(run)) + 1 || runs.length),
  total,
  step: (runs.findLast((run) => !isDone(run))?.steps.at(-1) ?? 0) + 1,
  steps: asked.steps,
});

const standing = (now) => t(training.near ? "train.stands.near" : "train.stands.far", placeOf(now));

// The elements stay, so that nothing is laid out anew but numbers.
const made = {};
function progress(now) {
  made.bar ??= h("progress", {});
  for (const name of ["run", "left", "where"]) made[name] ??= h("span", { class: name });
  made.whole ??= h("span", { class: "progress" }, made.bar, made.run, made.left, made.where);
  made.bar.setAttribute("aria-label", t("train.progress"));
  made.bar.max = now.total * now.asked.steps;
  made.bar.value = training.done;
  const { left } = training;
  made.run.textContent = t("train.run", placeOf(now));
  made.left.textContent = left === null ? "" : t("train.left", { seconds: whole(Math.max(1, Math.round(left))) });
  made.where.textContent = t(training.near ? "train.near" : "train.far");
  return made.whole;
}
