"""Arrays of a stream that is walked, asked for otherwise than from the first element to the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.stream.addresses import Runs
from service.stream.buffers import BUFFERS
from service.stream.distributions import PART, Fill
from service.stream.drawing import BLOCK, runs_of
from service.stream.draws import KEPT, Draws, Wrapped
from service.stream.dtypes import Values
from service.stream.matrices import take
from service.stream.views import Form, View

Kind = type[np.float32] | type[np.float64]
KEEPING = 16  # operations that an element of an array takes that is drawn from end to end, to be kept
SPAN = 2**16  # elements that are drawn together where enough of them are wanted
FEW = 2**6  # runs within a span that are drawn one by one
LONG = 2**26  # operations of a block's drawing, a millisecond or two, that keep nobody else waiting
DRAWING, ONE = 2**22, 2**20  # operations that drawing a span takes, and a run by itself


def in_any_order(draws: Draws, form: Form, views: tuple[View, ...], drawn: Kind) -> Draws:
    """Return what draws elements of a walked array, those in `views`, as the form has them that these are parts of.

    They are drawn as they are walked where that order is the form's, and a block of them does not take long; else
    kept, all from the first to the last of them or, where these are few among others, they alone.
    """
    if isinstance(form, View) and form.contiguous:
        return draws
    if isinstance(form, View) and form.ascending:
        picked = Picked(draws, views)
        if picked.walking * BLOCK <= LONG * wanted(views):
            return picked
    low, high = reach(views)
    if 2 * wanted(views) >= high - low:
        return Between(draws, drawn, low, high)
    return Wanted(draws, views, drawn)


def reach(views: Sequence[View]) -> tuple[int, int]:
    """Return the first address in views of one array, and one past the last."""
    return min(view.least for view in views), 1 + max(view.greatest for view in views)


def wanted(views: Sequence[View]) -> int:
    return sum(prod(view.shape) for view in views)


@dataclass(frozen=True, slots=True)
class Walked(Wrapped):
    """A walked array; `walking` are the operations that it takes beside the array's own."""

    @property
    def walking(self) -> int:
        raise NotImplementedError

    @property
    def operations(self) -> int:
        return self.of.operations + self.walking


@dataclass(frozen=True, slots=True)
class Picked(Walked):
    """An array of which the elements of some views are wanted, from the first to the last."""

    views: tuple[View, ...]

    @property
    def walking(self) -> int:
        """What lies between is walked over, once the first of them is come to."""
        low, high = reach(self.views)
        count = wanted(self.views)
        spans = min(-(-(high - low) // SPAN), count)
        between = self.of.passing((high - low) // spans) - self.of.passing(0)
        return spans * between + min(DRAWING * spans, ONE * count)

    def open(self) -> Fill:
        return partial(pick, self.of.open())


@dataclass(frozen=True, slots=True)
class Between(Walked):
    """The elements from `low` to before `high`, kept so that any may be asked for in any order."""

    drawn: Kind
    low: int
    high: int

    in_order = False
    whole = True

    @property
    def walking(self) -> int:
        coming = self.of.passing(self.low) - self.of.passing(0)
        return coming + KEEPING * (self.high - self.low)

    @property
    def standing(self) -> int:
        return self.of.standing + KEPT * (self.high - self.low)

    def passing(self, first: int) -> int:
        return self.of.passing(0)

    def open(self) -> Fill:
        fill, values = self.of.open(), np.empty(self.high - self.low, self.drawn)
        for start in range(0, values.size, PART):
            stopping.check()
            part = values[start : start + PART]
            fill(Runs.one(self.low + start, part.size), part)
        low = np.uint64(self.low)
        return lambda runs, out: take(values, Runs(runs.starts - low, runs.length), out)


@dataclass(frozen=True, slots=True)
class Wanted(Picked):
    """The elements of some views, kept so that any may be asked for in any order."""

    drawn: Kind

    in_order = False
    whole = True

    @property
    def walking(self) -> int:
        coming = self.of.passing(reach(self.views)[0]) - self.of.passing(0)
        return super(Wanted, self).walking + coming

    @property
    def standing(self) -> int:
        return self.of.standing + 3 * KEPT * wanted(self.views)  # values, and their places before and after sorting

    def passing(self, first: int) -> int:
        return self.of.passing(0)

    def open(self) -> Fill:
        fill = self.of.open()
        places = np.unique(np.concatenate([addresses_of(view) for view in self.views]))
        values = np.empty(places.size, self.drawn)
        for start in range(0, values.size, SPAN):
            part = values[start : start + SPAN]
            pick(fill, Runs(places[start : start + part.size], 1), part)

        def look_up(runs: Runs, out: Values) -> None:
            out[:] = values[np.searchsorted(places, runs.addresses().astype(np.uint64))]

        return look_up


def addresses_of(view: View) -> NDArray[np.uint64]:
    runs = runs_of(view)
    return runs.addresses().astype(np.uint64)


def pick(fill: Fill, runs: Runs, out: Values) -> None:
    """Put the elements of runs, each behind the one before, into `out`: by spans where these are not few."""
    done = 0
    while done < runs.starts.size:
        stopping.check()
        first = int(runs.starts[done])
        end = max(done + 1, int(np.searchsorted(runs.starts, first + SPAN - runs.length, "right")))
        starts, part = runs.starts[done:end], out[done * runs.length : end * runs.length]
        if end - done <= FEW:
            fill(Runs(starts, runs.length), part)
        else:
            span = BUFFERS.take(int(starts[-1]) + runs.length - first, out.dtype)
            fill(Runs.one(first, span.size), span)
            take(span, Runs(starts - np.uint64(first), runs.length), part)
        done = end
