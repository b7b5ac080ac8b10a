// What this browser computes itself: weights that are the service's to the last bit, and passes and trainings on them.
import { isPassable } from "./chain.js";
import { told } from "./told.js";

export { arrays, drawable } from "./drawing.js";

// Whether a spec is a chain of dense layers that this browser can send a batch through.
export const passable = isPassable;

// The layers of a passable spec as POST /diagnose with `distributions` measures them: {inputs, layers: [{name, type,
// activation, inputs, forward, backward}]}; a batch of null is as many examples as the service would draw.
export async function passed(spec, { batch = null } = {}) {
  return told(spec, batch);
}
