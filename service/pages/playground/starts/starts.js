// The course notes' three starts: balls on a loss curve, put anywhere and run by gradient descent.
import "./words.js";
import { h, replace, svg } from "../frame/dom.js";
import { Chart, figure, linear, lineSample } from "../charts/charts.js";
import { rangeField, selectField } from "../network/fields.js";
import { number, t } from "../words/language.js";
import { icon } from "../frame/icons.js";
import { edit, state, update } from "../frame/state.js";

// So wide that no ball leaves the picture, from whatever start and at whatever rate: nothing has to stop it.
const LEAST = -1.5;
const MOST = 8.35;
const STEPS = 60;
const PACE = 45; // milliseconds a step
const NUDGE = 0.1;
const RADIUS = 13;
const STACKED = 4; // pixels: balls no farther apart came to rest in one place
const AT_REST = 0.01; // of a step's length: below it the ball is not seen to move
const FLAT = 0.05; // of a slope: there is nowhere to roll
const NEAR = 0.35; // how far from a minimum's floor a ball may rest
const WIDE = 880; // a panel this wide holds the curve and the accounts side by side
const LARGER = 0.62; // the curve's share of it

// Each curve is a function, its derivative, and the zones that the notes tell apart.
const CURVES = {
  valleys: {
    at: (x) => 1.5 - 0.85 * well(x, 4.1, 0.85) - 1.25 * well(x, 6.4, 0.8) + wall(x) - 0.004 * x,
    slope: (x) => 0.85 * dip(x, 4.1, 0.85) + 1.25 * dip(x, 6.4, 0.8) + 16 * Math.max(0, x - 7.75) - 0.004,
    minima: [4.1, 6.4],
    zones: [
      ["low-gradient", LEAST, 2.3],
      ["normal", 2.3, 7.75],
      ["steep", 7.75, MOST],
    ],
  },
  bowl: {
    at: (x) => 0.15 + 0.11 * (x - 4.6) ** 2,
    slope: (x) => 0.22 * (x - 4.6),
    minima: [4.6],
    zones: [["normal", LEAST, MOST]],
  },
};
const well = (x, centre, width) => Math.exp(-(((x - centre) / width) ** 2));
const dip = (x, centre, width) => ((2 * (x - centre)) / width ** 2) * well(x, centre, width);
const wall = (x) => 8 * Math.max(0, x - 7.75) ** 2;
const TOP = 4.4;

const clamp = (x) => Math.min(MOST, Math.max(LEAST, x));

export function descend(curve, start, rate) {
  const path = [start];
  for (let step = 0; step < STEPS; step += 1) path.push(path.at(-1) - rate * CURVES[curve].slope(path.at(-1)));
  return path;
}

// What became of a ball after all its steps.
export function fateOf(curve, path) {
  const steps = path.slice(1).map((x, index) => x - path[index]);
  const last = steps.at(-1);
  if (Math.abs(last) >= AT_REST) return last * steps.at(-2) < 0 ? "swings" : "on-its-way";
  const floor = CURVES[curve].minima.find((minimum) => Math.abs(path.at(-1) - minimum) < NEAR);
  if (floor !== undefined) return floor === downhill(curve, path[0]) ? "nearest" : "thrown";
  if (Math.abs(CURVES[curve].slope(path.at(-1))) > FLAT) return "on-its-way"; // slow, but not at an end
  return steps.every((step) => Math.abs(step) < AT_REST) ? "stays" : "stranded";
}

// The minimum that a walk downhill without a jump leads to.
function downhill(curve, x) {
  const way = -Math.sign(CURVES[curve].slope(x));
  const ahead = CURVES[curve].minima.filter((minimum) => (minimum - x) * way > -NEAR);
  return ahead.sort((one, other) => Math.abs(one - x) - Math.abs(other - x))[0];
}

const zoneOf = (curve, x) => CURVES[curve].zones.find(([, low, high]) => x >= low && x <= high)[0];

let chart = null; // where pixels of the picture are turned into places on the curve

// A touch ends where its element is replaced, so a ball moves by itself until it is let go; then all is drawn anew.
function drag(event) {
  const ball = event.currentTarget;
  const curve = CURVES[state.shared.starts.curve];
  const box = chart.svg.getBoundingClientRect();
  let x = null;
  const follow = (moved) => {
    const pixel = ((moved.clientX - box.left) / box.width) * chart.width;
    x = clamp(LEAST + ((pixel - chart.left) / (chart.right - chart.left)) * (MOST - LEAST));
    ball.setAttribute("transform", standing(x, curve));
  };
  const release = () => x !== null && put(Number(ball.dataset.ball), x);
  ball.setPointerCapture(event.pointerId);
  ball.addEventListener("pointermove", follow);
  ball.addEventListener("pointerup", release, { once: true });
  ball.addEventListener("pointercancel", release, { once: true });
  ball.focus();
  event.preventDefault();
}

const standing = (x, curve, under = 0) =>
  `translate(${chart.X(x).toFixed(1)} ${(chart.Y(curve.at(x)) - RADIUS - under * 2 * RADIUS).toFixed(1)})`;

function put(ball, x) {
  stop();
  edit(
    `start ${ball}`,
    ({ starts }) =>
      (starts.positions = starts.positions.map((old, index) => (index === ball ? Number(clamp(x).toFixed(2)) : old))),
  );
}

export function render(root, { shared, descent }) {
  const { starts } = shared;
  const other = starts.curve === "bowl" ? "valleys" : "bowl";
  const paths = starts.positions.map((start) => descend(starts.curve, start, starts.learning_rate));
  const width = Math.max(300, (root.clientWidth >= WIDE ? root.clientWidth * LARGER : root.clientWidth) - 40);
  replace(
    root,
    h("div", { class: "heading" }, h("h2", {}, t("starts.title")), h("p", { class: "lead" }, t("starts.lead"))),
    h(
      "section",
      { class: "card landscape-card", "aria-label": t("starts.title") },
      h(
        "div",
        { class: "fields" },
        selectField({
          key: "starts/curve",
          label: t("starts.curve"),
          value: starts.curve,
          options: Object.keys(CURVES).map((name) => [name, t(`curve.${name}`)]),
          set: reset("curve"),
        }),
        rangeField({
          key: "starts/rate",
          label: t("train.rate"),
          value: starts.learning_rate,
          least: 0.02,
          most: 1,
          step: 0.02,
          text: number(starts.learning_rate),
          set: reset("learning_rate"),
        }),
      ),
      picture(width, starts, paths, descent.step),
      starts.curve === "bowl" && h("p", { class: "note" }, t("starts.convex")),
      h(
        "div",
        { class: "actions" },
        h(
          "button",
          { type: "button", class: "main", "data-key": "descend", onclick: descent.running ? stop : play },
          icon(descent.running ? "stop" : "play"),
          t(descent.running ? "starts.stop" : "starts.run"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "data-key": "step",
            disabled: descent.running || descent.step >= STEPS,
            onclick: () => update(() => (descent.step += 1)),
          },
          icon("step"),
          t("starts.step"),
        ),
        h(
          "button",
          { type: "button", class: "quiet", "data-key": "back", disabled: !descent.step, onclick: stop },
          icon("back"),
          t("starts.back"),
        ),
      ),
    ),
    h(
      "div",
      { class: "accounts" },
      paths.map((path, ball) => account(ball, starts, path, descent.step)),
    ),
    lossFigure(width, starts, paths, descent.step),
    h(
      "section",
      { class: "card", "aria-labelledby": "convex-title" },
      h("h3", { id: "convex-title" }, t("convex.title")),
      h("p", {}, t("convex.text")),
      h(
        "button",
        { type: "button", class: "quiet", "data-key": "other-curve", onclick: () => reset("curve")(other) },
        t("convex.try", { curve: t(`curve.${other}`) }),
      ),
    ),
  );
}

const reset = (member) => (value) => {
  stop();
  edit(`starts ${member}`, ({ starts }) => (starts[member] = value));
};

function picture(width, { curve, positions }, paths, step) {
  const { at, zones } = CURVES[curve];
  const label = t("starts.text", {
    places: positions
      .map((x, ball) => t("starts.place", { ball: ball + 1, x: number(x), zone: t(`zone.${zoneOf(curve, x)}`) }))
      .join("; "),
  });
  chart = new Chart({
    width,
    height: width < 500 ? 300 : 500,
    margin: { left: 14, bottom: 30, top: 34 },
    label,
    x: { scale: linear(LEAST, MOST), label: t("starts.weight"), ticks: [] },
    y: { scale: linear(0, TOP), ticks: [] },
  });
  chart.svg.setAttribute("role", "group"); // it holds sliders, which an image may not
  for (const [zone, low, high] of zones) {
    chart.column(low, high, `zone-${zone}`);
    const middle = (chart.X(low) + chart.X(high)) / 2;
    chart.add(
      "text",
      { class: `zone-name is-${zone}`, x: middle, y: 20, "text-anchor": "middle" },
      t(`zone.short.${zone}`),
    );
  }
  const points = Array.from({ length: 301 }, (_, index) => LEAST + ((MOST - LEAST) * index) / 300).map((x) => [
    x,
    at(x),
  ]);
  chart.line(points, "landscape");
  const tones = tonesOf(curve, positions);
  paths.forEach((path, ball) => trail(path.slice(0, step + 1), tones[ball], at));
  const now = paths.map((path) => path[step]);
  now.forEach((x, ball) => {
    const under = now.slice(0, ball).filter((other) => Math.abs(chart.X(other) - chart.X(x)) < STACKED).length;
    placeBall(x, ball, { curve, tone: tones[ball], under });
  });
  return chart.svg;
}

// A ball has its zone's colour; where two start in one zone, each has a colour of its own.
function tonesOf(curve, positions) {
  const zones = positions.map((x) => zoneOf(curve, x));
  return new Set(zones).size === zones.length ? zones.map((zone) => `is-${zone}`) : zones.map((_, ball) => `is-ball-${ball}`);
}

function trail(path, tone, at) {
  const points = path.map((x) => [chart.X(x), chart.Y(at(x))]);
  chart.add(
    "g",
    { class: `trail ${tone}`, "aria-hidden": "true" },
    svg("polyline", { points: points.map((point) => point.join()).join(" ") }),
    points.map(([cx, cy]) => svg("circle", { cx, cy, r: 3 })),
  );
}

// Balls that came to rest in one place are stacked.
function placeBall(x, ball, { curve, tone, under }) {
  const zone = t(`zone.${zoneOf(curve, x)}`);
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
      "aria-valuetext": `${number(x)}, ${zone}`,
      transform: standing(x, CURVES[curve], under),
      onpointerdown: drag,
      onkeydown: (event) => moveByKey(event, ball),
    },
    svg("circle", { class: "reach", r: 22 }),
    svg("circle", { class: "ring", r: 17 }),
    svg("circle", { class: "body", r: RADIUS }),
    svg("text", { y: 4.5, "text-anchor": "middle", "aria-hidden": "true" }, `${ball + 1}`),
  );
}

function moveByKey(event, ball) {
  const position = state.shared.starts.positions[ball];
  const places = {
    ArrowLeft: position - NUDGE,
    ArrowDown: position - NUDGE,
    ArrowRight: position + NUDGE,
    ArrowUp: position + NUDGE,
    PageDown: position - 1,
    PageUp: position + 1,
    Home: LEAST,
    End: MOST,
  };
  if (!(event.key in places)) return;
  event.preventDefault();
  put(ball, places[event.key]);
}

let timer = 0;

function stop() {
  clearInterval(timer);
  update(({ descent }) => Object.assign(descent, { step: 0, running: false }));
}

// Whoever wants no motion is shown the end and the steps that led there.
function play() {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    update(({ descent }) => (descent.step = STEPS));
    return;
  }
  update(({ descent }) => Object.assign(descent, { step: 0, running: true }));
  timer = setInterval(() => {
    update(({ descent }) => {
      descent.step += 1;
      descent.running = descent.step < STEPS;
    });
    if (!state.descent.running) clearInterval(timer);
  }, PACE);
}

function walked(path) {
  const steps = path.findIndex((x, step) => Math.abs(path[step + 1] - x) < AT_REST);
  return { from: number(path[0]), to: number(path.at(-1)), steps };
}

function account(ball, { curve, positions }, path, step) {
  const start = zoneOf(curve, path[0]);
  const tone = tonesOf(curve, positions)[ball];
  const { at, slope } = CURVES[curve];
  const fate = curve === "bowl" && fateOf(curve, path) === "nearest" ? "convex" : fateOf(curve, path);
  const jump = Math.max(...path.slice(1, step + 1).map((x, index) => Math.abs(x - path[index])), 0);
  return h(
    "section",
    { class: `card account ${tone}`, "aria-labelledby": `account-${ball}` },
    h("h3", { id: `account-${ball}` }, h("span", { class: "ball-number" }, `${ball + 1}`), t(`zone.${start}`)),
    h("p", {}, curve === "bowl" ? null : `${t(`zone.text.${start}`)} `, t(`fate.${fate}`, walked(path))),
    h(
      "dl",
      {},
      [
        ["starts.slope", number(slope(path[0]))],
        ["starts.loss", number(at(path[step]))],
        ["starts.jump", step ? number(jump) : "–"],
      ].map(([name, value]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, value))),
    ),
  );
}

function lossFigure(width, { curve, positions }, paths, step) {
  const { at } = CURVES[curve];
  const losses = paths.map((path) => path.slice(0, step + 1).map(at));
  const tones = tonesOf(curve, positions);
  const title = t("starts.losses");
  const loss = new Chart({
    width,
    height: 200,
    label: t("train.text", {
      title,
      ends: losses.map((values, ball) => `${ball + 1}: ${number(values.at(-1))}`).join("; "),
    }),
    x: { scale: linear(0, STEPS), label: t("train.step") },
    y: { scale: linear(0, TOP), ticks: [0, 1, 2, 3, 4] },
  });
  losses.forEach((values, ball) => {
    loss.line(
      values.map((value, index) => [index, value]),
      `of-${ball} ${tones[ball]}`,
    );
  });
  const shown = [0, 1, 2, 5, 10, 20, 40, 60].filter((place) => place <= step);
  return h(
    "div",
    { class: "card" },
    figure({
      key: "descent",
      title,
      chart: loss.svg,
      entries: tones.map((tone, ball) => ({
        sample: lineSample(`of-${ball} ${tone}`),
        text: t("starts.ball", { ball: ball + 1 }),
      })),
      table: {
        caption: title,
        columns: [t("train.step"), "1", "2", "3"],
        rows: shown.map((place) => [`${place}`, ...losses.map((values) => number(values[place]))]),
      },
    }),
  );
}
