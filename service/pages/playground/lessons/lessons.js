// The lesson path: eight steps, each a claim, a prediction, a picture, a training that settles it, and a link to send.
import "./words.js";
import { h, keeper, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit, state } from "../frame/state.js";
import { t } from "../words/language.js";
import { formula } from "./formula.js";
import { derivation, isDerived } from "./derivation.js";
import { picture } from "./pictures.js";
import { answers, isPredicted, prediction, printed } from "./prediction.js";
import { settle } from "./settle.js";
import { CITATIONS, go, HANDOUT, isHandout, placeOf, recallVisits, specOf, startOver, STEPS, visit } from "./steps.js";
import { noteOnTop, teacher } from "./teacher.js";

const WIDE = 1000; // a panel this wide holds the question beside its picture
const LARGER = 0.66; // the picture's share of it
const PADDING = 44; // of a card, on both sides
const STILL = ["INPUT", "SELECT", "TEXTAREA", "SUMMARY"]; // whose arrow keys are their own

const keep = keeper();
recallVisits();

export function render(root, { shared }) {
  const place = placeOf(shared);
  const handout = isHandout(shared);
  if (!handout) visit(STEPS[place].id);
  root.onkeydown = walk;
  const wide = root.clientWidth >= WIDE;
  const context = {
    shared,
    keep,
    handout,
    width: Math.max(240, (wide ? root.clientWidth * LARGER : root.clientWidth) - PADDING),
  };
  const { note } = shared.lesson;
  replace(
    root,
    keep("navigation", [place, handout, state.lesson.visited.length], () => navigation(place, handout)),
    keep("note", [note], () => noteOnTop(shared)),
    handout ? handouts(context) : article(STEPS[place], place, context),
    handout ? null : keep("ends", [place], () => ends(place)),
    keep("teacher", [note], () => teacher(shared)),
  );
}

function navigation(place, handout) {
  const { visited } = state.lesson;
  return h(
    "nav",
    { class: "lesson-nav", "aria-label": t("lesson.path") },
    h(
      "ol",
      {},
      STEPS.map(({ id }, index) => {
        const here = !handout && index === place;
        const seen = visited.includes(id) && !here;
        return h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: seen ? "seen" : null, "data-key": `step-${id}`, "aria-current": here ? "step" : null, onclick: () => show(id) },
            h("span", { class: "lesson-number", "aria-hidden": "true" }, seen ? icon("yes") : `${index + 1}`),
            h("span", {}, t(`lesson.${id}.short`)),
            seen ? h("span", { class: "unseen" }, t("lesson.seen")) : null,
          ),
        );
      }),
    ),
  );
}

// Its parts are made anew where they change: while balls roll, that is the picture alone.
function article(step, place, context) {
  const { id } = step;
  const { handout } = context;
  const open = handout || isPredicted(step);
  const part = (name, inputs, make) => keep(`${name}-${id}`, [handout, ...inputs], make);
  const found = part("article", [], () => h("article", { class: "lesson", "aria-labelledby": `lesson-${id}` }));
  const stage = part("stage", [], () => h("div", { class: "lesson-stage" }));
  const cover = () => h("section", { class: "card lesson-picture covered", "aria-label": t("lesson.picture") }, h("p", { class: "lesson-cover" }, t("lesson.cover")));
  const uncovered = part("picture", [], () => h("section", { class: "card lesson-picture", "aria-label": t("lesson.picture"), inert: handout }));
  if (open) replace(uncovered, picture(step, context));
  replace(
    stage,
    part("prediction", [state.lesson.predicted[id]], () => (handout ? printed(step) : prediction(step, keep))),
    open ? uncovered : part("cover", [], cover),
  );
  replace(
    found,
    part("head", [], () => head(id, place)),
    stage,
    open && [
      !(handout && !state.lesson.trained[id]) && settle(step, context),
      part("remember", [], () => remembered(id)),
      isDerived(id) && derivation(id, context),
      part("further", [], () => further(step)),
    ],
  );
  return found;
}

function head(id, place) {
  return h(
    "header",
    { class: "lesson-head" },
    h("p", { class: "lesson-where" }, t("lesson.where", { place: place + 1, total: STEPS.length })),
    h("h2", { id: `lesson-${id}`, tabindex: -1, "data-key": `lesson-${id}` }, t(`lesson.${id}.title`)),
    h("p", { class: "lesson-claim" }, formula(t(`lesson.${id}.claim`))),
  );
}

const remembered = (id) =>
  h("p", { class: "card lesson-remember" }, h("strong", {}, t("lesson.remember")), " ", formula(t(`lesson.${id}.remember`)));

function further({ id, citations, network }) {
  return h(
    "div",
    { class: "lesson-further" },
    h(
      "ul",
      { class: "lesson-citations", "aria-label": t("lesson.sources") },
      citations.map((name) => {
        const { authors, year, title, where, url } = CITATIONS[name];
        return h("li", {}, `${authors}${year ? ` (${year})` : ""}. `, h("a", { href: url, rel: "noreferrer" }, title), `. ${where}.`);
      }),
    ),
    network ? h("button", { type: "button", class: "quiet", "data-key": `diagnose-${id}`, onclick: () => diagnose(network) }, t("lesson.diagnose")) : null,
  );
}

const diagnose = (network) => edit("view", (shared) => Object.assign(shared, { view: "diagnosis", spec: specOf(network) }));

function ends(place) {
  const step = (index, key, words, symbol) =>
    STEPS[index]
      ? h(
          "button",
          { type: "button", class: "quiet", "data-key": key, onclick: () => show(STEPS[index].id) },
          key === "previous" ? icon(symbol) : null,
          h("span", {}, h("small", {}, t(words)), t(`lesson.${STEPS[index].id}.short`)),
          key === "next" ? icon(symbol) : null,
        )
      : null;
  const last = place === STEPS.length - 1;
  return h(
    "div",
    { class: "lesson-ends" },
    step(place - 1, "previous", "lesson.previous", "left"),
    last
      ? h("button", { type: "button", class: "quiet", "data-key": "handout", onclick: () => show(HANDOUT) }, t("lesson.handout"))
      : step(place + 1, "next", "lesson.next", "right"),
  );
}

function handouts(context) {
  return h(
    "div",
    { class: "lesson-handout" },
    h(
      "header",
      { class: "lesson-head" },
      h("h2", { id: "lesson-handout", tabindex: -1, "data-key": "lesson-handout" }, t("lesson.handout")),
      h("p", { class: "lesson-claim" }, t("lesson.handout.text")),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "main", "data-key": "print", onclick: () => print() }, t("lesson.print")),
        h("button", { type: "button", class: "quiet", "data-key": "start-over", onclick: startOver }, icon("back"), t("lesson.over")),
      ),
    ),
    STEPS.map((step, place) => article(step, place, context)),
    answers(STEPS),
  );
}

// Whoever goes to another step reads on from its heading.
function show(id) {
  go(id);
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const heading = document.getElementById(`lesson-${id}`);
    heading?.focus({ preventScroll: true });
    document.getElementById("panel").scrollIntoView({ block: "start" });
  }));
}

// Left and right lead along the path wherever these keys mean nothing else.
function walk(event) {
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const { target } = event;
  if (!way || state.shared.view !== "lessons" || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (STILL.includes(target.tagName) || target.closest("svg, .table")) return;
  const next = STEPS[placeOf(state.shared) + way];
  if (!next || isHandout(state.shared)) return;
  event.preventDefault();
  show(next.id);
}
