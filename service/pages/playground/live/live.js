// What this browser computes itself: weights that are the service's to the last bit, and passes and trainings on them.
import { beside } from "./beside.js";
import { isPassable } from "./chain.js";
import { remembering } from "./remembered.js";

export { arrays, drawable } from "./drawing.js";
export { digestIn } from "./proof.js";
export { trainable } from "./question.js";

// Whether a spec is a chain of dense layers that this browser can send a batch through.
export const passable = isPassable;

const [remembered, proofs] = [remembering(), remembering()];
let trainings = 0;

// The layers of a passable spec as POST /diagnose with `distributions` measures them: a promise of {inputs, layers:
// [{name, type, activation, inputs, judged_by, forward, backward}]}. A batch of null is as many examples as the service would draw.
export const passed = (spec, { batch = null } = {}) => remembered(JSON.stringify([spec, batch]), () => beside("pass", { spec, batch }));

// The first values of a drawable spec's array and its digest, as a promise: {key, shape, count, values, sha256}. `digestIn`
// finds the service's digest of it in an answer of POST /init. A digest of many numbers takes its time, beside the page.
export const proof = (spec, place = 0) => proofs(JSON.stringify([spec, place]), () => beside("proof", { spec, place }));

// Yields {event, data} of a trainable question as POST /train does. It goes on only as far as somebody takes events:
// not to take the next one is to pause; to leave the loop, or to abort, is to stop.
export async function* events(question, signal) {
  const id = ++trainings;
  const check = () => signal?.throwIfAborted();
  await beside("begin", { id, question });
  try {
    for (let done = false; !done; ) {
      check();
      const more = await beside("more", { id });
      for (const event of more.events) {
        check();
        yield event;
      }
      done = more.done;
    }
  } finally {
    await beside("drop", { id });
  }
}
