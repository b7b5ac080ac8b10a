// A question to be answered before anything is shown, and what to say to each answer.
import { h, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state } from "../frame/state.js";
import { t } from "../words/language.js";
import { formula } from "./formula.js";
import { predict } from "./steps.js";

export const isPredicted = ({ id }) => state.lesson.predicted[id] !== undefined;

export function prediction(step, keep) {
  const { id, options, right } = step;
  const chosen = state.lesson.predicted[id];
  const told = keep(`answer-${id}`, [], () => h("div", { class: "lesson-answer", role: "status", "aria-live": "polite" }));
  replace(told, chosen === undefined ? null : answer(id, chosen, right));
  return h(
    "section",
    { class: "card lesson-prediction", "aria-labelledby": `question-${id}` },
    h("h3", { class: "lesson-label" }, t("lesson.predict")),
    h("p", { class: "lesson-question", id: `question-${id}` }, formula(t(`lesson.${id}.question`))),
    h(
      "div",
      { class: "lesson-options", role: "group", "aria-labelledby": `question-${id}` },
      Array.from({ length: options }, (_, option) => optionButton(step, option, chosen)),
    ),
    told,
  );
}

function optionButton({ id, right }, option, chosen) {
  const told = chosen !== undefined && (option === right ? "is-right" : option === chosen ? "is-wrong" : "");
  return h(
    "button",
    {
      type: "button",
      class: `lesson-option ${told || ""}`,
      "data-key": `option-${id}-${option}`,
      "aria-pressed": `${option === chosen}`,
      onclick: () => predict(id, option),
    },
    h("span", { class: "lesson-letter", "aria-hidden": "true" }, told === "is-right" ? icon("yes") : told === "is-wrong" ? icon("no") : "ABC"[option]),
    h("span", {}, formula(t(`lesson.${id}.option.${option}`))),
  );
}

function answer(id, chosen, right) {
  return [
    h("p", {}, h("strong", {}, t(chosen === right ? "lesson.right" : "lesson.wrong")), " ", formula(t(`lesson.${id}.why.${chosen}`))),
    h("button", { type: "button", class: "quiet", "data-key": `again-${id}`, onclick: () => predict(id, null) }, icon("back"), t("lesson.again")),
  ];
}

// On paper the question stands with its options, and its answer on the last page.
export function printed({ id, options }) {
  return h(
    "section",
    { class: "card lesson-prediction", "aria-labelledby": `question-${id}` },
    h("h3", { class: "lesson-label" }, t("lesson.predict")),
    h("p", { class: "lesson-question", id: `question-${id}` }, formula(t(`lesson.${id}.question`))),
    h("ol", { class: "lesson-printed" }, Array.from({ length: options }, (_, option) => h("li", {}, formula(t(`lesson.${id}.option.${option}`))))),
  );
}

export function answers(steps) {
  return h(
    "section",
    { class: "card lesson-answers", "aria-labelledby": "answers-title" },
    h("h3", { id: "answers-title", class: "lesson-label" }, t("lesson.answers")),
    h(
      "ol",
      { class: "lesson-lines" },
      steps.map(({ id, right }) => h("li", {}, h("strong", {}, "ABC"[right]), ". ", formula(t(`lesson.${id}.why.${right}`)))),
    ),
  );
}
