// The step of a training that is looked at: chosen by a slider, or played through.
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { state } from "../frame/state.js";
import { t } from "../words/language.js";
import { stepsSeen } from "./looks.js";
import { redraw } from "./redrawing.js";

const PACE = 90; // milliseconds a look

let timer = 0;
let slider = null; // the same one throughout, so that a drag goes on while pictures are drawn anew
let steps = [];

function look(index) {
  state.training.step = index >= steps.length - 1 ? null : steps[index];
  redraw();
}

const here = () => (state.training.step === null ? steps.length - 1 : steps.findLastIndex((step) => step <= state.training.step));

function stop() {
  clearInterval(timer);
  timer = 0;
}

function play() {
  if (timer) {
    stop();
    redraw();
    return;
  }
  look(here() >= steps.length - 1 ? 0 : here());
  timer = setInterval(() => {
    if (here() >= steps.length - 2) stop();
    look(here() + 1);
  }, PACE);
}

export function scrubber({ runs, asked, restart }, restarts) {
  steps = stepsSeen(runs);
  const step = steps[Math.max(0, here())] ?? 0;
  const words = t("train.step-of", { step, steps: asked.steps });
  slider ??= h("input", {
    type: "range",
    id: "scrub",
    min: 0,
    "data-key": "scrub",
    oninput: ({ target }) => {
      stop();
      look(Number(target.value));
    },
  });
  slider.max = Math.max(1, steps.length - 1);
  slider.value = Math.max(0, here());
  slider.disabled = steps.length < 2;
  slider.setAttribute("aria-valuetext", words);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return [
    still ? null : h("button", { type: "button", class: "quiet", "data-key": "play-steps", disabled: steps.length < 2, onclick: play }, icon(timer ? "stop" : "play"), t(timer ? "train.pause" : "train.play")),
    h("label", { for: "scrub" }, t("train.look-at")),
    slider,
    h("output", { for: "scrub" }, words),
    restarts > 1 ? restartChips(restart, restarts) : null,
  ];
}

const restartChips = (shown, restarts) =>
  h(
    "span",
    { class: "chips", role: "group", "aria-label": t("train.restart-shown") },
    h("span", { class: "restarts-label" }, t("train.restart-shown")),
    Array.from({ length: restarts }, (_, restart) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          "data-key": `restart-${restart}`,
          "aria-pressed": `${restart === shown}`,
          onclick: () => {
            state.training.restart = restart;
            redraw();
          },
        },
        `${restart + 1}`,
      ),
    ),
  );
