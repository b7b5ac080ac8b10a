// Two longer looks at a network, asked for by hand: across sizes, and in the first steps of a training.
import { withBatch } from "../frame/answers.js";
import { h, keeper } from "../frame/dom.js";
import { acrossFigures, stepsFigures } from "./growth.js";
import { draftField, parse, selectField, textField } from "../network/fields.js";
import { t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { problemBox } from "../frame/problems.js";
import { ask, Problem } from "../frame/service.js";
import { spoken, studyText } from "../words/spoken.js";
import { edit, state, update } from "../frame/state.js";
import { past, waiting } from "../frame/waiting.js";

const controllers = new Map();
const keep = keeper();

// What is asked beside the spec. What is not a list of numbers is passed on: the service says what it takes.
const QUESTIONS = {
  across: ({ by, sizes, optimizer }) => ({ across: { [by]: sizes.split(/[\s,;]+/).filter(Boolean).map(numberOr) }, optimizer }),
  steps: ({ steps, optimizer, learning_rate }) => ({ steps, optimizer, ...(learning_rate !== null && { learning_rate }) }),
};
const numberOr = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

const question = (name, shared) => ({ ...withBatch(shared.spec, shared.batch), ...QUESTIONS[name](shared[name]) });

export function studies({ shared, studies: found }, width) {
  return Object.keys(QUESTIONS).map((name) =>
    h(
      "section",
      { class: "card study", "aria-labelledby": `${name}-title` },
      h(
        "details",
        { "data-key": `study-fold-${name}` },
        h("summary", { "data-key": `study-summary-${name}` }, h("h3", { id: `${name}-title` }, t(`${name}.title`)), h("span", { class: "note" }, t(`${name}.asks`))),
        h("p", { class: "note" }, t(`${name}.note`)),
        h("div", { class: "fields" }, FIELDS[name](shared[name], found[name].problem ? [found[name].problem] : [])),
        h("div", { class: "actions" }, found[name].running ? stopButton(name) : startButton(name)),
        found[name].problem ? problemBox(found[name].problem, shared.spec) : null,
        found[name].running ? waiting() : result(name, found[name], question(name, shared), width),
      ),
    ),
  );
}

const set = (name, member) => (value) => edit(`${name} ${member}`, (shared) => (shared[name] = { ...shared[name], [member]: value }));

const byField = (by) =>
  selectField({
    key: "/across/by",
    label: t("across.by"),
    value: by,
    options: ["width", "depth"].map((each) => [each, t(`across.by.${each}`)]),
    set: set("across", "by"),
  });

const optimizerField = (name, optimizer, problems) =>
  selectField({
    key: `${name}/optimizer`,
    label: t("steps.optimizer"),
    value: optimizer,
    options: ["sgd", "adam"].map((each) => [each, t(`steps.optimizer.${each}`)]),
    problems,
    set: set(name, "optimizer"),
  });

const FIELDS = {
  across: ({ by, sizes, optimizer }, problems) => [
    byField(by),
    textField({
      key: `/across/${by}`,
      label: t("across.sizes"),
      value: sizes,
      problems: moved(problems, "/across", `/across/${by}`),
      numeric: false,
      set: set("across", "sizes"),
    }),
    optimizerField("across", optimizer, problems),
  ],
  steps: ({ steps, optimizer, learning_rate }, problems) => [
    textField({ key: "/steps", label: t("train.steps"), value: steps, problems, set: set("steps", "steps") }),
    optimizerField("steps", optimizer, problems),
    draftField({
      key: "/learning_rate",
      label: t("train.rate"),
      value: learning_rate,
      placeholder: t("steps.usual"),
      show: (value) => `${value ?? ""}`,
      read: (text) => (text.trim() ? parse(text) : null),
      problems,
      set: set("steps", "learning_rate"),
    }),
  ],
};

// What is said of the whole stands at the one field that there is for it.
const moved = (problems, from, to) =>
  problems.map((problem) => ({
    ...problem,
    errors: problem.errors.map((error) => (error.pointer === from ? { ...error, pointer: to } : error)),
  }));

const startButton = (name) =>
  h("button", { type: "button", class: "main", "data-key": `study-${name}`, onclick: () => run(name) }, icon("play"), t(`${name}.start`));

const stopButton = (name) =>
  h(
    "button",
    { type: "button", class: "main", "data-key": `study-${name}`, onclick: () => controllers.get(name).abort() },
    icon("stop"),
    t("train.stop"),
  );

// Curves are those of the network and the settings that they were asked for with; of others they are past.
function result(name, { asked, found }, now, width) {
  if (!found) return null;
  const draw = { across: acrossFigures, steps: stepsFigures }[name];
  const told = h("p", { class: "study-told" }, h("strong", {}, t(`${name}.verdict.${found.verdict}`)), " ", spoken(studyText(found)));
  const pictures = h("div", { class: "study-figures" }, told, keep(name, [found, width], () => draw(found, width)));
  if (JSON.stringify(asked) === JSON.stringify(now)) return pictures;
  return [h("p", { class: "outdated", role: "status" }, icon("wrong"), h("span", {}, t("study.outdated"))), past(pictures)];
}

async function run(name) {
  controllers.get(name)?.abort();
  const controller = new AbortController();
  controllers.set(name, controller);
  const asked = structuredClone(question(name, state.shared));
  const settle = (about) => update(({ studies: all }) => (all[name] = { asked, found: null, problem: null, running: false, ...about }));
  settle({ running: true });
  try {
    const answer = await ask("diagnose", asked, controller.signal);
    settle({ found: answer[name] });
  } catch (error) {
    if (error.name === "AbortError") settle({});
    else settle({ problem: error instanceof Problem ? error : new Problem({ title: "offline", detail: "offline" }, "diagnose") });
  }
}
