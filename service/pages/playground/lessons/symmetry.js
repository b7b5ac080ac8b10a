// The picture of symmetry: stripes of equal weights and bars of equal answers, beside those of a random start.
import { h, svg } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit, state, update } from "../frame/state.js";
import { number, t } from "../words/language.js";
import { figure } from "../charts/charts.js";
import { rangeField } from "../network/fields.js";
import { STEPS, twins } from "./twins.js";

const PACE = 50; // milliseconds a step
const CELL = 30;
const GAP = 26; // between weights and answers
const BARS = 56; // pixels of the tallest answer, up or down
const LEFT = 34;
let timer = 0;

export function symmetry({ network }, { shared, width, keep, handout }) {
  const step = handout ? STEPS : Math.min(STEPS, Math.max(0, Math.round(Number(shared.lesson.after) || 0)));
  const starts = twins(network);
  const ready = starts.every(({ steps }) => steps);
  const most = ready && Math.max(...starts.flatMap(({ steps }) => Array.from(steps[step].weights, Math.abs)));
  return h(
    "div",
    { class: "lesson-figure" },
    h(
      "div",
      { class: "lesson-controls" },
      rangeField({
        key: "lesson/after",
        label: t("lesson.symmetry.slider"),
        value: step,
        least: 0,
        most: STEPS,
        step: 1,
        text: `${step}`,
        set: (value) => {
          clearInterval(timer);
          edit("lesson after", ({ lesson }) => (lesson.after = value));
        },
      }),
      h("button", { type: "button", class: "quiet", "data-key": "lesson-play", onclick: play }, icon("play"), t("lesson.symmetry.play")),
    ),
    h(
      "div",
      { class: "lesson-three" },
      ready
        ? starts.map(({ name, steps }) => keep(`twins-${name}`, [step, width], () => one(name, steps[step], most)))
        : h("div", { class: "lesson-room" }),
    ),
    h("p", { class: "note" }, t("lesson.symmetry.legend")),
  );
}

function one(name, { weights, inputs, neurons, answers, different }, most) {
  const title = t(`lesson.symmetry.${name}`);
  const width = LEFT + neurons * CELL;
  const height = inputs * CELL + GAP + 2 * BARS + 6;
  const label = t("lesson.symmetry.text", { title, different, neurons, answers: answers.map(number).join("; ") });
  const picture = svg("svg", { class: "chart twins", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (let input = 0; input < inputs; input++)
    for (let neuron = 0; neuron < neurons; neuron++) picture.append(cell(weights[input * neurons + neuron], input, neuron, most));
  picture.append(...axis(inputs, neurons));
  const zero = inputs * CELL + GAP + BARS;
  picture.append(svg("line", { class: "base", x1: LEFT, x2: width, y1: zero, y2: zero }));
  answers.forEach((answer, neuron) => {
    const tall = Math.max(1.5, Math.abs(answer) * BARS);
    const y = answer >= 0 ? zero - tall : zero;
    picture.append(svg("rect", { class: "twin-answer", x: LEFT + neuron * CELL + 6, y, width: CELL - 12, height: tall, rx: 2 }, svg("title", {}, number(answer))));
  });
  const count = t(different > 1 ? "lesson.symmetry.many" : "lesson.symmetry.one", { different, neurons });
  return h(
    "div",
    { class: `twins-figure${different > 1 ? " many" : ""}` },
    figure({
      key: `twins-${name}`,
      title,
      chart: picture,
      note: count,
      table: {
        caption: title,
        columns: [t("lesson.symmetry.input"), ...answers.map((_, neuron) => `${neuron + 1}`)],
        rows: Array.from({ length: inputs }, (_, input) => [
          `${input + 1}`,
          ...answers.map((_, neuron) => number(weights[input * neurons + neuron])),
        ]),
      },
    }),
  );
}

function cell(weight, input, neuron, most) {
  const kind = weight < 0 ? "below" : "above";
  const share = most ? Math.abs(weight) / most : 0;
  const place = { x: LEFT + neuron * CELL + 1, y: input * CELL + 1, width: CELL - 2, height: CELL - 2, rx: 3 };
  return svg("g", {}, svg("rect", { ...place, class: "twin-ground" }), svg("rect", { ...place, class: `twin-${kind}`, "fill-opacity": share.toFixed(3) }, svg("title", {}, number(weight))));
}

function axis(inputs, neurons) {
  const rows = Array.from({ length: inputs }, (_, input) => [LEFT - 8, input * CELL + CELL / 2 + 4, `x${input + 1}`, "end"]);
  const columns = Array.from({ length: neurons }, (_, neuron) => [LEFT + neuron * CELL + CELL / 2, inputs * CELL + 17, `${neuron + 1}`, "middle"]);
  return [...rows, ...columns].map(([x, y, text, anchor]) => svg("text", { x, y, "text-anchor": anchor, "aria-hidden": "true" }, text));
}

// Whoever wants no motion is shown the end.
function play() {
  clearInterval(timer);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const put = (step) => update(({ shared }) => (shared.lesson.after = step));
  put(still ? STEPS : 0);
  const end = () => {
    clearInterval(timer);
    edit("lesson after", () => {});
  };
  if (still) return end();
  timer = setInterval(() => {
    if (state.shared.lesson.after >= STEPS || !document.querySelector(".twins")) return end();
    put(Number(state.shared.lesson.after) + 1);
  }, PACE);
}
