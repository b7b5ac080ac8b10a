// The two sides of a comparison: what each is, and the pairs that are worth a button.
import { edit } from "../frame/state.js";
import { freshSeed } from "../network/spec.js";

export const SIDES = ["a", "b"];

// As the network in view, in everything: what a side changes it states. `spec` is another network altogether.
export const asInView = () => ({ spec: null, scheme: null, seed: null, algorithm: null });

// Puts the network in view beside another one, such as its repair.
export const compareWith = (spec) => together({}, { spec: structuredClone(spec) });

function together(a, b) {
  edit("compare", (shared) => {
    shared.view = "compare";
    shared.compare = { a: { ...asInView(), ...a }, b: { ...asInView(), ...b } };
  });
}

// The pairs by name; the repair alone needs an answer that has one.
export const PAIRS = {
  repair: (remedied) => compareWith(remedied),
  schemes: () => together({ scheme: "glorot_normal" }, { scheme: "he_normal" }),
  seeds: () => together({}, { seed: freshSeed() }),
  streams: () => together({ algorithm: "initserve/1" }, { algorithm: "torch-cpu/1" }),
};
