// Two starts of one stack side by side, on common axes.
import { h, replace } from "./dom.js";
import { schemeFields, textField } from "./fields.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { depthFigure, depthScale, everyButton, extent, histogramFigure, isConstant, parametersOf } from "./pictures.js";
import { problemBox } from "./problems.js";
import { freshSeed } from "./spec.js";
import { spoken, summaryOf } from "./spoken.js";
import { AUTO } from "./stack.js";
import { edit } from "./state.js";
import { mark } from "./verdicts.js";

const SIDES = ["a", "b"];
const NARROW = 620; // below it sides stand under each other
const SHOWN = 6; // pairs of histograms, until all are asked for

export function render(root, { shared, answers, catalogue, every }) {
  const width = root.clientWidth;
  const room = Math.max(270, (width >= NARROW ? (width - 20) / 2 : width) - 36);
  const diagnoses = SIDES.map((side) => answers[side].diagnosis).filter(Boolean);
  root.classList.toggle(
    "asking",
    SIDES.some((side) => answers[side].asking),
  );
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
    ["forward", "backward"].map((way) =>
      pair((side) => {
        const { diagnosis } = answers[side];
        const title = `${side.toUpperCase()} · ${t(`depth.${way}`)}`;
        return h(
          "div",
          { class: "card" },
          diagnosis
            ? depthFigure(diagnosis, way, depthScale(diagnoses, way), { key: `${side}-${way}`, width: room, title })
            : t("asking"),
        );
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

function verdict({ diagnosis }) {
  if (!diagnosis) return null;
  return h(
    "div",
    { class: `side-verdict is-${diagnosis.verdict}` },
    mark(diagnosis.verdict, 24),
    h("div", {}, h("h4", {}, t(`verdict.${diagnosis.verdict}`)), h("p", {}, spoken(summaryOf(diagnosis)))),
  );
}

function histograms(answers, every, width) {
  if (!SIDES.every((side) => answers[side].statistics)) return null;
  const [left, right] = SIDES.map((side) => parametersOf(answers[side].statistics));
  const others = new Map(right.map((parameter) => [parameter.path, parameter]));
  const both = left
    .map((parameter) => [parameter, others.get(parameter.path)])
    .filter(([one, two]) => two && !(isConstant(one) && isConstant(two)));
  return h(
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
}
