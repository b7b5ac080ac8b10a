// A network that is a plain chain of dense layers, whose activations a framework has, can be written as one model.
import { layersOf } from "../../network/spec.js";

export function isChain(layers, activations) {
  return (
    layers.length > 0 &&
    layers.every(
      ({ type, layer, name }, index) =>
        type === "dense" &&
        !layer.inputs &&
        !layer.lora_rank &&
        !name.includes(".") &&
        (layer.activation ?? "linear") in activations &&
        (index === 0 || layers[index - 1].layer.shape[1] === layer.shape[0]),
    )
  );
}

// Whether all of the spec's layers are those with weights: others in between would be left out of a chain.
export const isAll = (spec, layers) => layersOf(spec).length === layers.length;
