// Two starts of one stack side by side, on common axes.
import "./words.js";
import { h, replace } from "../frame/dom.js";
import { AUTO, schemeFields, textField } from "../network/fields.js";
import { t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { depthFigure, depthScale, everyButton, extent, histogramFigure, isConstant, parametersOf, WAYS } from "../charts/pictures.js";
import { problemBox } from "../frame/problems.js";
import { freshSeed } from "../network/spec.js";
import { spoken, summaryOf } from "../words/spoken.js";
import { edit } from "../frame/state.js";
import { mark } from "../diagnosis/verdicts.js";
import { past, waiting } from "../frame/waiting.js";

const SIDES = ["a", "b"];
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
    pair((side) =>
      h(
        "div",
        { class: `card side side-${side}` },
        controls(side, shared, answers[side], catalogue),
        verdict(answers[side]),
        answers[side].problems.map((problem) => problemBox(problem, shared.spec)),
      ),
    ),
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

function controls(side, shared, answer, { schemes }) {
  const { scheme, seed } = shared.compare[side];
  const set = (member) => (value) =>
    edit(`${side} ${member}`, ({ compare }) => (compare[side] = { ...compare[side], [member]: value }));
  return [
    h(
      "h3",
      { class: "side-title" },
      h("span", { class: "side-letter", "aria-hidden": "true" }, side.toUpperCase()),
      t(`compare.${side}`),
    ),
    h(
      "div",
      { class: "fields" },
      schemeFields({
        key: `compare/${side}/scheme`,
        label: t("field.scheme"),
        value: scheme,
        schemes,
        problems: answer.problems,
        extra: [{ name: "stack", value: null, text: t("compare.stack") }, AUTO()],
        set: set("scheme"),
      }),
      h(
        "div",
        { class: "with-button" },
        textField({
          key: `compare/${side}/seed`,
          label: t("stack.seed"),
          value: seed ?? shared.spec.seed ?? "",
          problems: [],
          numeric: false,
          set: (value) => set("seed")(value.trim() || null),
        }),
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "data-key": `compare/${side}/new-seed`,
            onclick: () => set("seed")(freshSeed()),
          },
          icon("dice"),
          t("stack.new-seed"),
        ),
      ),
    ),
  ];
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
