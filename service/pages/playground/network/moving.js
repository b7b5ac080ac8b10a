// Layers moved along the list and taken out of it, and where the focus goes.
import { focusOn } from "../frame/dom.js";
import { state, update } from "../frame/state.js";
import { change } from "./changes.js";
import { namesOf, takeOut } from "./structure.js";

// Once the list is drawn anew.
export const focusSoon = (key) => requestAnimationFrame(() => requestAnimationFrame(() => focusOn(key)));

export function moveByKey(event, index, name) {
  const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!way) return;
  event.preventDefault();
  if (event.altKey) move(index, index + way, `layer-${name}`);
  else walk(event.currentTarget, way);
}

// To the row before or after the one that has the focus.
export function walk(row, way) {
  const rows = [...document.querySelectorAll(".layer-toggle")];
  rows[rows.indexOf(row) + way]?.focus();
}

export function move(from, to, key) {
  if (to < 0 || to >= state.shared.spec.layers.length) return;
  if (state.open === from) state.open = to;
  else if (state.open === to) state.open = from;
  change("move", (layers) => layers.splice(to, 0, ...layers.splice(from, 1)));
  focusSoon(key);
}

export function remove(index) {
  update(() => (state.open = null));
  change(`remove ${performance.now()}`, (layers) => takeOut(layers, index));
  const neighbour = namesOf(state.shared.spec.layers)[Math.max(0, index - 1)];
  focusSoon(`layer-${neighbour}`);
}
