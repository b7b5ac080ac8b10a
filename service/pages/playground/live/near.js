// What this browser knows of a spec at once, before the service has answered: statistics of its weights, and the sizes
// and distributions of a pass. A verdict is the service's alone.
import { beside } from "./beside.js";
import { drawable } from "./drawing.js";
import { passable, passed } from "./live.js";

const ZONE = { low: 1 / 512, high: 32 }; // of slopes in which a layer learns, as the service has it
const running = new Set(); // places for which a pass is being made
const next = new Map(); // what is to be passed after that, the latest alone

const isBatch = (batch) => batch === null || (Number.isSafeInteger(batch) && batch >= 2 && batch <= 1024);

// Tells `show` of {statistics, diagnosis}, each in the form of the service's answer as far as this browser can say it, or
// null: first of one, then of both, once they are made beside the page. While many are asked for of one place, some are
// left out.
export function near(place, spec, batch, show) {
  if (drawable(spec)) inTurn(place, () => made(spec, batch, show));
}

async function made(spec, batch, show) {
  const statistics = await beside("statistics", { spec });
  show({ statistics, diagnosis: null });
  if (!isBatch(batch) || !passable(spec)) return;
  show({ statistics, diagnosis: { ...(await passed(spec, { batch })), zone: ZONE } });
}

async function inTurn(place, make) {
  next.set(place, make);
  if (running.has(place)) return;
  running.add(place);
  while (next.has(place)) {
    const latest = next.get(place);
    next.delete(place);
    await latest().catch(() => {}); // where no worker starts, the service's answer will do
  }
  running.delete(place);
}

// What pictures are made of now: the service's answer, or until it is there what is known near.
export const measured = ({ diagnosis, near }) => diagnosis ?? near?.diagnosis ?? null;
export const counted = ({ statistics, near }) => statistics ?? near?.statistics ?? null;
