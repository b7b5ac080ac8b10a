// The picture of the first three steps: balls on a curve, put anywhere and let go.
import { h } from "../frame/dom.js";
import { edit } from "../frame/state.js";
import { t } from "../words/language.js";
import { descend, fateOf, moved, STEPS } from "../starts/curves.js";
import { landscape } from "../starts/landscape.js";
import { controls, rolled, stop } from "../starts/playing.js";

export function rolling({ id, balls: { curve, rate } }, { shared, width, handout }) {
  const positions = shared.lesson[id];
  const step = handout ? STEPS : rolled(id).step; // on paper they have come to rest
  const paths = positions.map((start) => descend(curve, start, rate));
  const move = (ball, to) => {
    stop();
    edit(`lesson ball ${ball}`, ({ lesson }) => (lesson[id] = moved(lesson[id], ball, to)));
  };
  return h(
    "div",
    { class: "lesson-figure landscape-card" },
    landscape({ width, height: Math.max(280, Math.min(520, width * 0.5)), curve, positions, paths, step, move }),
    handout ? null : [h("p", { class: "note" }, t("lesson.balls")), controls(id)],
    step ? fates(curve, paths) : null,
  );
}

function fates(curve, paths) {
  const balls = new Map(); // of each fate
  paths.forEach((path, ball) => {
    const fate = curve === "bowl" && fateOf(curve, path) === "nearest" ? "lesson.bottom" : `fate.${fateOf(curve, path)}`;
    balls.set(fate, [...(balls.get(fate) ?? []), ball + 1]);
  });
  return h(
    "ul",
    { class: "lesson-fates" },
    [...balls].map(([fate, numbers]) => h("li", {}, numbers.map((number) => h("span", { class: "lesson-ball" }, `${number}`)), h("span", {}, t(fate)))),
  );
}
