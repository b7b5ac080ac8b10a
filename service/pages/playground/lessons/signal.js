// The picture of scale: what every layer gives as a distribution, for a deviation that a slider sets.
import { h } from "../frame/dom.js";
import { edit } from "../frame/state.js";
import { exact, number, t } from "../words/language.js";
import { rangeField } from "../network/fields.js";
import { ridgeFigure } from "../diagnosis/ridges.js";
import { pill } from "../diagnosis/verdicts.js";
import { measured } from "./measured.js";
import { specOf } from "./steps.js";
import { verdictOf } from "./verdict.js";

const [LEAST, MOST] = [-3, 0.5]; // powers of ten
const REACH = { low: -14, high: 1 }; // of the axis, whatever the slider says
const PLACES = [0.001, 0.01, 0.18, 1];

export const scaled = (network, stddev) => specOf({ ...network, scheme: { name: "random_normal", stddev } });
export const threeDigits = (value) => Number(value.toPrecision(3));

export function signal({ network }, { shared, width, keep }) {
  const stddev = clamped(shared.lesson.stddev);
  const spec = scaled(network, stddev);
  const layers = measured("scale", spec);
  const factor = stddev * Math.sqrt(network.width);
  const set = (value) => edit("lesson stddev", ({ lesson }) => (lesson.stddev = value));
  return h(
    "div",
    { class: "lesson-figure" },
    h(
      "div",
      { class: "lesson-controls" },
      rangeField({
        key: "lesson/stddev",
        label: t("lesson.scale.slider"),
        value: Math.log10(stddev),
        least: LEAST,
        most: MOST,
        step: 0.01,
        text: `σ = ${exact(stddev)}`,
        set: (value) => set(threeDigits(10 ** value)),
      }),
      h(
        "div",
        { class: "chips", role: "group", "aria-label": t("lesson.places") },
        PLACES.map((place) => chip(`σ = ${exact(place)}`, place === stddev, () => set(place))),
      ),
    ),
    h(
      "p",
      { class: "lesson-read" },
      t("lesson.scale.factor", { factor: number(factor), width: network.width }),
      " ",
      verdictLine(spec),
    ),
    layers
      ? keep("signal", [layers, width], () =>
          ridgeFigure(layers, "forward", {
            width,
            key: "lesson-signal",
            title: t("lesson.scale.figure"),
            axis: "magnitude",
            reach: REACH,
            judged: false,
          }),
        )
      : h("div", { class: "lesson-room" }),
  );
}

export const chip = (text, on, onclick) =>
  h("button", { type: "button", class: "chip", "data-key": `chip-${text}`, "aria-pressed": `${on}`, onclick }, text);

// The service's verdict, once it is there.
function verdictLine(spec) {
  const verdict = verdictOf(spec);
  if (verdict === "offline") return h("span", { class: "note" }, t("lesson.offline"));
  return verdict ? pill(verdict) : h("span", { class: "pill waiting-pill" }, t("asking"));
}

function clamped(stddev) {
  const value = Number(stddev);
  return value > 0 ? Math.min(10 ** MOST, Math.max(10 ** LEAST, value)) : 0.01;
}
