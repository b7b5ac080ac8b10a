// The page's few icons, as strokes in a box of 16 by 16.
import { svg } from "./dom.js";

const STROKES = {
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  left: "M13 8H3M7 4L3 8l4 4",
  right: "M3 8h10M9 4l4 4-4 4",
  remove: "M4 4l8 8M12 4l-8 8",
  add: "M8 3v10M3 8h10",
  dice: "M3 3h10v10H3zM6 6h.01M10 10h.01M8 8h.01M10 6h.01M6 10h.01",
  wrong: "M8 2l6.5 11.5h-13zM8 6.5v3M8 11.6v.01",
  copy: "M6 5h7v8H6zM3 10V3h7",
  link: "M7 9a2.5 2.5 0 0 0 3.5 0l2-2a2.5 2.5 0 0 0-3.5-3.5l-.8.8M9 7a2.5 2.5 0 0 0-3.5 0l-2 2A2.5 2.5 0 0 0 7 12.5l.8-.8",
  save: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10",
  play: "M5 3l8 5-8 5z",
  stop: "M4 4h8v8H4z",
  back: "M3 8a5 5 0 1 0 1.6-3.7M3 2.5V5.5H6",
  undo: "M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M6 3.5l-3 3 3 3",
  redo: "M13 6.5H6.5a3.5 3.5 0 0 0 0 7H10M10 3.5l3 3-3 3",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9zM10.4 10.4l3.3 3.3",
  open: "M2.5 12.5v-9h4l1.5 2h5.5v7z",
  chevron: "M6 3.5l4.5 4.5L6 12.5",
  shortcut: "M5 2.5c8 0 8 9.5 0 9.5M7.5 9.5L5 12l2.5 2.5",
  yes: "M3 8.5l3.2 3.2L13 5",
  no: "M4 4l8 8M12 4l-8 8",
  sun: "M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6zM8 1v1.5M8 13.5v1.5M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13 9.5A5.5 5.5 0 1 1 6.5 3A4.3 4.3 0 0 0 13 9.5z",
  step: "M4 3l6 5-6 5zM12 3v10",
};

export function icon(name) {
  return svg(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    svg("path", { d: STROKES[name] }),
  );
}
