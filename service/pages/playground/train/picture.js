// The pictures of a training at a step: each start's answers beside the others'.
import "./words.js";
import { legend, lineSample } from "../charts/charts.js";
import { number, t } from "../words/language.js";
import { imagesFigure } from "./images.js";
import { called } from "./lines.js";
import { lookAt } from "./looks.js";
import { planeFigure, pointSample } from "./plane.js";
import { predictionsFigure } from "./predictions.js";

const GAP = 20; // pixels between figures
// The least width of a figure beside others, by what it shows.
const LEAST = { plane: 150, images: 190, predictions: 150 };

const FIGURES = { plane: planeFigure, images: imagesFigure, predictions: predictionsFigure };

export const kindOf = ({ points, images }) => (points ? "plane" : images ? "images" : "predictions");

// The width of so many figures beside each other, in rows as full as may be.
export function widthBeside(count, width, least) {
  const most = Math.max(1, Math.min(count, Math.floor((width + GAP) / (least + GAP))));
  const columns = Math.ceil(count / Math.ceil(count / most));
  return Math.floor((width + GAP) / columns - GAP);
}

export const widthForAnswers = (count, width, examples) => widthBeside(count, width, LEAST[kindOf(examples)]);

export const columnsOf = (width) => `repeat(auto-fill, minmax(min(100%, ${width}px), 1fr))`;

// A start's answers at a step, null for the newest there are; `run` is undefined before it begins.
export function answersFigure({ run, start, examples, step, width, key }) {
  const look = run ? lookAt(run, step) : null;
  const note = look ? t("train.at-loss", { step: look.step, loss: number(lossAt(run, look.step)) }) : t("train.waits");
  return FIGURES[kindOf(examples)]({ examples, look, width, key: `answers-${key}`, title: called(start), note });
}

const lossAt = (run, step) => run.loss[run.steps.findLastIndex((one) => one <= step)];

export const legendOf = (examples) =>
  examples.points
    ? legend([
        ...["a", "b"].map((name) => ({ sample: pointSample(name), text: t(`train.class.${name}`) })),
        { sample: lineSample("divide"), text: t("train.divide") },
      ])
    : null;
