// Parts of a panel that are made one after another, so that none keeps the reader waiting: room is kept for each, and
// what stood there stays until what comes instead is made.
import { h, replace } from "./dom.js";

const queue = new Set();
let working = false;

// `part(name, inputs, height, make)` is a part, made anew when its inputs or the language change; at first it is about
// `height` pixels high. It is busy while it is yet to come.
export function parts() {
  const known = new Map();
  return (name, inputs, height, make) => {
    if (!known.has(name)) known.set(name, emptyPart(height));
    const part = known.get(name);
    const now = [document.documentElement.lang, ...inputs];
    if (now.length !== part.inputs?.length || now.some((input, index) => !Object.is(input, part.inputs[index]))) {
      Object.assign(part, { inputs: now, make });
      part.element.setAttribute("aria-busy", "true");
    }
    if (part.make) come(part);
    return part.element;
  };
}

function emptyPart(height) {
  const element = h("div", { class: "part" });
  element.style.minHeight = `${height}px`;
  return { element, inputs: null, make: null };
}

function come(part) {
  queue.add(part);
  if (!working) work();
}

// One part a turn: between two the browser draws and hears the reader. What is not in the page any more can wait.
async function work() {
  working = true;
  while (queue.size) {
    await new Promise((turn) => setTimeout(turn));
    const [part] = queue;
    queue.delete(part);
    if (!part.element.isConnected) continue;
    replace(part.element, part.make());
    part.make = null;
    part.element.removeAttribute("style");
    part.element.removeAttribute("aria-busy");
  }
  working = false;
}
