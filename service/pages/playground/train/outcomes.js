// What came of a training: a sentence, and a row for each run that is done.
import { h } from "../frame/dom.js";
import { numbers } from "../charts/charts.js";
import { icon } from "../frame/icons.js";
import { language, number, percent, t } from "../words/language.js";
import { outcomeOf, spoken } from "../words/spoken.js";
import { called, same } from "./lines.js";
import { TASKS } from "./question.js";
import { isDone } from "./training.js";

const LISTS = { en: "en-GB", es: "es" };
const HALF = 0.5; // of what guessing gives: a loss under it tells that something was learnt
const NEAR = 0.005; // of what guessing gives: a loss no farther from it stayed there

const CONSTANT = /^the loss stayed at that of a constant answer/; // as the service has it

// The loss of guessing: the same answer for every example, each class as likely; null where it is not known.
export const guessing = (task) => (task === "quadratic" ? null : Math.log(TASKS[task][1]));

// One sentence of what it showed; null before a run is done.
export function showed(runs, asked) {
  const done = runs.filter(isDone);
  if (!done.length) return null;
  const starts = [...new Set(done.map((run) => JSON.stringify(run.start)))].map((start) => JSON.parse(start));
  const guess = guessing(asked.task);
  const groups = new Map();
  for (const start of starts) {
    const clause = clauseOf(done.filter((run) => same(run.start, start)), guess);
    const key = JSON.stringify(clause);
    groups.set(key, { ...clause, starts: [...(groups.get(key)?.starts ?? []), called(start)] });
  }
  const list = new Intl.ListFormat(LISTS[language()], { type: "conjunction" });
  const clauses = [...groups.values()].map(({ said, values, starts: names }) => t(`showed.${said}`, { ...values, starts: list.format(names) }));
  return t("showed.sentence", { clauses: clauses.join("; ") });
}

function clauseOf(runs, guess) {
  const learnt = runs.filter((run) => run.learnt);
  const count = runs.length;
  if (learnt.length && learnt.length < count) return { said: "some", values: { learnt: learnt.length, count } };
  const many = count > 1 ? "all" : "one";
  if (learnt.length) {
    const steps = learnt.map((run) => learntBy(run, guess));
    const step = steps.includes(null) ? null : Math.max(...steps);
    return step === null ? { said: `learnt.${many}`, values: { count } } : { said: `learnt.by.${many}`, values: { count, step } };
  }
  return { said: `${why(runs, guess)}.${many}`, values: { count, loss: number(medianOf(runs)), guess: number(guess) } };
}

// The step from which on a run's loss was under half of what guessing gives.
export function learntBy({ steps, loss }, guess) {
  if (guess === null) return null;
  const last = loss.findLastIndex((value) => !(value < HALF * guess));
  return last + 1 < steps.length ? steps[last + 1] : null;
}

function why(runs, guess) {
  if (runs.some((run) => run.final_loss === null)) return "overflowed";
  const loss = medianOf(runs);
  if (Math.abs(loss - guess) < NEAR * guess || runs.every(({ reason }) => CONSTANT.test(reason))) return "guess";
  if (guess === null) return "short";
  return loss > guess ? "above" : "under";
}

function medianOf(runs) {
  const losses = runs.map((run) => run.final_loss).filter(Number.isFinite).sort((one, other) => one - other);
  return losses[Math.floor(losses.length / 2)] ?? null;
}

export function outcomes(runs) {
  const done = runs.filter(isDone);
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
        t("train.from-to"),
        t("train.accuracy"),
        t("reasons.reason"),
      ],
      rows: done.map((run) => [
        called(run.start),
        run.seed,
        pill(run),
        `${number(run.loss[0])} → ${number(run.final_loss)}`,
        percent(run.accuracy),
        spoken(outcomeOf(run)),
      ]),
    }),
  );
}

export const pill = ({ learnt }) =>
  h(
    "span",
    { class: `pill is-${learnt ? "normal" : "dead"}` },
    icon(learnt ? "yes" : "no"),
    t(learnt ? "train.learns" : "train.learns-not"),
  );
