// Two starts side by side, on common axes, and one sentence of how they differ.
import "./words.js";
import { depthFigure, depthScale, everyButton, extent, histogramFigure, isConstant, parametersOf, WAYS } from "../charts/pictures.js";
import { mark } from "../diagnosis/verdicts.js";
import { h, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { problemBox } from "../frame/problems.js";
import { past, waiting } from "../frame/waiting.js";
import { number, t } from "../words/language.js";
import { spoken, summaryOf } from "../words/spoken.js";
import { controls, pairs } from "./controls.js";
import { SIDES } from "./sides.js";

export const ASKS = SIDES;
const NARROW = 620; // below it sides stand under each other
const SHOWN = 6; // pairs of histograms, until all are asked for

export function render(root, { shared, answers, catalogue, every }) {
  const width = root.clientWidth;
  const room = Math.max(270, (width >= NARROW ? (width - 20) / 2 : width) - 36);
  const diagnoses = SIDES.map((side) => answers[side].diagnosis ?? answers[side].before?.diagnosis).filter(Boolean);
  replace(
    root,
    h("h2", { class: "unseen" }, t("view.compare")),
    h("p", { class: "lead" }, t("compare.lead")),
    pairs(answers.stack.diagnosis?.try),
    pair((side) =>
      h(
        "div",
        { class: `card side side-${side}` },
        heading(side, shared.compare[side]),
        controls(side, shared, answers[side].problems, catalogue),
        verdict(answers[side]),
        answers[side].problems.map((problem) => problemBox(problem, shared.compare[side].spec ?? shared.spec)),
      ),
    ),
    difference(answers),
    WAYS.map((way) =>
      pair((side) => {
        const { diagnosis, before } = answers[side];
        const shown = diagnosis ?? before?.diagnosis;
        if (!shown) return h("div", { class: "card" }, waiting());
        const about = {
          key: `${side}-${way}`,
          width: room,
          title: `${side.toUpperCase()} · ${t(`depth.${way}`)}`,
          judged: Boolean(diagnosis),
        };
        const card = h("div", { class: "card" }, depthFigure(shown, way, depthScale(diagnoses, way), about));
        return diagnosis ? card : past(card);
      }),
    ),
    histograms(answers, every, width),
  );
}

const pair = (make) => h("div", { class: "pair" }, SIDES.map(make));

function heading(side, { spec }) {
  return h(
    "h3",
    { class: "side-title" },
    h("span", { class: "side-letter", "aria-hidden": "true" }, side.toUpperCase()),
    t(spec ? "compare.repaired" : `compare.${side}`),
  );
}

// How the two differ where it matters: what is left of the signal at the end, and of the gradient at the beginning.
function difference(answers) {
  const found = SIDES.map((side) => answers[side].diagnosis);
  if (!found.every(Boolean)) return null;
  const ends = found.map(({ layers }) => layers.findLast((layer) => Number.isFinite(layer.forward?.rms))?.forward.rms);
  const begins = found.map(({ layers }) => layers.find((layer) => Number.isFinite(layer.backward?.rms))?.backward.rms);
  const same = answers.a.statistics && answers.b.statistics ? sameNumbers(answers.a.statistics, answers.b.statistics) : null;
  return h(
    "p",
    { class: "card told difference", role: "status" },
    t("compare.difference", { a: number(ends[0]), b: number(ends[1]), back: number(begins[0]), other: number(begins[1]) }),
    same === null ? null : ` ${t(same ? "compare.same" : "compare.others")}`,
  );
}

function sameNumbers(one, other) {
  const digests = ({ layers }) => layers.flatMap((layer) => layer.parameters.map((parameter) => parameter.sha256)).join();
  return digests(one) === digests(other);
}

function verdict({ diagnosis, problems }) {
  if (!diagnosis) return problems.length ? null : waiting();
  return h(
    "div",
    { class: `side-verdict is-${diagnosis.verdict}` },
    mark(diagnosis.verdict, 24),
    h("div", {}, h("h4", {}, t(`verdict.${diagnosis.verdict}`)), h("p", {}, spoken(summaryOf(diagnosis)))),
  );
}

function histograms(answers, every, width) {
  const now = SIDES.every((side) => answers[side].statistics);
  const statistics = SIDES.map((side) => answers[side].statistics ?? answers[side].before?.statistics);
  if (!statistics.every(Boolean)) return null;
  const [left, right] = statistics.map(parametersOf);
  const others = new Map(right.map((parameter) => [parameter.path, parameter]));
  const both = left
    .map((parameter) => [parameter, others.get(parameter.path)])
    .filter(([one, two]) => two && !(isConstant(one) && isConstant(two)));
  const section = h(
    "section",
    { class: "card", "aria-labelledby": "compare-histograms" },
    h("h3", { id: "compare-histograms" }, t("histogram.title")),
    h("p", { class: "note" }, t("compare.histograms")),
    h(
      "div",
      { class: "twins" },
      both.slice(0, every ? both.length : SHOWN).map((twins) => {
        const extents = twins.map(extent);
        const range = [Math.min(...extents.map(([low]) => low)), Math.max(...extents.map(([, high]) => high))];
        return h(
          "div",
          { class: "twin" },
          twins.map((parameter, index) =>
            histogramFigure(parameter, {
              key: `${SIDES[index]}-${parameter.path}`,
              range,
              width: width < NARROW ? 140 : 230,
              title: `${SIDES[index].toUpperCase()} · ${parameter.path}`,
            }),
          ),
        );
      }),
    ),
    everyButton(both.length, SHOWN, every),
  );
  return now ? section : past(section);
}
