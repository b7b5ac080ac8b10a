"""Windows that move over the places of an array: what each sees, and the way back from that to the places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from service.analysis.tape.node import Array

PATCHES = 2**22  # numbers that windows see at a time: what is put together of them stays in the processor's cache


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over (batch, *places, features): all tuples have an entry for each axis of places.

    `pads` are places before and after: of zeros, or on a `ring` the other end's.
    """

    field: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    ring: bool = False

    @property
    def extent(self) -> tuple[int, ...]:
        """How many places a window reaches over."""
        return tuple((size - 1) * apart + 1 for size, apart in zip(self.field, self.dilation, strict=True))

    def padded(self, places: Sequence[int]) -> tuple[int, ...]:
        return tuple(before + size + after for size, (before, after) in zip(places, self.pads, strict=True))

    def counts(self, places: Sequence[int]) -> tuple[int, ...]:
        """Return how many windows there are along each axis."""
        axes = zip(self.padded(places), self.extent, self.strides, strict=True)
        return tuple((size - reach) // step + 1 for size, reach, step in axes)

    @property
    def plain(self) -> bool:
        """Whether each window sees one place, and each place is seen once."""
        return prod(self.field) == prod(self.strides) == 1 and not any(map(sum, self.pads))

    def shifts(self, counts: Sequence[int], begin: int = 0) -> Iterator[tuple[slice, ...]]:
        """Yield for each place of a window, in C order, which places of a padded array all windows see there.

        Along the first axis, the windows from number `begin` on.
        """
        skipped = (begin, *(0 for _ in counts[1:]))
        for at in np.ndindex(*self.field):
            axes = zip(at, self.dilation, self.strides, skipped, counts, strict=True)
            starts = [(index * apart + step * skip, step, count) for index, apart, step, skip, count in axes]
            yield (slice(None), *(slice(first, first + step * (count - 1) + 1, step) for first, step, count in starts))

    def parts(self, batch: int, counts: Sequence[int], features: int) -> Iterator[tuple[slice, slice]]:
        """Yield examples and windows along the first axis that together see some millions of numbers at the most."""
        row = prod(counts[1:]) * prod(self.field) * features
        rows = max(1, min(counts[0], PATCHES // max(1, row)))
        some = max(1, PATCHES // max(1, row * rows)) if rows == counts[0] else 1
        for example in range(0, batch, some):
            for begin in range(0, counts[0], rows):
                yield slice(example, min(batch, example + some)), slice(begin, min(counts[0], begin + rows))


def padded(x: Array, windows: Windows, fill: float = 0.0) -> Array:
    """Return an array with the places around it that windows see."""
    if not any(map(sum, windows.pads)):
        return x
    widths = ((0, 0), *windows.pads, (0, 0))
    return np.pad(x, widths, "wrap") if windows.ring else np.pad(x, widths, constant_values=fill)


def unpadded(gradient: Array, windows: Windows, places: Sequence[int]) -> Array:
    """Return the gradient of an array, given that with the places around it."""
    for axis, (size, (before, after)) in enumerate(zip(places, windows.pads, strict=True), start=1):
        if not before and not after:
            continue
        lead = (slice(None),) * axis
        inside = gradient[(*lead, slice(before, before + size))]
        if windows.ring:
            inside = inside.copy()
            for start, end in outside(before, size, after):
                first = (start - before) % size
                inside[(*lead, slice(first, first + end - start))] += gradient[(*lead, slice(start, end))]
        gradient = inside
    return gradient


def outside(before: int, size: int, after: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a padded ring that lie outside it, each within one round."""
    for low, high in ((0, before), (before + size, before + size + after)):
        start = low
        while start < high:
            end = min(high, start + size - (start - before) % size)
            yield start, end
            start = end


def seen(x: Array, windows: Windows) -> Array:
    """(batch, *padded places, features) -> (batch, *windows, *field, features), a view."""
    _, *places, _ = x.shape
    first, *steps, last = x.strides
    axes = zip(places, windows.extent, windows.strides, strict=True)
    counts = tuple((size - reach) // step + 1 for size, reach, step in axes)
    strides = (
        first,
        *(by * step for by, step in zip(steps, windows.strides, strict=True)),
        *(by * apart for by, apart in zip(steps, windows.dilation, strict=True)),
        last,
    )
    return as_strided(x, (len(x), *counts, *windows.field, x.shape[-1]), strides, writeable=False)


def lay(whole: Array, parts: Array, windows: Windows, begin: int) -> None:
    """Add what windows hold, (batch, *windows, *field x features), to a padded array, each where it sees it."""
    counts, features = parts.shape[1:-1], whole.shape[-1]
    flat = parts.reshape(*parts.shape[:-1], -1, features)
    for index, shift in enumerate(windows.shifts(counts, begin)):
        whole[shift] += flat[..., index, :]
