// The values under the pointer, of every chart alike: by mouse, by touch, and by arrow keys where a chart has the focus.
//
// A chart gives rows of stops from left to right: {x, y, words, dots}, in its own pixels; `words` are lines, the first one
// naming the place. What is read is shown beside the place and said to who listens.
import { h, svg } from "../frame/dom.js";

const AWAY = 14; // pixels between a place and its words
const KEYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

const bubble = h("div", { class: "reading", "aria-hidden": "true", hidden: true });
const listener = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
let current = null;

// A chart that is drawn anew or folded away takes its words with it.
const watcher = new ResizeObserver(([{ contentRect }]) => {
  if (!contentRect.width) close();
});

export function readable(chart, makeRows) {
  let rows = null;
  let place = null;
  const { svg: element } = chart;
  const all = () => (rows ??= makeRows().filter((row) => row.length));
  const show = (at, aloud) => {
    if (!all().length) return;
    place = [within(at[0], all().length), 0];
    place[1] = within(at[1], all()[place[0]].length);
    open(chart, all()[place[0]][place[1]], aloud);
  };
  element.setAttribute("tabindex", "0");
  element.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight ArrowUp ArrowDown");
  element.classList.add("readable");
  for (const kind of ["pointermove", "pointerdown"])
    element.addEventListener(kind, (event) => show(nearest(all(), pointOf(element, event)), false));
  element.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && document.activeElement !== element && close());
  element.addEventListener("blur", close);
  element.addEventListener("focus", () => element.matches(":focus-visible") && show(place ?? [0, 0], true));
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return close();
    const last = place ? all()[place[0]].length - 1 : 0;
    const [row, step] = KEYS[event.key] ?? { Home: [0, -last], End: [0, last] }[event.key] ?? [];
    if (row === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(place ? moved(all(), place, row, step) : [0, 0], true);
  });
}

const within = (index, length) => Math.max(0, Math.min(length - 1, index));

// Up and down stay above the same place, whichever number it has in the other row.
function moved(rows, [row, step], down, right) {
  if (!down) return [row, step + right];
  const next = within(row + down, rows.length);
  return [next, nearestIn(rows[next], rows[row][step].x)];
}

function pointOf(element, { clientX, clientY }) {
  const matrix = element.getScreenCTM();
  return new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
}

function nearestIn(row, x) {
  let found = 0;
  row.forEach((stop, index) => {
    if (Math.abs(stop.x - x) < Math.abs(row[found].x - x)) found = index;
  });
  return found;
}

function nearest(rows, { x, y }) {
  let best = [0, 0];
  let least = Infinity;
  rows.forEach((row, index) => {
    const step = nearestIn(row, x);
    const distance = Math.abs(row[step].x - x) / 8 + Math.abs(row[step].y - y);
    if (distance < least) [best, least] = [[index, step], distance];
  });
  return best;
}

function open(chart, stop, aloud) {
  if (!bubble.isConnected) document.body.append(bubble, listener);
  if (current?.chart !== chart) {
    close();
    watcher.observe(chart.svg);
  }
  current?.cross.remove();
  const cross = crosshair(chart, stop);
  chart.svg.append(cross);
  current = { chart, cross, stop };
  bubble.replaceChildren(...stop.words.map((line, index) => h(index ? "span" : "strong", {}, line)));
  bubble.hidden = false;
  put(chart.svg, stop);
  if (aloud) listener.textContent = stop.words.join(", ");
}

function crosshair({ top, bottom }, { x, y, dots = [[x, y]] }) {
  return svg(
    "g",
    { class: "crosshair", "aria-hidden": "true" },
    svg("line", { x1: x, x2: x, y1: top, y2: bottom }),
    dots.map(([left, height]) => svg("circle", { cx: left, cy: height, r: 4 })),
  );
}

// Above the place, or below it where there is no room; never beyond the window's sides.
function put(element, { x, y }) {
  const { x: left, y: top } = new DOMPoint(x, y).matrixTransform(element.getScreenCTM());
  const { width, height } = bubble.getBoundingClientRect();
  const room = document.documentElement.clientWidth - width - 4;
  bubble.style.left = `${Math.max(4, Math.min(room, left - width / 2))}px`;
  bubble.style.top = `${top - height - AWAY > 0 ? top - height - AWAY : top + AWAY}px`;
}

export function close() {
  if (!current) return;
  watcher.disconnect();
  current.cross.remove();
  current = null;
  bubble.hidden = true;
}

addEventListener("scroll", () => current && put(current.chart.svg, current.stop), { capture: true, passive: true });
addEventListener("pointerdown", ({ target }) => !target.closest?.(".readable") && close());
