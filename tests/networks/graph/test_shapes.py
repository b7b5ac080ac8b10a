"""What layers give for what they take, by hand; rules that run are held to it, and to the real frameworks."""

from typing import Any

import pytest

from service.api.example_networks import EXAMPLES
from service.errors import InvalidSpec
from service.networks.graph.shapes import shapes_of
from service.networks.layers.structure import STRUCTURE
from service.specs.spec import Spec

Document = dict[str, Any]
IMAGE = {"input": [7, 6, 4]}


def gives(layer: Document, *inputs: list[int]) -> list[list[int]]:
    """Return what one layer gives for inputs of these shapes, without the batch."""
    names = ["input", "b", "c", "d"][: len(inputs)]
    stated = {"inputs": names, **layer}
    shapes = dict(zip(names, inputs, strict=True))
    spec = Spec.model_validate({"input_shape": shapes, "layers": [stated]})
    *_, last = shapes_of(spec.graph, {name: (2, *shape) for name, shape in shapes.items()})
    return [[*shape[1:]] for shape in last]


CONV: Document = {"type": "conv2d", "shape": [3, 3, 4, 8]}
BACK: Document = {"type": "conv2d_transpose", "shape": [3, 3, 4, 8], "strides": 2}
ROWS: list[tuple[Document, list[list[int]], list[list[int]]]] = [
    (CONV, [[7, 6, 4]], [[7, 6, 8]]),
    ({**CONV, "padding": "valid"}, [[7, 6, 4]], [[5, 4, 8]]),
    ({**CONV, "padding": "same", "strides": 2}, [[7, 6, 4]], [[4, 3, 8]]),
    ({**CONV, "padding": 1, "strides": [2, 3]}, [[7, 6, 4]], [[4, 2, 8]]),
    ({**CONV, "padding": [[0, 1], [2, 0]], "dilation": 2}, [[7, 6, 4]], [[4, 4, 8]]),
    (BACK, [[7, 6, 4]], [[14, 12, 8]]),
    ({**BACK, "padding": "valid"}, [[7, 6, 4]], [[15, 13, 8]]),
    ({**BACK, "padding": 1, "output_padding": 1}, [[7, 6, 4]], [[14, 12, 8]]),
    ({"type": "max_pool", "window": 2}, [[7, 6, 4]], [[3, 3, 4]]),
    ({"type": "average_pool", "window": 3, "strides": 2, "padding": "same"}, [[7, 6, 4]], [[4, 3, 4]]),
    ({"type": "max_pool", "window": 3, "strides": 2, "padding": 1}, [[7, 6, 4]], [[4, 3, 4]]),
    ({"type": "global_average_pool"}, [[7, 6, 4]], [[4]]),
    ({"type": "upsample", "factor": [2, 3]}, [[7, 6, 4]], [[14, 18, 4]]),
    ({"type": "pad", "padding": [[1, 2], [0, 0], [-1, 1]]}, [[7, 6, 4]], [[10, 6, 4]]),
    ({"type": "flatten"}, [[7, 6, 4]], [[168]]),
    ({"type": "reshape", "shape": [42, -1]}, [[7, 6, 4]], [[42, 4]]),
    ({"type": "transpose", "axes": [3, 1, 2]}, [[7, 6, 4]], [[4, 7, 6]]),
    ({"type": "split", "sizes": [1, -1], "axis": 1}, [[7, 6, 4]], [[1, 6, 4], [6, 6, 4]]),
    ({"type": "add"}, [[7, 6, 4], [1, 1, 4]], [[7, 6, 4]]),
    ({"type": "multiply"}, [[7, 1, 4], [1, 6, 1]], [[7, 6, 4]]),
    ({"type": "concatenate"}, [[7, 4], [7, 3]], [[7, 7]]),
    ({"type": "concatenate", "axis": 1}, [[7, 4], [2, 4]], [[9, 4]]),
    ({"type": "dot_product_attention", "heads": 4, "key_heads": 2}, [[5, 8], [9, 4], [9, 4]], [[5, 8]]),
    ({"type": "relative_positions"}, [[5, 8], [9, 8]], [[5, 9]]),
    ({"type": "lstm", "shape": [8, 3], "bidirectional": True}, [[5, 8]], [[5, 6]]),
    ({"type": "multi_head_attention", "shape": [8, 2, 4]}, [[5, 8], [9, 8]], [[5, 8]]),
    ({"type": "dense", "shape": [168, 3]}, [[7, 6, 4]], [[3]]),  # as if a flatten stood before it
]


@pytest.mark.parametrize(("layer", "inputs", "expected"), ROWS, ids=lambda value: str(value)[:60])
def test_shapes_are_known_before_a_number_is_drawn(
    layer: Document, inputs: list[list[int]], expected: list[list[int]]
) -> None:
    assert gives(layer, *inputs) == expected


@pytest.mark.parametrize(
    ("layer", "inputs", "words"),
    [
        ({**CONV, "padding": "valid"}, [[2, 6, 4]], "at least 3 places along each axis"),
        (CONV, [[7, 4]], "height, width, channels with 4 channels"),
        ({"type": "max_pool", "window": [2, 2, 2]}, [[7, 6, 4]], "places along 3 axes"),
        ({"type": "max_pool", "window": 2, "padding": 2}, [[7, 6, 4]], "a padding narrower than its window"),
        ({"type": "add"}, [[7, 4]], "two inputs or more"),
        ({"type": "add"}, [[7, 4], [7, 3]], "one shape, but for sizes of 1, and 7 × 4 and 7 × 3 come in"),
        ({"type": "concatenate", "axis": 1}, [[7, 4], [7, 3]], "differ along axis 1 alone"),
        ({"type": "concatenate", "axis": 5}, [[7, 4], [7, 3]], "more axes"),
        ({"type": "split", "sizes": [4, 4]}, [[7, 4]], "takes 8 along axis -1"),
        ({"type": "split", "sizes": [4, -1]}, [[7, 4]], "more than 4 along axis -1"),
        ({"type": "reshape", "shape": [5, -1]}, [[7, 4]], "as many numbers as"),
        ({"type": "transpose", "axes": [2, 1]}, [[7, 6, 4]], "takes 2 axes"),
        ({"type": "pad", "padding": [[-7, 0], [0, 0]]}, [[7, 4]], "more than it cuts off"),
        ({"type": "global_average_pool"}, [[4]], "places along one to three axes"),
        ({"type": "dot_product_attention", "heads": 3}, [[5, 8], [5, 8], [5, 8]], "queries of 3 heads"),
        ({"type": "rotary", "heads": 4}, [[5, 12]], "an even number each"),
        ({"type": "layer_norm", "shape": [3]}, [[7, 4]], "3 as the last of an example's axes"),
        ({"type": "batch_norm", "shape": [3]}, [[7, 4]], "takes 3 features"),
        ({"type": "gru", "shape": [8, 3]}, [[8]], "steps of 8 features"),
        ({"type": "tensor", "shape": [3]}, [[7, 4]], "takes nothing"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_a_layer_cannot_take_is_told(layer: Document, inputs: list[list[int]], words: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        gives(layer, *inputs)
    assert words in caught.value.detail
    assert caught.value.detail.startswith(f"{layer['type']}_0 ({layer['type']}) takes ")


def test_there_is_an_example_of_every_layer_without_weights() -> None:
    assert EXAMPLES.keys() == STRUCTURE.keys()
    for name, document in EXAMPLES.items():
        spec = Spec.model_validate(document)
        assert name in {layer.type for layer in spec.layers}
        spec.check_graph()
