// The spec as text: to read, to type and to paste, beside what comes of it. Text that is no spec yet stays as it
// stands, and is not asked about.
import { h, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit, state, update } from "../frame/state.js";
import { t } from "../words/language.js";
import { detailOf, spoken } from "../words/spoken.js";
import { chooseFile } from "./opening.js";
import { lineOf, lineOfRefusal } from "./positions.js";
import { saveText } from "./saving.js";
import { pretty } from "./text.js";

const ROWS = 22;
const MOST_NUMBERS = 5000; // lines that are numbered

// Made once and kept: a box that is drawn anew would forget what can be undone in it.
const box = h("textarea", {
  id: "spec-json",
  rows: ROWS,
  wrap: "off",
  spellcheck: "false",
  autocomplete: "off",
  autocapitalize: "off",
  "data-key": "spec-json",
  oninput: () => take(box.value),
  onblur: () => update(() => {}),
  onscroll: () => (gutter.scrollTop = box.scrollTop),
});
const gutter = h("pre", { class: "gutter", "aria-hidden": "true" });
const label = h("label", { for: "spec-json", class: "note" });
const error = h("p", { class: "error", id: "spec-json-error", role: "alert" });
const found = h("ul", { class: "found", id: "spec-json-found" });
const tools = h("div", { class: "actions" });
const whole = h("div", { class: "json" }, label, tools, h("div", { class: "editor" }, gutter, box), error, found);

let wrong = null; // {key, values} of what is wrong with the text, and the network in view as it was typed beside
let written = ""; // the text that stands for the spec in view
let numbered = "";

export function specText(spec, problems) {
  const now = JSON.stringify(spec);
  if (wrong && wrong.beside !== now) wrong = null;
  if (!wrong && document.activeElement !== box && written !== now) {
    box.value = pretty(spec);
    written = now;
  }
  label.textContent = t("json.note");
  error.textContent = wrong ? t(wrong.key, wrong.values) : "";
  error.hidden = !wrong;
  const errors = wrong ? [] : placed(problems);
  if (wrong || errors.length) box.setAttribute("aria-invalid", "true");
  else box.removeAttribute("aria-invalid");
  box.setAttribute("aria-describedby", wrong ? error.id : errors.length ? found.id : "");
  replace(found, errors.map(foundRow));
  replace(tools, buttons(spec));
  number(new Set(wrong?.values?.line ? [wrong.values.line] : errors.map(({ line }) => line)));
  return whole;
}

const button = (key, symbol, onclick, disabled = false) =>
  h("button", { type: "button", class: "quiet", "data-key": `json-${key}`, onclick, disabled }, icon(symbol), t(`json.${key}`));

const buttons = (spec) => [
  button("format", "yes", format, Boolean(wrong)),
  button("save", "save", () => saveText(box.value, "spec.json")),
  button("open", "open", chooseFile),
  wrong && button("back", "undo", () => giveUp(spec)),
];

// What the service finds wrong, at the line where it stands.
function placed(problems) {
  return problems
    .flatMap(({ errors }) => errors)
    .filter(({ pointer }) => pointer.startsWith("/"))
    .map(({ pointer, detail }) => ({ line: lineOf(box.value, pointer), detail, pointer }));
}

function foundRow({ line, detail, pointer }) {
  const go = () => toLine(line);
  return h(
    "li",
    {},
    h("button", { type: "button", class: "line", "data-key": `line-${pointer}`, onclick: go }, t("json.line", { line })),
    " ",
    h("code", {}, pointer.slice(1)),
    ": ",
    spoken(detailOf(detail)),
  );
}

function toLine(line) {
  const lines = box.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  box.focus();
  box.setSelectionRange(start, start + lines[line - 1].length);
  box.scrollTop = ((line - 4) * box.scrollHeight) / lines.length;
}

// Numbers of lines, those with an error marked; drawn anew only when they change.
function number(marked) {
  const count = Math.min(MOST_NUMBERS, box.value.split("\n").length);
  const text = `${count} ${[...marked].join()}`;
  if (text === numbered) return;
  numbered = text;
  const runs = [];
  let plain = [];
  for (let line = 1; line <= count; line += 1) {
    if (!marked.has(line)) {
      plain.push(line);
      continue;
    }
    runs.push(plain.length ? `${plain.join("\n")}\n` : null, h("mark", {}, `${line}`), "\n");
    plain = [];
  }
  gutter.replaceChildren(...[...runs, plain.join("\n")].filter(Boolean), "\n\n");
  gutter.scrollTop = box.scrollTop;
}

function take(text) {
  const { spec, ...told } = readSpec(text);
  if (spec) {
    wrong = null;
    state.open = null;
    written = JSON.stringify(spec);
    edit("json", (shared) => (shared.spec = spec));
  } else update(() => (wrong = { ...told, beside: JSON.stringify(state.shared.spec) }));
}

function format() {
  box.value = pretty(state.shared.spec);
  update(() => {});
}

function giveUp(spec) {
  update(() => (wrong = null));
  box.value = pretty(spec);
  box.focus();
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// {spec}, or {key, values} of why a text is none.
export function readSpec(text) {
  let spec;
  try {
    spec = JSON.parse(text);
  } catch (refusal) {
    return { key: "json.unreadable", values: { line: lineOfRefusal(refusal, text) } };
  }
  const stack = spec?.layers;
  const readable = isObject(spec) && (stack === undefined || (Array.isArray(stack) && stack.every(isObject)));
  return readable ? { spec } : { key: "json.no-spec" };
}
