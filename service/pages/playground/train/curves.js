// Curves of loss and gradient over the steps: all starts in one picture, or, with restarts, a picture for each start on
// one axis; `mark(step)` shows the same step in all of them.
import { Chart, figure, linear, lineSample, logarithmic, reach } from "../charts/charts.js";
import { number, t } from "../words/language.js";
import { called, lineOf, same } from "./lines.js";

export const AXES = ["logarithmic", "linear"];
const HEIGHT = 260;
const SMALL = 180; // of the pictures of one start each
const SAME = 1.5; // pixels: curves no farther apart look like one
export const MEASURES = ["loss", "gradient_norm"];
const ROOMY = 1.05; // of the greatest value, under a linear axis
const MOST = 4; // times what runs begin with, under a linear axis: what overflows would flatten all others

const always = (name, inputs, make) => make();

// The figures of a measure, and what marks a step in them. `runs` are those that have begun; with a keeper, a figure is
// drawn anew where there is something new in it.
export function curveFigures({ runs, starts, restarts, steps, measure, axis, width, keep = always }) {
  const shared = scaleOf(runs, measure, axis);
  const { low, high } = shared.scale;
  const made = (own, key, rest) => {
    const inputs = [axis, low, high, shared.zero, width, steps, ...own.flatMap((run) => [run, run.steps.length])];
    return keep(`curve-${key}`, inputs, () => curveFigure({ runs: own, measure, key, steps, shared, width, ...rest }));
  };
  const title = t(`train.${measure}`);
  const parts =
    restarts > 1
      ? starts.map((start, index) => {
          const own = runs.filter((run) => same(run.start, start));
          return made(own, `${measure}-${index}`, { title: `${title}: ${called(start)}`, caption: called(start), height: SMALL });
        })
      : [made(runs, measure, { title, caption: title, height: HEIGHT })];
  return { figures: parts.map((part) => part.figure), mark: (step) => parts.forEach((part) => part.mark(step)) };
}

function scaleOf(runs, measure, axis) {
  const values = runs.flatMap((run) => run[measure]).filter(Number.isFinite);
  if (axis === "linear") {
    const begins = runs.map((run) => run[measure][0]).filter(Number.isFinite);
    const high = Math.min(MOST * Math.max(...begins), Math.max(...values));
    return { scale: linear(0, ROOMY * (high > 0 ? high : 1)), zero: false };
  }
  return { scale: logarithmic(...reach(values)), zero: values.some((value) => value === 0) };
}

function curveFigure({ runs, measure, title, caption, key, steps, shared: { scale, zero }, width, height }) {
  const ends = runs.map((run) => `${called(run.start)} (${run.seed}) ${number(run[measure].at(-1))}`).join("; ");
  const chart = new Chart({
    width,
    height,
    zero,
    label: t("train.text", { title, ends }),
    x: { scale: linear(0, steps), label: t("train.step") },
    y: { scale },
  });
  const under = runs.map((run, index) =>
    runs.slice(index + 1).find((later) => !same(later.start, run.start) && coincide(chart, run, later, measure)),
  );
  const now = chart.add("line", { class: "now", y1: chart.top, y2: chart.bottom, visibility: "hidden" });
  runs.forEach((run, index) => chart.line(pointsOf(run, measure), `${lineOf(run.start)}${under[index] ? " beneath" : ""}`));
  chart.reads(() => runs.map((run) => stopsOf(chart, run, runs, measure)));
  const mark = (step) => {
    now.setAttribute("visibility", step === null ? "hidden" : "visible");
    for (const end of ["x1", "x2"]) now.setAttribute(end, chart.X(step ?? 0));
  };
  const entries = caption === title ? legendOf(runs, under) : [];
  return { figure: figure({ key, title: caption, chart: chart.svg, entries, table: tableOf(runs, measure, title) }), mark };
}

const pointsOf = (run, measure) => run.steps.map((step, place) => [step, run[measure][place] ?? NaN]);

function legendOf(runs, under) {
  const first = runs.filter((run, index) => runs.findIndex((other) => same(other.start, run.start)) === index);
  return first.map((run) => {
    const cover = under[runs.indexOf(run)];
    const text = called(run.start);
    return {
      sample: lineSample(`${lineOf(run.start)}${cover ? " beneath" : ""}`),
      text: cover ? t("train.beneath", { start: text, other: called(cover.start) }) : text,
    };
  });
}

const tableOf = (runs, measure, title) => ({
  caption: title,
  columns: [t("field.scheme"), t("stack.seed"), t("train.first"), t("train.middle"), t("train.last")],
  rows: runs.map((run) => [
    called(run.start),
    run.seed,
    ...[0, Math.floor(run[measure].length / 2), run[measure].length - 1].map((place) => number(run[measure][place])),
  ]),
});

// At each of a run's steps its own value first, then the others'.
function stopsOf(chart, run, runs, measure) {
  const others = runs.filter((other) => other !== run);
  const said = (one, value) => `${called(one.start)}${runs.length > 1 ? ` (${one.seed})` : ""}: ${number(value)}`;
  return run.steps.map((step, place) => ({
    x: chart.X(step),
    y: chart.Y(run[measure][place]),
    words: [
      t("train.at", { step }),
      said(run, run[measure][place]),
      ...others.slice(0, 5).flatMap((other) => {
        const there = other.steps.indexOf(step);
        return there < 0 ? [] : [said(other, other[measure][there])];
      }),
    ],
  }));
}

// Whether one curve hides the other; of a run that is on, as far as it has come.
function coincide(chart, run, later, measure) {
  const shared = Math.min(run.steps.length, later.steps.length);
  if (shared < 2) return false;
  const places = run.steps.slice(0, shared).map((_, index) => index);
  return places.every((index) => Math.abs(chart.Y(run[measure][index]) - chart.Y(later[measure][index])) < SAME);
}
