// What may be done with layers that stand one after the other: a shortcut around them, a residual block of them.
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state, update } from "../frame/state.js";
import { t } from "../words/language.js";
import { changeSpec } from "./changes.js";
import { canShortcut, inResidualBlock, isShortcut, withoutShortcut, withShortcut } from "./shortcuts.js";
import { namesOf } from "./structure.js";

export function joining(layers, first, last) {
  const names = namesOf(layers);
  const what = first === last ? names[first] : `${names[first]} … ${names[last]}`;
  const act = (key, words, symbol, make) =>
    h("button", { type: "button", class: "quiet", "data-key": key, onclick: () => apply(make) }, icon(symbol), words);
  if (first === last && isShortcut(layers[first]))
    return h("div", { class: "actions" }, act("shortcut-remove", t("shortcut.remove"), "remove", () => withoutShortcut(layers, first)));
  if (!canShortcut(layers, first)) return null;
  return h(
    "div",
    { class: "actions" },
    act("shortcut-add", t("shortcut.add", { what }), "shortcut", () => withShortcut(layers, first, last)),
    act("shortcut-block", t("shortcut.block", { what }), "shortcut", () => inResidualBlock(layers, first, last)),
  );
}

function apply(make) {
  changeSpec(`shortcut ${performance.now()}`, (spec) => ({ ...spec, layers: make() }));
  update(() => Object.assign(state, { open: null, until: null }));
}
