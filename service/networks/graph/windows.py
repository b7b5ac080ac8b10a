"""Places after a window has slid over them: sizes of convolutions and pools, and the borders that these see."""

from collections.abc import Sequence

from service.networks.graph.refusal import CannotTake
from service.networks.layers.convolution import Sliding, TransposedConvolution
from service.networks.layers.structure import Pool
from service.networks.layers.window import borders as stated_borders
from service.networks.layers.window import by_axis

Borders = tuple[tuple[int, int], ...]


def spread(field: int, dilation: int) -> int:
    """Return how many places a field spans."""
    return (field - 1) * dilation + 1


def same(size: int, span: int, step: int) -> tuple[int, int]:
    """Return how many zeros `same` puts before and after an axis: as many, the odd one after, as in TensorFlow."""
    more = max((-(-size // step) - 1) * step + span - size, 0)
    return more // 2, more - more // 2


def borders_of(layer: Sliding | Pool, places: Sequence[int]) -> Borders:
    """Return what lies before and after each axis of what a window slides over; of a ring, as far as it reaches."""
    axes = len(places)
    spans, steps = spans_of(layer, axes), steps_of(layer, axes)
    if layer.padding == "valid":
        return ((0, 0),) * axes
    if layer.padding == "same":
        return tuple(same(*each) for each in zip(places, spans, steps, strict=True))
    if layer.padding == "circular":
        return tuple(((span // 2), span - 1 - span // 2) for span in spans)
    return stated_borders(layer.padding, axes)


def spans_of(layer: Sliding | Pool, axes: int) -> tuple[int, ...]:
    if isinstance(layer, Pool):
        return by_axis(layer.window, axes)
    return tuple(map(spread, layer.shape[:-2], by_axis(layer.dilation, axes)))


def steps_of(layer: Sliding | Pool, axes: int) -> tuple[int, ...]:
    if isinstance(layer, Pool) and layer.strides is None:
        return by_axis(layer.window, axes)
    assert layer.strides is not None
    return by_axis(layer.strides, axes)


def slid(layer: Sliding | Pool, places: Sequence[int]) -> tuple[int, ...]:
    """Return how many places there are after a window; raises CannotTake where it does not fit."""
    axes = len(places)
    found = []
    all_ = zip(places, borders_of(layer, places), spans_of(layer, axes), steps_of(layer, axes), strict=True)
    for size, (before, after), span, step in all_:
        room = size + before + after - span
        if room < 0:
            raise CannotTake(f"at least {span - before - after} places along each axis, as wide as its window")
        found.append(room // step + 1)
    return tuple(found)


def transposed(layer: TransposedConvolution, places: Sequence[int]) -> tuple[int, ...]:
    """Return how many places a transposed convolution gives.

    On a ring, and with `same`, each place becomes as many as a stride is long; `valid` is as in Keras, numbers crop as
    in PyTorch.
    """
    axes = len(places)
    if layer.padding in ("circular", "same"):
        return tuple(size * layer.strides for size in places)
    if layer.padding == "valid":
        spans = map(spread, layer.shape[:-2], by_axis(layer.dilation, axes))
        sizes = zip(places, spans, strict=True)
        return tuple((size - 1) * layer.strides + max(span, layer.strides) for size, span in sizes)
    crops: Borders = stated_borders(layer.padding, axes)  # type: ignore[arg-type]
    spans = map(spread, layer.shape[:-2], by_axis(layer.dilation, axes))
    found = []
    for size, (before, after), span in zip(places, crops, spans, strict=True):
        room = (size - 1) * layer.strides + span - before - after + layer.output_padding
        if room < 1:
            raise CannotTake("more places: its padding crops all of them")
        found.append(room)
    return tuple(found)
