// The training of this page: begun, stopped, gone on with, and how far it has come.
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state, update } from "../frame/state.js";
import { t, whole } from "../words/language.js";
import { asTrained, question } from "./question.js";
import { isDone, Training } from "./training.js";

const TOGETHER = 100; // milliseconds of a training's events that are drawn together

let training = null;

// What all of the page may know of it.
function told({ asked, runs, examples, total, running, problem }) {
  return { asked, runs, examples, total, running, problems: problem ? [problem] : [] };
}

function begin() {
  training?.drop();
  const made = new Training(question(state.shared), () => {
    if (training === made) update((now) => Object.assign(now.training, told(made)), TOGETHER);
  });
  training = made;
  update((now) => Object.assign(now.training, told(made), { step: null, restart: 0 }));
  training.goOn();
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

const button = (key, symbol, words, onclick, disabled = false) =>
  h("button", { type: "button", class: "main", "data-key": key, disabled, onclick }, icon(symbol), t(words));

const placeOf = ({ runs, total, asked }) => ({
  run: Math.max(1, runs.findIndex((run) => !isDone(run)) + 1 || runs.length),
  total,
  step: (runs.findLast((run) => !isDone(run))?.steps.at(-1) ?? 0) + 1,
  steps: asked.steps,
});

const standing = (now) => t(training.near ? "train.stands.near" : "train.stands.far", placeOf(now));

function progress(now) {
  const place = placeOf(now);
  const left = training.left;
  return h(
    "span",
    { class: "progress" },
    h("progress", { max: now.total * now.asked.steps, value: training.done, "aria-label": t("train.progress") }),
    h("span", {}, t("train.run", place)),
    h("span", { class: "left" }, left === null ? "" : t("train.left", { seconds: whole(Math.max(1, Math.round(left))) })),
    h("span", { class: "where" }, t(training.near ? "train.near" : "train.far")),
  );
}
