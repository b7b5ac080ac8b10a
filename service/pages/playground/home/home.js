// The first screen: what this is, a network that starts badly with its repair beside it, and what the service returns.
import "./words.js";
import { h, replace } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit, state, update } from "../frame/state.js";
import { asInView } from "../compare/sides.js";
import { mark } from "../diagnosis/verdicts.js";
import { count, exact, t, times } from "../words/language.js";
import { bars, fateOf, LAYERS, networkOf, repaired, scaledTo } from "./signal.js";
import { showProof } from "./proof.js";

const LEAST = 0.02;
const MOST = 0.5;
const STEPS = 120; // of the slider, evenly on a logarithmic scale
const TONES = { fades: "low-gradient", arrives: "normal", explodes: "steep" };
const SIGNAL = 34; // heights of the two rows of bars
const GRADIENT = 104;

const start = document.getElementById("start-signal");
const told = document.getElementById("start-signal-told");
const title = document.getElementById("start-title");
const scale = document.getElementById("home-scale");
const home = document.getElementById("home");

const deviationAt = (place) => Number((LEAST * (MOST / LEAST) ** (place / STEPS)).toPrecision(3));
const placeOf = (stddev) => Math.round((STEPS * Math.log(stddev / LEAST)) / Math.log(MOST / LEAST));
const normal = (stddev) => ({ name: "random_normal", stddev });
const mine = () => networkOf(normal(state.shared.home.stddev));

let stopped = matchMedia("(prefers-reduced-motion: reduce)").matches;

export function render(root, { shared }) {
  const { stddev } = shared.home;
  home.classList.toggle("moving", !stopped);
  draw(scaledTo(stddev));
  replace(scale, slider(stddev), h("div", { class: "actions" }, motion(), opens()));
  showProof(document.getElementById("home-proof"), document.getElementById("home-link"), root.querySelector(".returns"));
}

function draw(sizes) {
  const fate = fateOf(sizes);
  start.setAttribute("class", `signal is-${TONES[fate]}`);
  title.previousElementSibling.replaceWith(mark(TONES[fate], 20));
  const paths = [bars(sizes.signal, SIGNAL), bars(sizes.gradient, GRADIENT)]; // dim ones, then the bright ones over them
  start.querySelectorAll("path").forEach((drawn, index) => drawn.setAttribute("d", paths[index % 2]));
  const end = sizes.signal.at(-1);
  told.textContent = t(`home.${fate}`, { layers: LAYERS, left: count(1 / end), times: times(end) });
  title.textContent = t(fate === "arrives" ? "home.start.well" : "home.start");
}

function slider(stddev) {
  const text = `σ = ${exact(stddev)}`;
  return h(
    "div",
    { class: "home-slider" },
    h("span", {}, h("label", { for: "home-stddev" }, t("home.stddev")), h("output", { for: "home-stddev" }, text)),
    h("input", {
      id: "home-stddev",
      type: "range",
      min: 0,
      max: STEPS,
      step: 1,
      value: placeOf(stddev),
      "data-key": "home-stddev",
      "aria-valuetext": text,
      oninput: ({ target }) => edit("home", ({ home }) => (home.stddev = deviationAt(Number(target.value)))),
    }),
  );
}

const opens = () =>
  h("button", { type: "button", class: "quiet", "data-key": "home-open", onclick: () => lead("diagnosis", mine()) }, t("home.open"));

const motion = () =>
  h(
    "button",
    {
      type: "button",
      class: "quiet",
      "data-key": "home-motion",
      onclick: () => update(() => (stopped = !stopped)),
    },
    icon(stopped ? "play" : "stop"),
    t(stopped ? "home.moving" : "home.still"),
  );

function lead(view, spec) {
  edit("view", (shared) => {
    shared.view = view;
    if (spec) shared.spec = spec;
  });
  scrollTo(0, 0);
}

home.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  lead(link.dataset.view);
});
document.getElementById("home-compare").addEventListener("click", (event) => {
  event.preventDefault();
  edit("view", (shared) => {
    shared.view = "compare";
    shared.spec = mine();
    shared.compare = { a: asInView(), b: { ...asInView(), scheme: "he_normal" } };
  });
  scrollTo(0, 0);
});
