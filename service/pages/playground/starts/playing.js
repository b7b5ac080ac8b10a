// Lets the balls roll, step by step, and takes them back: the one descent that is on the page.
import "./words.js";
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state, update } from "../frame/state.js";
import { t } from "../words/language.js";
import { STEPS } from "./curves.js";

const PACE = 45; // milliseconds a step

let timer = 0;

export function stop() {
  clearInterval(timer);
  update(({ descent }) => Object.assign(descent, { step: 0, running: false }));
}

// Whoever wants no motion is shown the end and the steps that led there.
export function play() {
  clearInterval(timer);
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

export function controls({ step, running }) {
  const quiet = (key, symbol, words, disabled, onclick) =>
    h("button", { type: "button", class: "quiet", "data-key": key, disabled, onclick }, icon(symbol), t(words));
  return h(
    "div",
    { class: "actions" },
    h(
      "button",
      { type: "button", class: "main", "data-key": "descend", onclick: running ? stop : play },
      icon(running ? "stop" : "play"),
      t(running ? "starts.stop" : "starts.run"),
    ),
    quiet("step", "step", "starts.step", running || step >= STEPS, () => update(({ descent }) => (descent.step += 1))),
    quiet("back", "back", "starts.back", !step, stop),
  );
}
