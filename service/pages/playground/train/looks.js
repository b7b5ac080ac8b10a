// What a run that is watched showed of itself, kept small: a network's answers and its weights' histograms, by steps.

export const UNKNOWN = 255; // of a boundary: what overflowed
const CERTAIN = 254; // of a boundary: 1

export function lookOf({ step, boundary, answers, weights }) {
  return {
    step,
    boundary: boundary && { ...boundary, values: Uint8Array.from(boundary.values, packed) },
    answers,
    weights: weights.map(({ name, edges, counts }) => ({ name, low: edges[0], high: edges.at(-1), counts: Uint32Array.from(counts) })),
  };
}

const packed = (chance) => (chance === null ? UNKNOWN : Math.round(chance * CERTAIN));

// How likely class 1 is in a cell; NaN where it is not known.
export const chanceIn = ({ values, size }, column, row) => {
  const value = values[row * size + column];
  return value === UNKNOWN ? NaN : value / CERTAIN;
};

// What a run showed at a step, or last before it; at the newest where no step is asked for. Null of one not yet seen.
export function lookAt({ looks }, step) {
  if (step === null) return looks.at(-1) ?? null;
  return looks.findLast((look) => look.step <= step) ?? looks[0] ?? null;
}

// The steps at which there is something to see: those of the run that came farthest.
export function stepsSeen(runs) {
  const longest = runs.reduce((most, { looks }) => (looks.length > most.length ? looks : most), []);
  return longest.map(({ step }) => step);
}
