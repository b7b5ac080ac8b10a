"""A layer's weights as /init returns them, read straight into arrays that a pass can use."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.analysis.tape import Node
from service.analysis.threads import side_by_side
from service.networks.plan import PlannedLayer, PlannedParameter
from service.stream.drawing import BLOCK
from service.stream.dtypes import DTYPES


def load(planned: PlannedLayer, exactness: type[np.floating[Any]] = np.float64) -> dict[str, Node]:
    """Return a layer's weights by their canonical names, in float64 or float32."""
    return {one.source.stated.name: Node(values_of(one, exactness)) for one in planned.parameters}


def values_of(parameter: PlannedParameter, exactness: type[np.floating[Any]]) -> NDArray[Any]:
    """Draw an array, by several threads where every element has an address of its own."""
    drawing, read = parameter.open(), DTYPES[parameter.dtype].read
    values = np.empty(parameter.elements, exactness)

    def draw(first: int) -> None:
        count = min(BLOCK, values.size - first)
        values[first : first + count] = read(drawing.draw(first, count))

    blocks = range(0, values.size, BLOCK)
    if parameter.array.addressable:
        side_by_side(draw, blocks)
    else:
        for first in blocks:
            stopping.give_way()
            draw(first)
    return values.reshape(parameter.shape)


def as_exact(batch: NDArray[Any], exactness: type[np.floating[Any]]) -> NDArray[Any]:
    return batch.astype(exactness, copy=False) if batch.dtype.kind == "f" else batch
