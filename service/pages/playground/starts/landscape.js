// The picture of a curve with balls on it, which are put anywhere by hand or by key and roll as descent moves them.
import "./words.js";
import { svg } from "../frame/dom.js";
import { Chart, linear } from "../charts/charts.js";
import { number, t } from "../words/language.js";
import { clamp, CURVES, LEAST, MOST, TOP, zoneOf } from "./curves.js";

const NUDGE = 0.1;
const RADIUS = 13;
const STACKED = 4; // pixels: balls no farther apart came to rest in one place
const POINTS = 300; // of the curve

// Balls at `positions`, each after `step` steps of its path. `move(ball, to)` is called where one is moved by hand: `to`
// says where, given where it stands by then.
export function landscape({ width, height, curve, positions, paths, step, move }) {
  const { at, zones } = CURVES[curve];
  const places = positions
    .map((x, ball) => t("starts.place", { ball: ball + 1, x: number(x), zone: t(`zone.${zoneOf(curve, x)}`) }))
    .join("; ");
  const chart = new Chart({
    width,
    height,
    margin: { left: 14, bottom: 30, top: 34 },
    label: t("starts.text", { places }),
    x: { scale: linear(LEAST, MOST), label: t("starts.weight"), ticks: [] },
    y: { scale: linear(0, TOP), ticks: [] },
  });
  chart.svg.setAttribute("role", "group"); // it holds sliders, which an image may not
  for (const zone of zones) drawZone(chart, zone);
  const points = Array.from({ length: POINTS + 1 }, (_, index) => LEAST + ((MOST - LEAST) * index) / POINTS);
  chart.line(
    points.map((x) => [x, at(x)]),
    "landscape",
  );
  const tones = tonesOf(curve, positions);
  paths.forEach((path, ball) => trail(chart, path.slice(0, step + 1), tones[ball], at));
  const now = paths.map((path) => path[step]);
  now.forEach((x, ball) => {
    const under = now.slice(0, ball).filter((other) => Math.abs(chart.X(other) - chart.X(x)) < STACKED).length;
    placeBall(chart, x, ball, { curve, tone: tones[ball], under, move });
  });
  return chart.svg;
}

function drawZone(chart, [zone, low, high]) {
  chart.column(low, high, `zone-${zone}`);
  const middle = (chart.X(low) + chart.X(high)) / 2;
  chart.add(
    "text",
    { class: `zone-name is-${zone}`, x: middle, y: 20, "text-anchor": "middle" },
    t(`zone.short.${zone}`),
  );
}

// A ball has its zone's colour; where two start in one zone, each has a colour of its own.
export function tonesOf(curve, positions) {
  const zones = positions.map((x) => zoneOf(curve, x));
  return new Set(zones).size === zones.length ? zones.map((zone) => `is-${zone}`) : zones.map((_, ball) => `is-ball-${ball}`);
}

function trail(chart, path, tone, at) {
  const points = path.map((x) => [chart.X(x), chart.Y(at(x))]);
  chart.add(
    "g",
    { class: `trail ${tone}`, "aria-hidden": "true" },
    svg("polyline", { points: points.map((point) => point.join()).join(" ") }),
    points.map(([cx, cy]) => svg("circle", { cx, cy, r: 3 })),
  );
}

const standing = (chart, x, curve, under = 0) =>
  `translate(${chart.X(x).toFixed(1)} ${(chart.Y(CURVES[curve].at(x)) - RADIUS - under * 2 * RADIUS).toFixed(1)})`;

// Balls that came to rest in one place are stacked.
function placeBall(chart, x, ball, { curve, tone, under, move }) {
  chart.add(
    "g",
    {
      class: `ball ${tone}`,
      "data-ball": ball,
      "data-key": `ball-${ball}`,
      role: "slider",
      tabindex: 0,
      "aria-label": t("starts.ball", { ball: ball + 1 }),
      "aria-valuemin": LEAST,
      "aria-valuemax": MOST,
      "aria-valuenow": x.toFixed(2),
      "aria-valuetext": `${number(x)}, ${t(`zone.${zoneOf(curve, x)}`)}`,
      transform: standing(chart, x, curve, under),
      onpointerdown: (event) => drag(event, chart, curve, move),
      onkeydown: (event) => moveByKey(event, ball, move),
    },
    svg("circle", { class: "reach", r: 22 }),
    svg("circle", { class: "ring", r: 17 }),
    svg("circle", { class: "body", r: RADIUS }),
    svg("text", { y: 4.5, "text-anchor": "middle", "aria-hidden": "true" }, `${ball + 1}`),
  );
}

// A touch ends where its element is replaced, so a ball moves by itself until it is let go; then all is drawn anew.
function drag(event, chart, curve, move) {
  const ball = event.currentTarget;
  const box = chart.svg.getBoundingClientRect();
  let x = null;
  const follow = (moved) => {
    const pixel = ((moved.clientX - box.left) / box.width) * chart.width;
    x = clamp(LEAST + ((pixel - chart.left) / (chart.right - chart.left)) * (MOST - LEAST));
    ball.setAttribute("transform", standing(chart, x, curve));
  };
  const release = () => x !== null && move(Number(ball.dataset.ball), () => x);
  ball.setPointerCapture(event.pointerId);
  ball.addEventListener("pointermove", follow);
  ball.addEventListener("pointerup", release, { once: true });
  ball.addEventListener("pointercancel", release, { once: true });
  ball.focus();
  event.preventDefault();
}

const KEYS = {
  ArrowLeft: (x) => x - NUDGE,
  ArrowDown: (x) => x - NUDGE,
  ArrowRight: (x) => x + NUDGE,
  ArrowUp: (x) => x + NUDGE,
  PageDown: (x) => x - 1,
  PageUp: (x) => x + 1,
  Home: () => LEAST,
  End: () => MOST,
};

function moveByKey(event, ball, move) {
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  move(ball, KEYS[event.key]);
}
