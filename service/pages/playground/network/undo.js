// Undo and redo of what was done to the network, along the page's own history.
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { canStep, step } from "../frame/state.js";
import { say } from "../take/copying.js";
import { t } from "../words/language.js";

const WAYS = { undo: -1, redo: 1 };

export function undoButtons() {
  return h("span", { class: "undo", role: "group", "aria-label": t("undo.title") }, Object.keys(WAYS).map(button));
}

function button(name) {
  const possible = canStep(WAYS[name]);
  return h(
    "button",
    {
      type: "button",
      class: "tool",
      "data-key": name,
      "aria-label": t(`undo.${name}`),
      title: t(`undo.${name}.keys`),
      // It stays where the focus is, so that the last step does not throw a keyboard's user out.
      "aria-disabled": `${!possible}`,
      onclick: () => go(WAYS[name]),
    },
    icon(name),
  );
}

function go(way) {
  if (!canStep(way)) return;
  step(way);
  say(t(way < 0 ? "undo.undone" : "undo.redone"));
}

// A field with text in it has an undo of its own.
const isTyped = (element) =>
  element instanceof HTMLTextAreaElement || (element instanceof HTMLInputElement && !["range", "checkbox", "file"].includes(element.type));

addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || isTyped(event.target)) return;
  const key = event.key.toLowerCase();
  const way = key === "z" ? (event.shiftKey ? WAYS.redo : WAYS.undo) : key === "y" ? WAYS.redo : 0;
  if (!way) return;
  event.preventDefault();
  go(way);
});
