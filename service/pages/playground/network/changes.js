// Changes to the network in view.
import { follow, layersOf } from "./spec.js";
import { edit } from "../frame/state.js";

// Layers are changed on a copy: what was asked about and remembered must not change under it.
export function change(kind, mutate) {
  changeSpec(kind, (spec) => {
    const layers = structuredClone(layersOf(spec));
    mutate(layers);
    return { ...spec, layers: follow(layers) };
  });
}

// `make` returns another spec for the one that there is.
export const changeSpec = (kind, make) => edit(kind, (shared) => (shared.spec = make(shared.spec)));
