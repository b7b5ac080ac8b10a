// A regression's predictions against what they should be: on the diagonal all of them are right.
import { Chart, figure, linear } from "../charts/charts.js";
import { number, t } from "../words/language.js";

const FRAME = { left: 34, right: 8, top: 6, bottom: 40 };
const DOT = 0; // length of a point's line: its caps are what is seen

// `look` is null before a network has been seen.
export function predictionsFigure({ examples, look, width, key, title, note }) {
  const { targets } = examples;
  const reach = Math.ceil(Math.max(...targets.map(Math.abs)) * 1.1);
  const scale = linear(-reach, reach);
  const error = look && meanSquare(targets.map((target, index) => look.answers[index] - target));
  const chart = new Chart({
    width,
    height: width - FRAME.left - FRAME.right + FRAME.top + FRAME.bottom,
    margin: FRAME,
    x: { scale, label: t("train.target") },
    y: { scale },
    label: t("train.predictions.text", { title, error: number(error) }),
  });
  chart.line(
    [
      [-reach, -reach],
      [reach, reach],
    ],
    "theory",
  );
  if (look) {
    const dots = targets.map((target, index) => [chart.X(target), chart.Y(look.answers[index] ?? NaN)]);
    const path = dots.filter(([, y]) => Number.isFinite(y)).map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h${DOT}`);
    for (const part of ["rim", "heart"]) chart.add("path", { class: `points class-a ${part}`, d: path.join("") || "M0 0" });
    chart.reads(() => [stopsOf(dots, targets, look.answers)]);
  }
  return figure({ key, title, chart: chart.svg, note, table: tableOf(title, targets, look) });
}

const meanSquare = (values) => values.reduce((sum, value) => sum + value * value, 0) / values.length;

const stopsOf = (dots, targets, answers) =>
  dots
    .map(([x, y], index) => ({
      x,
      y,
      words: [t("train.target-is", { target: number(targets[index]) }), t("train.predicted-is", { answer: number(answers[index]) })],
    }))
    .filter(({ y }) => Number.isFinite(y))
    .sort((one, other) => one.x - other.x);

const tableOf = (title, targets, look) => ({
  caption: title,
  columns: [t("train.target"), t("train.prediction")],
  rows: targets.slice(0, 20).map((target, index) => [number(target), number(look?.answers[index])]),
});
