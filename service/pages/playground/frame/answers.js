// Asks the service about the specs in view, soon after they change; an answer is there only for the spec in view.
import { ask, isOffline, isShut } from "./service.js";
import { isOfNetwork, state, unasked, update } from "./state.js";
import { withScheme } from "../network/spec.js";

const PAUSE = 250; // milliseconds: typing is over
const REMEMBERED = 24;
const remembered = new Map(); // a spec with a seed has one answer for ever
const running = new Map();
const waiting = new Map();

// A side of the comparison as a spec of its own. Arrays keep Keras's names and axes under every framework's stream, so
// that both sides have the same.
export function sideSpec({ spec: inView, compare }, side) {
  const { spec, scheme, seed, algorithm } = compare[side];
  const base = spec ?? inView;
  const started = scheme === null ? base : withScheme(base, scheme);
  return {
    ...started,
    ...(seed !== null && { seed }),
    ...(algorithm !== null && { algorithm, layout: base.layout ?? "keras" }),
  };
}

export function follow({ shared }) {
  if (!isOfNetwork(shared.view)) return;
  schedule("stack", shared.spec, shared.batch);
  if (shared.view !== "compare") return;
  schedule("a", sideSpec(shared, "a"), shared.batch);
  schedule("b", sideSpec(shared, "b"), shared.batch);
}

function schedule(place, spec, batch) {
  const question = JSON.stringify([spec, batch]);
  if (waiting.get(place)?.question === question) return;
  clearTimeout(waiting.get(place)?.timer);
  running.get(place)?.abort();
  const known = remembered.get(question);
  const timer = known ? 0 : setTimeout(() => send(place, spec, batch, question), PAUSE);
  waiting.set(place, { question, timer });
  update(({ answers }) => (answers[place] = known ?? { ...unasked(), before: lastOf(answers[place]), asking: true }));
  if (!known) drawNear(place, spec, batch, question);
}

// What this browser knows by itself stands in the answer's place until that is here, and after it where none comes.
async function drawNear(place, spec, batch, question) {
  const { near } = await import("../live/near.js");
  const isPresent = () => waiting.get(place)?.question === question && !state.answers[place].diagnosis;
  const show = (found) => isPresent() && update(({ answers }) => (answers[place] = { ...answers[place], near: found }));
  if (isPresent()) near(place, spec, batch, show);
}

// How many examples a diagnosis sends through; null leaves it to the service.
export const withBatch = (spec, batch) => (batch === null ? spec : { ...spec, batch });

const lastOf = ({ statistics, diagnosis, before }) => (diagnosis ? { statistics, diagnosis } : before);

async function send(place, spec, batch, question) {
  const controller = new AbortController();
  running.set(place, controller);
  const answers = await Promise.allSettled([
    ask("init?include=statistics", spec, controller.signal),
    diagnosed(withBatch(spec, batch), controller.signal),
  ]);
  if (controller.signal.aborted) return;
  const [statistics, diagnosis] = answers.map((answer) => answer.value ?? null);
  // What is too large to be made here as a whole has addresses all the same.
  const tooLarge = answers[0].reason?.type === "/problems/too-large";
  const plan = tooLarge ? await ask("plan", spec, controller.signal).catch(() => null) : null;
  if (controller.signal.aborted) return;
  const problems = distinct(answers.filter((answer) => answer.status === "rejected").map((answer) => answer.reason));
  const { before, near } = state.answers[place];
  const answer = { ...unasked(), statistics, plan, diagnosis, problems, before: problems.length ? before : null };
  if (problems.some(isOffline) || problems.some(isShut)) answer.near = near;
  if (!problems.length) {
    remembered.set(question, answer);
    if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value);
  } else {
    if (!problems.some(isOffline)) waiting.delete(place); // so that the same question may be asked again
  }
  update((current) => (current.answers[place] = answer));
}

// With how values are distributed, or without where counting them would be too much.
const diagnosed = (question, signal) =>
  ask("diagnose", { ...question, distributions: true }, signal).catch((problem) => {
    if (problem.type !== "/problems/too-large") throw problem;
    return ask("diagnose", question, signal);
  });

// What both questions are refused for is told once, as the first one's.
const distinct = (problems) =>
  problems.filter((problem, index) => index === problems.findIndex((other) => saysTheSame(other, problem)));
const saysTheSame = (one, other) =>
  (isShut(one) && isShut(other)) ||
  (one.detail === other.detail && JSON.stringify(one.errors) === JSON.stringify(other.errors));
