// The course notes' three starts: balls on a loss curve, put anywhere and run by gradient descent.
import "./words.js";
import { h, replace } from "../frame/dom.js";
import { Chart, figure, linear, lineSample } from "../charts/charts.js";
import { rangeField, selectField } from "../network/fields.js";
import { number, t } from "../words/language.js";
import { edit } from "../frame/state.js";
import { AT_REST, CURVES, descend, fateOf, moved, STEPS, TOP, zoneOf } from "./curves.js";
import { landscape, tonesOf } from "./landscape.js";
import { controls, rolled, stop } from "./playing.js";

const WIDE = 880; // a panel this wide holds the curve and the accounts side by side
const LARGER = 0.62; // the curve's share of it

function move(ball, to) {
  stop();
  edit(`start ${ball}`, ({ starts }) => (starts.positions = moved(starts.positions, ball, to)));
}

export function render(root, { shared }) {
  const { starts } = shared;
  const { step } = rolled("starts");
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
      landscape({
        width,
        height: width < 500 ? 300 : 500,
        curve: starts.curve,
        positions: starts.positions,
        paths,
        step,
        move,
      }),
      starts.curve === "bowl" && h("p", { class: "note" }, t("starts.convex")),
      controls("starts"),
    ),
    h(
      "div",
      { class: "accounts" },
      paths.map((path, ball) => account(ball, starts, path, step)),
    ),
    lossFigure(width, starts, paths, step),
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
