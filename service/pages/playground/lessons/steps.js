// The steps of the lesson path as data, the networks that they speak of, and where the reader is on it.
import { edit, state, update } from "../frame/state.js";
import { recall, remember } from "../frame/remembered.js";
import { stop } from "../starts/playing.js";

export const { steps: STEPS, citations: CITATIONS } = await (await fetch(new URL("./lessons.json", import.meta.url))).json();

export const HANDOUT = "handout"; // all steps one after the other, to be printed
const REMEMBERED = "initserve-lessons";

export const isHandout = ({ lesson }) => lesson.step === HANDOUT;
export const placeOf = ({ lesson }) => Math.max(0, STEPS.findIndex(({ id }) => id === lesson.step));

// The chain of dense layers that a network of lessons.json stands for, as a spec.
export function specOf({ in: first, width, depth, out, activation, scheme, defaults }) {
  const sizes = Array(depth + 1).fill(width);
  sizes[0] = first ?? width;
  sizes[depth] = out ?? width;
  const layers = sizes.slice(1).map((size, index) => {
    const last = out !== undefined && index === depth - 1;
    return {
      name: last ? "out" : `fc${index + 1}`,
      type: "dense",
      shape: [sizes[index], size],
      activation: last ? "linear" : activation,
      ...(scheme && { scheme }),
    };
  });
  return { seed: "1", ...(defaults && { defaults }), layers };
}

// A training of lessons.json as POST /train takes it; `starts` are what the page calls its schemes.
export const questionOf = ({ network, starts, ...rest }) => ({ ...specOf(network), ...rest });

export function go(id) {
  stop();
  visit(id);
  edit("lesson step", ({ lesson }) => (lesson.step = id));
}

// What a reader has been to and has predicted, kept for the next visit. It is no part of a link: whoever opens one
// predicts for themselves.
export function recallVisits() {
  try {
    const { visited, predicted } = JSON.parse(recall(REMEMBERED)) ?? {};
    const known = STEPS.map(({ id }) => id);
    state.lesson.visited = known.filter((id) => visited?.includes?.(id));
    for (const { id, options } of STEPS) {
      const option = predicted?.[id];
      if (Number.isInteger(option) && option >= 0 && option < options) state.lesson.predicted[id] = option;
    }
  } catch {
    // Kept by an older page, or by another hand: the path begins anew.
  }
}

const keep = () => {
  const { visited, predicted } = state.lesson;
  remember(REMEMBERED, JSON.stringify({ visited, predicted }));
};

export function visit(id) {
  const { visited } = state.lesson;
  if (id === HANDOUT || visited.includes(id)) return;
  visited.push(id);
  keep();
}

export function predict(id, option) {
  update(({ lesson }) => {
    if (option === null) delete lesson.predicted[id];
    else lesson.predicted[id] = option;
  });
  keep();
}

export function startOver() {
  Object.assign(state.lesson, { visited: [], predicted: {}, trained: {} });
  keep();
  go(STEPS[0].id);
}
