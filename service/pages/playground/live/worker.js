// Does beside the page what would keep it from answering the reader: passes and trainings, a slice at a time.
import { proved } from "./proof.js";
import { arrayAt } from "./drawing.js";
import { statistics } from "./statistics.js";
import { told } from "./told.js";
import { train } from "./training.js";

const SLICE = 16; // milliseconds of a training between two messages
const trainings = new Map();

function more(id) {
  const events = [];
  const end = performance.now() + SLICE;
  let next;
  do {
    next = trainings.get(id).next();
    if (next.value) events.push(next.value);
  } while (!next.done && performance.now() < end);
  if (next.done) trainings.delete(id);
  return { events, done: next.done };
}

const DOES = {
  array: ({ spec, place }) => arrayAt(spec, place),
  statistics: ({ spec }) => statistics(spec),
  proof: ({ spec, place }) => proved(spec, place),
  pass: ({ spec, batch }) => told(spec, batch),
  begin: ({ id, question }) => void trainings.set(id, train(question)),
  more: ({ id }) => more(id),
  drop: ({ id }) => void trainings.delete(id),
};

addEventListener("message", ({ data: asked }) => {
  try {
    postMessage({ number: asked.number, found: DOES[asked.does](asked) });
  } catch (error) {
    postMessage({ number: asked.number, failure: `${error.message}` });
  }
});
