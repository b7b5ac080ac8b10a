"""Cuts an array into boxes that are filled where they stand, in the memory of the whole.

What leaves in a file is made in C order: of a matrix that a framework keeps transposed such a block may hold a few
neighbours of each run of what is drawn. A box in memory may be wide both ways.
"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import TypeAlias

from service.stream.drawing import BLOCK
from service.stream.views import Form, Joined, Shape, View

WIDE = 2**10  # elements of a row in memory that are written together: as many as hide where the next row begins
COUNTER = 4  # elements that are drawn together
Box: TypeAlias = tuple[slice, ...]


def tiles(form: Form) -> Iterator[Box]:
    """Yield the boxes, of up to `BLOCK` elements each, that an array is made of."""
    if not isinstance(form, Joined):
        yield from boxes_of(form.shape, tile_of(form))
        return
    for place, part in form.placed():
        for box in tiles(part):
            along = box[form.axis]
            moved = slice(place + along.start, place + along.stop)
            yield (*box[: form.axis], moved, *box[form.axis + 1 :])


def tile_of(form: Form) -> Shape:
    """Return the shape of a tile: long along the last axis, then along that of neighbours as they are drawn."""
    axes = list(range(len(form.shape)))[::-1]
    wide = [(axis, BLOCK) for axis in axes]
    if isinstance(form, View) and axes:
        nearest = min(axes, key=lambda axis: (form.shape[axis] == 1, abs(form.strides[axis])))
        if nearest != axes[0]:
            wide = [(axes[0], WIDE), (nearest, BLOCK), *wide]
    tile = [1] * len(form.shape)
    for axis, most in wide:
        room = BLOCK * tile[axis] // prod(tile)
        room -= room % COUNTER if room > COUNTER else 0
        tile[axis] = max(tile[axis], min(form.shape[axis], room, most))
    return tuple(tile)


def boxes_of(shape: Shape, tile: Shape) -> Iterator[Box]:
    for starts in product(*(range(0, size, step) for size, step in zip(shape, tile, strict=True))):
        ends = (min(start + step, size) for start, step, size in zip(starts, tile, shape, strict=True))
        yield tuple(slice(*each) for each in zip(starts, ends, strict=True))
