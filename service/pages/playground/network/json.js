// The spec as text: to read, to type and to paste. Text that is no spec yet stays as it stands, and is not asked about.
import { h } from "../frame/dom.js";
import { t } from "../words/language.js";
import { edit, state, update } from "../frame/state.js";
import { pretty } from "./text.js";

const ROWS = 16;

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
});
const summary = h("summary", { "data-key": "json-summary" });
const label = h("label", { for: "spec-json", class: "note" });
const error = h("p", { class: "error", id: "spec-json-error", role: "alert" });
const back = h("button", { type: "button", class: "quiet", "data-key": "json-back", onclick: () => giveUp() });
const whole = h("details", { class: "json", "data-key": "json" }, summary, label, box, error, back);

let wrong = null; // {key, values} of what is wrong with the text, and the network in view as it was typed beside

export function render(root, { shared: { spec } }) {
  if (!whole.parentNode) root.append(whole);
  if (wrong && wrong.beside !== JSON.stringify(spec)) wrong = null;
  if (!wrong && document.activeElement !== box) box.value = pretty(spec);
  summary.textContent = t("json.title");
  label.textContent = t("json.note");
  error.textContent = wrong ? t(wrong.key, wrong.values) : "";
  back.textContent = t("json.back");
  error.hidden = back.hidden = !wrong;
  if (wrong) box.setAttribute("aria-invalid", "true");
  else box.removeAttribute("aria-invalid");
  box.setAttribute("aria-describedby", wrong ? error.id : "");
}

function take(text) {
  const { spec, ...told } = read(text);
  if (spec) {
    wrong = null;
    state.open = null;
    edit("json", (shared) => (shared.spec = spec));
  } else update(() => (wrong = { ...told, beside: JSON.stringify(state.shared.spec) }));
}

function giveUp() {
  update(() => (wrong = null));
  box.value = pretty(state.shared.spec);
  box.focus();
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function read(text) {
  let spec;
  try {
    spec = JSON.parse(text);
  } catch (refusal) {
    return { key: "json.unreadable", values: { line: lineOf(refusal, text) } };
  }
  const stack = spec?.layers;
  const readable = isObject(spec) && (stack === undefined || (Array.isArray(stack) && stack.every(isObject)));
  return readable ? { spec } : { key: "json.no-spec" };
}

// Browsers tell a line or a position, each in its own words, or nothing.
function lineOf({ message }, text) {
  const line = /line (\d+)/.exec(message)?.[1];
  const position = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
  return line ?? `${text.slice(0, position).split("\n").length}`;
}
