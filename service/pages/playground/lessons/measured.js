// Networks that this browser sends a batch through beside the page, one at a time, for pictures that follow a slider.
import { update } from "../frame/state.js";
import { passed } from "../live/live.js";

const slots = new Map(); // a picture's place for a network: what it asked for last, and what was found last
let working = false;

// The layers of a spec as a diagnosis measures them; while they are being measured those found before in this slot, at
// first null. Whoever asks anew in a slot gives up what was asked there before.
export function measured(slot, spec, batch = null) {
  const question = JSON.stringify([spec, batch]);
  const known = slots.get(slot) ?? { question: null, answered: null, layers: null };
  slots.set(slot, known);
  if (known.question !== question) {
    Object.assign(known, { question, spec, batch });
    work();
  }
  return known.layers;
}

const waiting = () => [...slots.values()].find(({ question, answered }) => question !== answered);

async function work() {
  if (working) return;
  working = true;
  for (let slot = waiting(); slot; slot = waiting()) {
    const { question, spec, batch } = slot;
    const { layers } = await passed(spec, { batch });
    update(() => Object.assign(slot, { answered: question, layers }));
  }
  working = false;
}
