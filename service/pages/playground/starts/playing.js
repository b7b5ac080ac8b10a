// Lets the balls roll, step by step, and takes them back: one descent at a time on the page, that of one picture.
import "./words.js";
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state, update } from "../frame/state.js";
import { t } from "../words/language.js";
import { STEPS } from "./curves.js";

const PACE = 45; // milliseconds a step
const STILL = { step: 0, running: false };

let timer = 0;

const put = (of, now) => update(({ descent }) => Object.assign(descent, { of, ...now }));

// How far a picture's balls have come.
export const rolled = (of) => (state.descent.of === of ? state.descent : STILL);

export function stop() {
  clearInterval(timer);
  put(null, STILL);
}

// Whoever wants no motion is shown the end and the steps that led there.
function play(of) {
  clearInterval(timer);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    put(of, { step: STEPS, running: false });
    return;
  }
  put(of, { step: 0, running: true });
  timer = setInterval(() => {
    const step = state.descent.step + 1;
    if (step >= STEPS) clearInterval(timer);
    put(of, { step, running: step < STEPS });
  }, PACE);
}

export function controls(of) {
  const { step, running } = rolled(of);
  const quiet = (key, symbol, words, disabled, onclick) =>
    h("button", { type: "button", class: "quiet", "data-key": key, disabled, onclick }, icon(symbol), t(words));
  return h(
    "div",
    { class: "actions" },
    h(
      "button",
      { type: "button", class: "main", "data-key": "descend", onclick: () => (running ? stop() : play(of)) },
      icon(running ? "stop" : "play"),
      t(running ? "starts.stop" : "starts.run"),
    ),
    quiet("step", "step", "starts.step", running || step >= STEPS, () => put(of, { step: step + 1, running: false })),
    quiet("back", "back", "starts.back", !step, stop),
  );
}
