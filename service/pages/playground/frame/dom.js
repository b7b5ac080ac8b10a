// Makes elements, and swaps a panel's content without losing the reader's place in it.

const SVG = "http://www.w3.org/2000/svg";

export const h = (tag, properties, ...children) => furnish(document.createElement(tag), properties, children);
export const svg = (tag, properties, ...children) => furnish(document.createElementNS(SVG, tag), properties, children);

function furnish(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "style") element.style.cssText = value; // an attribute would be code in the page, which is forbidden
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

// Elements are told apart by data-key: the focused one, its selection and what is unfolded stay as they were. Where
// the focused one is gone, the panel around it gets the focus, so that nobody is sent back to the top of the page.
export function replace(container, ...children) {
  const active = container.contains(document.activeElement) ? document.activeElement : null;
  const key = active?.dataset.key;
  const selection =
    active instanceof HTMLInputElement && active.type === "text" ? [active.selectionStart, active.selectionEnd] : null;
  put(container, children.flat(Infinity).filter(Boolean));
  unfold(container);
  for (const box of container.querySelectorAll("[data-scroll]"))
    if (scrolled.get(box.dataset.scroll)) box.scrollTop = scrolled.get(box.dataset.scroll);
  if (!active) return;
  const again = key ? container.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  again?.focus({ preventScroll: true });
  if (!again || document.activeElement !== again) container.closest("[tabindex]")?.focus({ preventScroll: true });
  if (selection && again?.type === "text") again.setSelectionRange(...selection);
}

// What the reader unfolded or folded, by data-key: it stays so when it is drawn anew.
const folds = new Map();
document.addEventListener(
  "toggle",
  ({ target }) => target instanceof HTMLDetailsElement && target.dataset.key && folds.set(target.dataset.key, target.open),
  true,
);

// How far boxes are scrolled, as they say it themselves: to ask each would lay out the page at every redrawing.
const scrolled = new Map();
document.addEventListener("scroll", ({ target }) => target.dataset?.scroll && scrolled.set(target.dataset.scroll, target.scrollTop), true);

function unfold(container) {
  for (const fold of container.querySelectorAll("details[data-key]"))
    if (folds.has(fold.dataset.key)) fold.open = folds.get(fold.dataset.key);
}

// What is there already stays where it is.
function put(container, wanted) {
  const stay = new Set(wanted);
  for (const child of [...container.childNodes]) if (!stay.has(child)) child.remove();
  let place = container.firstChild;
  for (const child of wanted) {
    if (child === place) place = place.nextSibling;
    else container.insertBefore(child instanceof Node ? child : document.createTextNode(child), place);
  }
}

// Makes things once: `keep(name, inputs, make)` gives again what was made of the very same inputs. A part of a panel
// that is kept so costs nothing when the panel is drawn anew. The language counts as an input; a theme is CSS alone.
export function keeper() {
  const made = new Map();
  return (name, inputs, make) => {
    const now = [document.documentElement.lang, ...inputs];
    const known = made.get(name);
    if (known && known.inputs.length === now.length && known.inputs.every((input, index) => Object.is(input, now[index])))
      return known.value;
    const value = make();
    made.set(name, { inputs: now, value });
    return value;
  };
}

export function focusOn(key) {
  document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}
