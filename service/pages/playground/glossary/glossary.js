// Words explained where they stand: a dotted word opens what it means, by pointer, by touch and by keyboard.
//
// In a sentence a word is marked as [[rms]], or as [[rms|sizes]] where it is called otherwise there.
import "./words.js";
import { h } from "../frame/dom.js";
import { t } from "../words/language.js";

const MARKED = /\[\[([\w-]+)(?:\|([^\]]+))?\]\]/g;
const APART = 6; // pixels between a word and what it means

// `at` tells this place from others where the word stands.
export function term(key, at, shown = t(`term.${key}`)) {
  const id = `term-${key}`;
  return h(
    "button",
    { type: "button", class: "term", popovertarget: id, "data-key": `${id}-${at}`, onclick: ({ currentTarget }) => prepare(id, key, currentTarget) },
    shown,
  );
}

export function explained(text, at) {
  const parts = [];
  let end = 0;
  for (const { 0: whole, 1: key, 2: shown, index } of text.matchAll(MARKED)) {
    parts.push(text.slice(end, index), term(key, at, shown));
    end = index + whole.length;
  }
  return [...parts, text.slice(end)];
}

// Made when it is first asked for; the browser opens and closes it, and gives the focus back.
function prepare(id, key, button) {
  const popover = document.getElementById(id) ?? created(id);
  popover.setAttribute("aria-label", t(`term.${key}`));
  popover.replaceChildren(h("strong", {}, t(`term.${key}`)), h("p", {}, t(`term.${key}.text`)));
  popover.lang = document.documentElement.lang;
  popover.addEventListener("toggle", ({ newState }) => newState === "open" && put(popover, button), { once: true });
}

function created(id) {
  // The focus goes to it, so that it is read out; Escape gives it back to the word.
  const popover = h("div", { id, popover: "auto", class: "meaning", role: "dialog", tabindex: -1, autofocus: true });
  document.body.append(popover);
  return popover;
}

// Under its word, or above it where there is no room.
function put(popover, button) {
  const [word, { width, height }] = [button.getBoundingClientRect(), popover.getBoundingClientRect()];
  const room = document.documentElement.clientWidth - width - 8;
  popover.style.left = `${Math.max(8, Math.min(room, word.left))}px`;
  const below = word.bottom + APART + height < innerHeight;
  popover.style.top = `${below ? word.bottom + APART : Math.max(8, word.top - APART - height)}px`;
}
