// Training: the stack's dense layers, or the network as it is, on a small task from several starts; how it goes on.
import "./words.js";
import { legend } from "../charts/charts.js";
import { h, keeper, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { problemBox } from "../frame/problems.js";
import { edit, state } from "../frame/state.js";
import { past } from "../frame/waiting.js";
import { exact, number, t } from "../words/language.js";
import { AXES, curveFigures, MEASURES } from "./curves.js";
import { called, lineOf } from "./lines.js";
import { lookAt } from "./looks.js";
import { guessing, outcomes, showed } from "./outcomes.js";
import { answersFigure, columnsOf, kindOf, legendOf, widthBeside, widthForAnswers } from "./picture.js";
import { question } from "./question.js";
import { drawnBy } from "./redrawing.js";
import { actions, isPast } from "./running.js";
import { scrubber } from "./scrubber.js";
import { settings } from "./settings.js";
import { isDone } from "./training.js";
import { heightOf, weightsFigure, weightSample } from "./weights.js";

const PAIR = 704; // pixels from which two curves stand beside each other
const [GAP, PADDING] = [20, 36]; // pixels between cards, and of a card's own
const SMALL = 195; // pixels of a chart of one start, at least

const keep = keeper();

export function render(root, current) {
  const { shared, training } = current;
  drawnBy(() => render(root, state));
  replace(
    root,
    keep("head", [], () => h("h2", { class: "unseen" }, t("view.train"))),
    keep("lead", [], () => h("p", { class: "lead" }, t("train.lead"))),
    settingsCard(current),
    training.problems.map((problem) => problemBox(problem, question(shared))),
    found(training, shared, root.clientWidth),
  );
}

// Fields stay as they are while a training runs beside them.
function settingsCard(current) {
  const { shared, training } = current;
  const row = keep("actions", [], () => h("div", { class: "actions" }));
  replace(row, actions(current));
  return keep("settings", [JSON.stringify([shared.spec, shared.train]), training.problems.length, training.problems[0]], () =>
    h("section", { class: "card", "aria-label": t("train.settings") }, settings(shared, training.problems), row),
  );
}

// Pictures are those of the settings and the network that they were asked for with; under others they are past.
function found(training, shared, width) {
  if (!training.asked || (!training.runs.length && !training.running)) return null;
  const pictures = [
    told(training),
    training.examples && answers(training, width),
    axisSwitch(shared.train.axis),
    curves(training, shared.train.axis, width),
    training.runs.some((run) => run.looks.length) && weights(training, width),
    keep("outcomes", training.runs.filter(isDone), () => outcomes(training.runs)),
  ];
  const column = kept("found", "div", { class: "column" }, pictures.filter(Boolean));
  if (!isPast(training, shared)) return column;
  const { asked } = training;
  const words = { task: t(`task.${asked.task}`), rate: exact(asked.learning_rate), steps: asked.steps };
  return [
    h("p", { class: "card outdated", role: "status" }, icon("wrong"), h("span", {}, t("train.outdated", words))),
    past(column),
  ];
}

// An element that stays, with what is in it now: only what is new of that is put in.
function kept(name, tag, properties, children) {
  const element = keep(`kept-${name}`, [properties.style], () => h(tag, properties));
  replace(element, children);
  return element;
}

const grid = (name, each, figures) =>
  kept(name, "div", { class: "beside", style: `grid-template-columns: ${columnsOf(each)}` }, figures);

const card = (name, title, children) =>
  kept(name, "section", { class: `card ${name}`, "aria-labelledby": `${name}-title` }, [
    keep(`${name}-title`, [title], () => h("h3", { id: `${name}-title` }, title)),
    ...children,
  ]);

function told({ runs, asked, running }) {
  const text = running ? null : showed(runs, asked);
  const guess = guessing(asked.task);
  return keep("told", [text, running], () =>
    h(
      "div",
      { class: "card showed", role: "status" },
      h("p", { class: "sentence" }, text ?? t(running ? "train.showing" : "train.nothing")),
      text && guess && h("p", { class: "note" }, t("showed.by", { guess: number(guess) })),
    ),
  );
}

const startsOf = ({ schemes }) => schemes ?? [null];
const runOf = ({ runs, asked, restart }, place) => runs[place * asked.restarts + restart];

function answers(training, width) {
  const { asked, examples, step } = training;
  const starts = startsOf(asked);
  const each = widthForAnswers(starts.length, width - PADDING, examples);
  const figures = starts.map((start, place) => {
    const run = runOf(training, place);
    const look = run ? lookAt(run, step) : null;
    return keep(`answers-${place}`, [run, look, examples, each, called(start)], () =>
      answersFigure({ run, start, examples, step, width: each, key: place }),
    );
  });
  return card("answers", t(`train.answers.${kindOf(examples)}`), [
    kept("scrubber", "div", { class: "scrubber" }, scrubber(training, asked.restarts)),
    keep("answers-legend", [examples], () => legendOf(examples)),
    grid("answers-grid", each, figures),
  ]);
}

function curves(training, axis, width) {
  const { asked, runs, step } = training;
  const starts = startsOf(asked);
  const many = asked.restarts > 1;
  const side = width >= PAIR ? 2 : 1;
  const room = many ? width - PADDING : (width - GAP * (side - 1)) / side - PADDING;
  const each = many ? widthBeside(starts.length, room, SMALL) : Math.max(280, room);
  const begun = runs.filter((run) => run.steps.length);
  const cards = MEASURES.map((measure) => {
    const made = curveFigures({ runs: begun, starts, restarts: asked.restarts, steps: asked.steps, measure, axis, width: each, keep });
    made.mark(step);
    return many
      ? card(`${measure}-restarts`, t(`train.${measure}`), [grid(`${measure}-grid`, each, made.figures)])
      : kept(`${measure}-card`, "div", { class: "card" }, made.figures);
  });
  if (many) return kept("restarts", "div", { class: "column" }, cards);
  return kept("pair", "div", { class: "pair", style: `grid-template-columns: repeat(${side}, minmax(0, 1fr))` }, cards);
}

const axisSwitch = (axis) =>
  keep("axis", [axis], () =>
    h(
      "div",
      { class: "actions", role: "group", "aria-label": t("train.axis") },
      AXES.map((name) =>
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "data-key": `axis-${name}`,
            "aria-pressed": `${name === axis}`,
            onclick: () => edit("axis", ({ train }) => (train.axis = name)),
          },
          t(`train.axis.${name}`),
        ),
      ),
    ),
  );

function weights(training, width) {
  const starts = startsOf(training.asked);
  const each = widthBeside(starts.length, width - PADDING, SMALL);
  const height = heightOf(training.runs.find((run) => run.looks.length).looks[0]);
  const figures = starts.map((start, place) => {
    const run = runOf(training, place);
    const look = run ? lookAt(run, training.step) : null;
    return keep(`weights-${place}`, [run, look, each, called(start)], () => weightsOf(run, look, start, each, place, height));
  });
  const note = keep("weights-note", [], () => h("p", { class: "note" }, t("train.weights.note")));
  const samples = keep("weights-legend", [JSON.stringify(starts[0])], () =>
    legend([
      { sample: weightSample(`ridge ${lineOf(starts[0])}`), text: t("train.weights.now") },
      { sample: weightSample("ridge at-start"), text: t("train.weights.start") },
    ]),
  );
  return card("weights", t("train.weights"), [note, samples, grid("weights-grid", each, figures)]);
}

// A start that is not trained yet has the room that its picture will take.
function weightsOf(run, look, start, width, place, height) {
  const title = called(start);
  const waits = () => h("p", { class: "note", style: `min-height: ${height}px` }, t("train.waits"));
  if (!look) return h("figure", { class: "figure" }, h("figcaption", {}, title), waits());
  return weightsFigure({ run, look, width, key: `weights-${place}`, title, note: t("train.at", { step: look.step }) });
}
