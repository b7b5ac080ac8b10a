// The five verdicts: each has a shape of its own beside its colour and its words.
import "./words.js";
import { h, svg } from "../frame/dom.js";
import { t } from "../words/language.js";

// The worst first, as the service tells a network by its worst layer.
export const SEVERITY = ["symmetric", "dead", "steep", "low-gradient", "normal"];

// Paths in a box of 16 by 16.
const SHAPES = {
  normal: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z",
  "low-gradient": "M1.2 2.6H14.8L8 14.4z",
  steep: "M1.2 13.4H14.8L8 1.6z",
  symmetric: "M2 2H14V14H2z",
  dead: "M4.2 1.8L8 5.6L11.8 1.8L14.2 4.2L10.4 8L14.2 11.8L11.8 14.2L8 10.4L4.2 14.2L1.8 11.8L5.6 8L1.8 4.2z",
  unknown: "M8 6a2 2 0 1 0 0 4a2 2 0 1 0 0-4z",
};

// Drawn into a large shape.
const INNER = {
  normal: "M5 8.2l2.2 2.2L11.2 6",
  "low-gradient": "M5.6 5.4h4.8",
  steep: "M8 6.8v3.2M8 11.8v.01",
  symmetric: "M5 6.5h6M5 9.5h6",
};
const LARGE = 24;

const shapeOf = (verdict) => SHAPES[verdict] ?? SHAPES.unknown;

export function mark(verdict, size = 14) {
  return svg(
    "svg",
    { class: `mark is-${verdict}`, viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true" },
    svg("path", { d: shapeOf(verdict) }),
    size >= LARGE && INNER[verdict] ? svg("path", { class: "mark-inner", d: INNER[verdict] }) : null,
  );
}

export function markAt(verdict, x, y, size = 11) {
  const scale = size / 16;
  const place = `translate(${(x - size / 2).toFixed(1)} ${(y - size / 2).toFixed(1)}) scale(${scale.toFixed(3)})`;
  return svg("path", { class: `mark-in-chart is-${verdict}`, d: shapeOf(verdict), transform: place });
}

export function pill(verdict) {
  return h("span", { class: `pill is-${verdict}` }, mark(verdict), t(`verdict.${verdict}`));
}
