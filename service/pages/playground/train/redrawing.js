// Draws this view alone: what changes from step to step of a training is nothing to the rest of the page.
import { state } from "../frame/state.js";

let draw = null;
let waiting = 0;

export const drawnBy = (view) => (draw = view);

// Soon, and once for all that comes `within` so many milliseconds.
export function redraw(within = 0) {
  waiting ||= setTimeout(() => {
    waiting = 0;
    requestAnimationFrame(() => state.shared.view === "train" && draw?.());
  }, within);
}
