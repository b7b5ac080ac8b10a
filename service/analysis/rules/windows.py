"""Which windows a layer moves over its places: from its strides, padding and dilation."""

from collections.abc import Sequence
from typing import Any

from service.analysis.tape import Windows

Pads = tuple[tuple[int, int], ...]


def each(value: int | Sequence[int] | None, axes: int, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    """Return a number for each axis, given one for all, or none."""
    if value is None:
        return otherwise
    return (value,) * axes if isinstance(value, int) else tuple(value)


def windows_over(layer: Any, field: Sequence[int], places: Sequence[int]) -> Windows:
    """Return a layer's windows over an array of so many places; on a ring where it does not say how it pads."""
    axes, ones = len(field), (1,) * len(field)
    strides, dilation = (
        each(getattr(layer, "strides", None), axes, ones),
        each(getattr(layer, "dilation", None), axes, ones),
    )
    padding = getattr(layer, "padding", None) or "circular"
    pads = pads_of(padding, tuple(field), strides, dilation, places)
    return Windows(tuple(field), strides, dilation, pads, padding == "circular")


def pads_of(
    padding: Any, field: Sequence[int], strides: Sequence[int], dilation: Sequence[int], places: Sequence[int]
) -> Pads:
    """Return the places before and after each axis."""
    if padding == "valid":
        return ((0, 0),) * len(field)
    if padding == "circular":
        axes = zip(field, dilation, strict=True)
        return tuple((size // 2 * apart, (size - 1 - size // 2) * apart) for size, apart in axes)
    if padding == "same":  # as Keras: what is odd stands after
        every = zip(field, strides, dilation, places, strict=True)
        missing = [
            max(0, (-(-size // step) - 1) * step + (width - 1) * apart + 1 - size) for width, step, apart, size in every
        ]
        return tuple((total // 2, total - total // 2) for total in missing)
    if isinstance(padding, int):
        return ((padding, padding),) * len(field)
    return tuple((one, one) if isinstance(one, int) else (one[0], one[1]) for one in padding)


def spread_over(layer: Any, counts: Sequence[int]) -> tuple[Windows, tuple[int, ...]]:
    """Return the windows that a transposed convolution lays over its outputs, and how many places these have."""
    field, axes = layer.shape[:-2], len(counts)
    padding = getattr(layer, "padding", None) or "circular"
    strides, dilation = each(layer.strides, axes, ()), each(layer.dilation, axes, ())
    spans = [(width - 1) * apart + 1 for width, apart in zip(field, dilation, strict=True)]
    sizes = zip(counts, strides, spans, strict=True)
    if padding in ("circular", "same"):
        places = tuple(count * step for count, step, _ in sizes)
    elif padding == "valid":
        places = tuple((count - 1) * step + max(width, step) for count, step, width in sizes)
    else:
        pads = pads_of(padding, field, strides, dilation, ())
        more = each(getattr(layer, "output_padding", None), axes, (0,) * axes)
        places = tuple(
            (count - 1) * step + width - before - after + extra
            for (count, step, width), (before, after), extra in zip(sizes, pads, more, strict=True)
        )
    pads = pads_of(padding, field, strides, dilation, places)
    return Windows(tuple(field), strides, dilation, pads, padding == "circular"), places
