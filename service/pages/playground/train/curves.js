// What came of a training: curves that are drawn while they come, and which starts learnt.
import { Chart, figure, linear, lineSample, logarithmic, numbers, reach } from "../charts/charts.js";
import { h } from "../frame/dom.js";
import { number, percent, t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { describeScheme } from "../network/spec.js";
import { outcomeOf, spoken } from "../words/spoken.js";

// A start's place here is its colour and its dashes, whatever else is trained beside it.
export const STARTS = [
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
const SAME = 1.5; // pixels: curves no farther apart look like one

const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);
const called = (start) => (start === null ? t("compare.stack") : describeScheme(start));

function lineOf(start) {
  const place = STARTS.findIndex((one) => same(one, start));
  return place < 0 ? "run run-own" : `run run-${place}`;
}

export function curves({ runs, asked }, width) {
  const room = Math.max(280, (width >= WIDE ? (width - 20) / 2 : width) - 36);
  return h(
    "div",
    { class: "pair" },
    ["loss", "gradient_norm"].map((measure) =>
      h("div", { class: "card" }, curveFigure(runs, measure, room, asked.steps)),
    ),
  );
}

function curveFigure(runs, measure, width, steps) {
  const values = runs.flatMap((run) => run[measure]);
  const title = t(`train.${measure}`);
  const ends = runs.map((run) => `${called(run.start)} (${run.seed}) ${number(run[measure].at(-1))}`).join("; ");
  const chart = new Chart({
    width,
    height: 260,
    zero: values.some((value) => value === 0),
    label: t("train.text", { title, ends }),
    x: { scale: linear(0, steps), label: t("train.step") },
    y: { scale: logarithmic(...reach(values)) },
  });
  const under = runs.map((run, index) =>
    runs.slice(index + 1).find((later) => !same(later.start, run.start) && coincide(chart, run, later, measure)),
  );
  runs.forEach((run, index) =>
    chart.line(
      run.steps.map((step, place) => [step, run[measure][place] ?? NaN]),
      `${lineOf(run.start)}${under[index] ? " beneath" : ""}`,
    ),
  );
  const first = runs.filter((run, index) => runs.findIndex((other) => same(other.start, run.start)) === index);
  return figure({
    key: measure,
    title,
    chart: chart.svg,
    entries: first.map((run) => {
      const cover = under[runs.indexOf(run)];
      const text = called(run.start);
      return {
        sample: lineSample(`${lineOf(run.start)}${cover ? " beneath" : ""}`),
        text: cover ? t("train.beneath", { start: text, other: called(cover.start) }) : text,
      };
    }),
    table: {
      caption: title,
      columns: [t("field.scheme"), t("stack.seed"), t("train.first"), t("train.middle"), t("train.last")],
      rows: runs.map((run) => [
        called(run.start),
        run.seed,
        ...[0, Math.floor(run[measure].length / 2), run[measure].length - 1].map((place) =>
          number(run[measure][place]),
        ),
      ]),
    },
  });
}

// Whether one curve hides the other; of a run that is on, as far as it has come.
function coincide(chart, run, later, measure) {
  const shared = Math.min(run.steps.length, later.steps.length);
  if (shared < 2) return false;
  const places = run.steps.slice(0, shared).map((_, index) => index);
  return places.every((index) => Math.abs(chart.Y(run[measure][index]) - chart.Y(later[measure][index])) < SAME);
}

export function outcomes({ runs }) {
  const done = runs.filter((run) => run.learnt !== undefined);
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
        h(
          "span",
          { class: `pill is-${run.learnt ? "normal" : "dead"}` },
          icon(run.learnt ? "yes" : "no"),
          t(run.learnt ? "train.learns" : "train.learns-not"),
        ),
        `${number(run.loss[0])} → ${number(run.final_loss)}`,
        percent(run.accuracy),
        spoken(outcomeOf(run)),
      ]),
    }),
  );
}
