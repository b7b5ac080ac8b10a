// Changes to the layers of the network in view.
import { follow, layersOf } from "./spec.js";
import { edit } from "../frame/state.js";

// Layers are changed on a copy: what was asked about and remembered must not change under it.
export function change(kind, mutate) {
  edit(kind, (shared) => {
    const layers = structuredClone(layersOf(shared.spec));
    mutate(layers);
    shared.spec = { ...shared.spec, layers: follow(layers) };
  });
}
