"""Draws a parameter in a framework's layout: any elements, in any order, by any thread, in memory of one block."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from service.stream.addresses import Runs
from service.stream.buffers import BUFFERS
from service.stream.distributions import Fill
from service.stream.dtypes import Dtype, Stored, Values
from service.stream.views import Form, Joined, Summed, View, boxes

# Elements drawn at a time: 768 KiB of float32, which stays in the second-level cache; a multiple of 3, for base64, and
# of a counter's 4.
BLOCK = 3 * 2**16


@dataclass(frozen=True, slots=True)
class Drawing:
    """A parameter whose elements can be drawn: `fills` has what fills a buffer for each canonical one in `form`."""

    form: Form
    fills: Mapping[str, Fill]
    dtype: Dtype

    def draw(self, first: int, count: int) -> Stored:
        """Return `count` elements from `first` on, in C order, in a buffer of the pool."""
        out = BUFFERS.take(count, self.dtype.stored)
        values = out if self.dtype.as_drawn else BUFFERS.take(count, self.dtype.drawn)
        self._fill_run(first, values)
        if values is not out:
            self.dtype.round(values, out)
        return out

    def put(self, box: tuple[slice, ...], out: Stored) -> None:
        """Put the elements of a box into `out`, which has its shape and any strides."""
        form = self.form.box(tuple(each.start for each in box), tuple(each.stop for each in box))
        if self.dtype.as_drawn:
            self._fill(form, out)
            return
        values = BUFFERS.take(out.size, self.dtype.drawn)
        self._fill(form, values.reshape(form.shape))
        rounded = BUFFERS.take(out.size, self.dtype.stored)
        self.dtype.round(values, rounded)
        np.copyto(out, rounded.reshape(form.shape))

    def _fill_run(self, first: int, values: Values) -> None:
        form, done = self.form, 0
        if isinstance(form, View) and form.contiguous:
            self.fills[form.name](Runs.one(form.offset + first, values.size), values)
            return
        for starts, stops in boxes(form.shape, first, values.size):
            box = form.box(starts, stops)
            size = prod(box.shape)
            self._fill(box, values[done : done + size].reshape(box.shape))
            done += size

    def _fill(self, form: Form, out: Values) -> None:
        """Put the elements of `form` into `out`, a view of the same shape with any strides."""
        match form:
            case View():
                self._fill_view(form, out)
            case Joined(parts, axis):
                for place, part in form.placed():
                    where = (*(slice(None),) * axis, slice(place, place + part.shape[axis]))
                    self._fill(part, out[where])
            case Summed(parts):
                self._fill(parts[0], out)
                for part in parts[1:]:
                    other = BUFFERS.take(out.size, out.dtype).reshape(out.shape)
                    self._fill(part, other)
                    np.add(out, other, out=out)

    def _fill_view(self, view: View, out: Values) -> None:
        fill = self.fills[view.name]
        for axis, stride in enumerate(view.strides):
            if stride < 0:  # the same elements the other way round: then neighbours make one run
                view, out = view.stepped(axis, range(view.shape[axis])[::-1]), np.flip(out, axis)
        if view.contiguous and out.flags.c_contiguous:
            fill(Runs.one(view.offset, out.size), out.reshape(-1))
            return
        # Drawn in the parameter's own order, where neighbours share a counter, then put where they belong.
        order = sorted(range(out.ndim), key=lambda axis: -abs(view.strides[axis]) if view.shape[axis] > 1 else 0)
        runs = runs_of(view.moved(tuple(order)))
        drawn = BUFFERS.take(out.size, out.dtype)
        fill(runs, drawn)
        np.copyto(out.transpose(order), drawn.reshape([view.shape[axis] for axis in order]))


def runs_of(view: View) -> Runs:
    """Return the runs of neighbours that a view, C order, is made of; as long as they can be."""
    axes = [(size, stride) for size, stride in zip(view.shape, view.strides, strict=True) if size > 1]
    length = 1
    while axes and axes[-1][1] == length:
        length *= axes.pop()[0]
    starts = np.array([view.offset])
    for size, stride in axes:
        starts = (starts[:, None] + np.arange(size) * stride).ravel()
    return Runs(starts.astype(np.uint64), length)
