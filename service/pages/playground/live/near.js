// What this browser knows of a spec at once, before the service has answered: statistics of its weights, and the sizes
// and distributions of a pass. A verdict is the service's alone.
import { drawable } from "./drawing.js";
import { passable, passed } from "./live.js";
import { statistics } from "./statistics.js";

const ZONE = { low: 1 / 512, high: 32 }; // of slopes in which a layer learns, as the service has it
const running = new Set(); // places for which a pass is being made
const next = new Map(); // what is to be passed after that, the latest alone

const isBatch = (batch) => batch === null || (Number.isSafeInteger(batch) && batch >= 2 && batch <= 1024);

// {statistics, diagnosis}, each in the form of the service's answer as far as this browser can say it, or null. What is
// computed beside the page is told by `later` once it is there; while many are asked for of one place, some are left out.
export function near(place, spec, batch, later) {
  const found = { statistics: drawable(spec) ? statistics(spec) : null, diagnosis: null };
  if (isBatch(batch) && passable(spec)) pass(place, () => passed(spec, { batch }).then((told) => later({ ...found, diagnosis: { ...told, zone: ZONE } })));
  return found;
}

async function pass(place, make) {
  next.set(place, make);
  if (running.has(place)) return;
  running.add(place);
  while (next.has(place)) {
    const made = next.get(place);
    next.delete(place);
    await made().catch(() => {}); // where no worker starts, the service's answer will do
  }
  running.delete(place);
}

// What pictures are made of now: the service's answer, or until it is there what is known near.
export const measured = ({ diagnosis, near }) => diagnosis ?? near?.diagnosis ?? null;
export const counted = ({ statistics, near }) => statistics ?? near?.statistics ?? null;
