// What the service's plan says of a spec beside its weights: how layers are joined, a config in full, what tensors were
// taken for. It is asked once for each spec, when somebody wants to know.
import { ask } from "../frame/service.js";
import { update } from "../frame/state.js";

const PAUSE = 300; // milliseconds: typing is over
const REMEMBERED = 12;

const known = new Map(); // by the spec's text: its plan; null while it is asked for, and where it was refused
let waiting = 0;
let latest = null; // the last plan that came, with whose recipe and config the next one is shown meanwhile

export function planned(spec) {
  const text = JSON.stringify(spec);
  if (!known.has(text)) {
    clearTimeout(waiting);
    waiting = setTimeout(() => send(text), PAUSE);
  }
  return known.get(text) ?? null;
}

// A plan of the same recipe as before: fields that show it stay while the new one is on its way.
export const plannedOrLast = (spec) => planned(spec) ?? (latest?.recipe === spec.recipe ? latest.plan : null);

async function send(text) {
  known.set(text, null);
  if (known.size > REMEMBERED) known.delete(known.keys().next().value);
  const spec = JSON.parse(text);
  const plan = await ask("plan?include=network", spec).catch(() => null);
  known.set(text, plan);
  if (plan) latest = { recipe: spec.recipe, plan };
  update(() => {});
}

// The spec with a recipe's layers in its place, whose weights are the same; null where only the recipe says them.
export async function writtenOut(spec) {
  const { network, layout, dtype, seed } = await ask("plan?include=network", spec);
  if (!network?.replaces) return null;
  const { recipe, size, config, head, rules, layers, ...others } = spec;
  return {
    seed,
    ...(network.input_shape && { input_shape: shortShape(network.input_shape) }),
    ...others,
    layout,
    ...(dtype !== "float32" && { dtype }),
    ...(network.rules.length && { rules: network.rules }),
    layers: network.layers,
  };
}

// A single input's shape as a spec says it for short.
function shortShape(shapes) {
  const names = Object.keys(shapes);
  return names.length === 1 && names[0] === "input" ? shapes.input : shapes;
}
