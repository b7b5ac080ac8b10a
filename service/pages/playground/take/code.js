// A block of code: lightly coloured, as high as it may be, with a button that copies it.
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { t } from "../words/language.js";
import { copy } from "./copying.js";

const COLOURED = 20_000; // characters; longer ones stay plain
const TOKENS = /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|((?:#|\/\/).*$)|(\b\d[\d_.]*(?:e[+-]?\d+)?\b)/gm;
const KINDS = ["string", "comment", "number"];

// `what` is what a copy is called in the words that follow it.
export function codeBlock({ key, text, label, what = label, plain = false }) {
  return h(
    "div",
    { class: "code-block" },
    h(
      "pre",
      { class: "code", tabindex: 0, role: "region", "aria-label": label, "data-key": key, "data-scroll": key },
      h("code", {}, plain || text.length > COLOURED ? text : coloured(text)),
    ),
    h(
      "button",
      {
        type: "button",
        class: "copy",
        "data-key": `copy-${key}`,
        "aria-label": t("take.copy", { what }),
        title: t("take.copy", { what }),
        onclick: () => copy(text, what),
      },
      icon("copy"),
    ),
  );
}

function coloured(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const kind = KINDS[match.slice(1).findIndex((found) => found !== undefined)];
    parts.push(text.slice(end, match.index), h("span", { class: `token-${kind}` }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}
