"""Dense layers, with a low-rank addition where they have one; rows of a table; a matrix turned round."""

from typing import Any

from service.analysis import tape
from service.analysis.rules.rule import Weights, with_bias
from service.analysis.tape import Node


def dense(layer: Any, weights: Weights, x: Node) -> Node:
    y = with_bias(tape.times(x, weights["kernel"]), weights)
    if "lora_kernel_a" not in weights:
        return y
    return tape.add(y, tape.times(tape.times(x, weights["lora_kernel_a"]), weights["lora_kernel_b"]))


def embedding(layer: Any, weights: Weights, tokens: Node) -> Node:
    rows = tokens.value.astype("int64", copy=False) + layer.offset
    return tape.look_up(weights["embeddings"], rows, layer.padding_index)


def turned(weights: Weights, x: Node) -> Node:
    """Return x times the transpose of a layer's matrix: an embedding's way back to words, say."""
    matrix = weights["embeddings"] if "embeddings" in weights else weights["kernel"]
    return tape.times(x, matrix, transposed=True)


def tensor(layer: Any, weights: Weights) -> Node:
    """Return the layer's array as one example, which what takes it repeats for all."""
    (array,) = weights.values()
    return tape.reshape(array, (1, *array.value.shape))
