"""Where the elements of a framework's array stand in canonical parameters, so that any box of it can be made alone.

A View steps through one parameter: index -> offset + sum of index x stride. Joined stands for arrays one after the
other, Summed for arrays added up. Cutting, moving, turning and reshaping them moves no element: it only says anew
where each one is, and so costs nothing at any size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import TypeAlias

Shape: TypeAlias = tuple[int, ...]


class Form(ABC):
    """An array that is not made yet."""

    @property
    @abstractmethod
    def shape(self) -> Shape: ...

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The parameters that its elements stand in, each once."""

    @property
    def contiguous(self) -> bool:
        """Whether its elements are neighbours in C order, in one parameter."""
        return False

    @abstractmethod
    def views(self) -> Iterator[View]:
        """Yield the views that it is made of."""

    @abstractmethod
    def stepped(self, axis: int, places: range) -> Form:
        """Return the array that has these places of an axis."""

    @abstractmethod
    def without(self, axis: int) -> Form:
        """Return the array without an axis, of one place."""

    @abstractmethod
    def widened(self, axis: int) -> Form:
        """Return the array with one axis more, of one place."""

    @abstractmethod
    def moved(self, axes: tuple[int, ...]) -> Form:
        """Return the array in which axis `axes[i]` stands at place i."""

    @abstractmethod
    def reshaped(self, shape: Shape) -> Form: ...

    def between(self, axis: int, start: int, stop: int) -> Form:
        """Return the part from `start` to before `stop` along an axis."""
        return self.stepped(axis, range(start, stop))

    def flipped(self, axis: int) -> Form:
        return self.stepped(axis, range(self.shape[axis])[::-1])

    def sliced(self, indices: Sequence[int | range | None]) -> Form:
        """Return what NumPy's basic slicing gives: of every axis some places, or one, and then the axis is no more.

        None stands where an axis of one place comes in.
        """
        form: Form = self
        axis = 0
        for index in indices:
            if index is None:
                form = form.widened(axis)
            elif isinstance(index, range):
                form = form.stepped(axis, index)
            else:
                form = form.stepped(axis, range(index, index + 1)).without(axis)
                continue
            axis += 1
        return form

    def box(self, starts: Shape, stops: Shape) -> Form:
        """Return the part from `starts` to before `stops`, along every axis."""
        form: Form = self
        for axis, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            if (start, stop) != (0, self.shape[axis]):
                form = form.between(axis, start, stop)
        return form


def strides_of(shape: Shape) -> Shape:
    """Return the strides of a C-ordered array, in elements."""
    return tuple(accumulate(shape[:0:-1], int.__mul__, initial=1))[::-1] if shape else ()


@dataclass(frozen=True, slots=True)
class View(Form):
    """Elements of the canonical parameter `name`, each at offset + sum of index x stride."""

    name: str
    offset: int
    sizes: Shape
    strides: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        return self.sizes

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @classmethod
    def whole(cls, name: str, shape: Shape) -> View:
        return cls(name, 0, shape, strides_of(shape))

    @property
    def contiguous(self) -> bool:
        return all(
            size == 1 or stride == wanted
            for size, stride, wanted in zip(self.shape, self.strides, strides_of(self.shape), strict=True)
        )

    @property
    def ascending(self) -> bool:
        """Whether each of its elements, in C order, stands behind the one before."""
        axes = [(size, stride) for size, stride in zip(self.shape, self.strides, strict=True) if size > 1]
        width = 0  # how far the last element of the inner axes stands behind their first
        for size, stride in reversed(axes):
            if stride <= width:
                return False
            width += (size - 1) * stride
        return True

    def address(self, element: int) -> int:
        """Return where an element, counted in C order, stands."""
        address = self.offset
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            element, place = divmod(element, size)
            address += place * stride
        return address

    @property
    def least(self) -> int:
        """The least address of its elements, of which there must be one."""
        pairs = zip(self.shape, self.strides, strict=True)
        return self.offset + sum((size - 1) * stride for size, stride in pairs if stride < 0)

    @property
    def greatest(self) -> int:
        pairs = zip(self.shape, self.strides, strict=True)
        return self.offset + sum((size - 1) * stride for size, stride in pairs if stride > 0)

    def views(self) -> Iterator[View]:
        yield self

    def stepped(self, axis: int, places: range) -> View:
        shape = (*self.shape[:axis], len(places), *self.shape[axis + 1 :])
        strides = (*self.strides[:axis], self.strides[axis] * places.step, *self.strides[axis + 1 :])
        return View(self.name, self.offset + places.start * self.strides[axis], shape, strides)

    def without(self, axis: int) -> View:
        shape, strides = ((*each[:axis], *each[axis + 1 :]) for each in (self.shape, self.strides))
        return View(self.name, self.offset, shape, strides)

    def widened(self, axis: int) -> View:
        shape, strides = ((*each[:axis], new, *each[axis:]) for each, new in ((self.shape, 1), (self.strides, 0)))
        return View(self.name, self.offset, shape, strides)

    def moved(self, axes: tuple[int, ...]) -> View:
        return View(
            self.name, self.offset, tuple(self.shape[axis] for axis in axes), tuple(self.strides[axis] for axis in axes)
        )

    def reshaped(self, shape: Shape) -> View:
        """Merge axes that can be walked as one, then split them; what would need a copy has no reshaped view."""
        merged: list[tuple[int, int]] = []  # (size, stride), with axes of one element left out
        for size, stride in zip(self.shape, self.strides, strict=True):
            if size == 1:
                continue
            if merged and merged[-1][1] == size * stride:
                merged[-1] = (merged[-1][0] * size, stride)
            else:
                merged.append((size, stride))
        strides: list[int] = []
        left, stride = 1, 1
        for size in reversed(shape):
            if left == 1 and size > 1:
                left, stride = merged.pop()
            if left % size:
                raise ValueError(f"{self} cannot be seen as {shape}")
            strides.append(stride)
            left, stride = left // size, stride * size
        assert left == 1
        assert not merged
        return View(self.name, self.offset, shape, tuple(reversed(strides)))


@dataclass(frozen=True, slots=True)
class Joined(Form):
    """One after the other along an axis."""

    parts: tuple[Form, ...]
    axis: int

    @property
    def shape(self) -> Shape:
        first = self.parts[0].shape
        total = sum(part.shape[self.axis] for part in self.parts)
        return (*first[: self.axis], total, *first[self.axis + 1 :])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))

    def placed(self) -> list[tuple[int, Form]]:
        """Return each part with the place along the axis where it begins."""
        sizes = [part.shape[self.axis] for part in self.parts]
        return list(zip(accumulate(sizes[:-1], initial=0), self.parts, strict=True))

    def views(self) -> Iterator[View]:
        for part in self.parts:
            yield from part.views()

    def stepped(self, axis: int, places: range) -> Form:
        if axis != self.axis:
            return Joined(tuple(part.stepped(axis, places) for part in self.parts), self.axis)
        kept = []
        for begin, part in self.placed():
            within = overlap(places, begin, begin + part.shape[axis])
            if within:
                kept.append(part.stepped(axis, range(within.start - begin, within.stop - begin, within.step)))
        if places.step < 0:
            kept.reverse()
        return joined(kept or [self.parts[0].stepped(axis, range(0))], axis)

    def without(self, axis: int) -> Form:
        if axis == self.axis:
            raise ValueError("what was joined along an axis has more than one place there")
        return Joined(tuple(part.without(axis) for part in self.parts), self.axis - (axis < self.axis))

    def widened(self, axis: int) -> Form:
        return Joined(tuple(part.widened(axis) for part in self.parts), self.axis + (axis <= self.axis))

    def moved(self, axes: tuple[int, ...]) -> Form:
        return Joined(tuple(part.moved(axes) for part in self.parts), axes.index(self.axis))

    def reshaped(self, shape: Shape) -> Form:
        """Gain or lose axes of one element; what would need more has no reshaped view."""
        before, after = ([axis for axis, size in enumerate(each) if size != 1] for each in (self.shape, shape))
        if [self.shape[axis] for axis in before] != [shape[axis] for axis in after] or self.axis not in before:
            raise ValueError(f"what was joined cannot be seen as {shape}: reshape the parts")
        axis = after[before.index(self.axis)]
        parts = (part.reshaped((*shape[:axis], part.shape[self.axis], *shape[axis + 1 :])) for part in self.parts)
        return Joined(tuple(parts), axis)


@dataclass(frozen=True, slots=True)
class Summed(Form):
    """Element by element, from the first on."""

    parts: tuple[Form, ...]

    @property
    def shape(self) -> Shape:
        return self.parts[0].shape

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))

    def views(self) -> Iterator[View]:
        for part in self.parts:
            yield from part.views()

    def stepped(self, axis: int, places: range) -> Form:
        return Summed(tuple(part.stepped(axis, places) for part in self.parts))

    def without(self, axis: int) -> Form:
        return Summed(tuple(part.without(axis) for part in self.parts))

    def widened(self, axis: int) -> Form:
        return Summed(tuple(part.widened(axis) for part in self.parts))

    def moved(self, axes: tuple[int, ...]) -> Form:
        return Summed(tuple(part.moved(axes) for part in self.parts))

    def reshaped(self, shape: Shape) -> Form:
        return Summed(tuple(part.reshaped(shape) for part in self.parts))


def overlap(places: range, begin: int, end: int) -> range:
    """Return those of the places, in their order, that lie from `begin` to before `end`."""
    if places.step < 0:
        return overlap(places[::-1], begin, end)[::-1]
    first, last = (-(-(edge - places.start) // places.step) for edge in (begin, end))  # rounded upwards
    return places[max(0, first) : max(0, last)]


def joined(parts: Sequence[Form], axis: int) -> Form:
    """Return arrays one after the other along an axis; what already stands so in a parameter becomes one view."""
    found: list[Form] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(last, View) and isinstance(part, View) and follows(last, part, axis):
            length = last.shape[axis] + part.shape[axis]
            shape = (*last.shape[:axis], length, *last.shape[axis + 1 :])
            strides = (*last.strides[:axis], stride_between(last, part, axis), *last.strides[axis + 1 :])
            found[-1] = View(last.name, last.offset, shape, strides)
        else:
            found.append(part)
    return found[0] if len(found) == 1 else Joined(tuple(found), axis)


def stride_between(first: View, second: View, axis: int) -> int:
    """Return the stride at which `second` goes on where `first` ends, if it does."""
    return (second.offset - first.offset) // first.shape[axis]


def follows(first: View, second: View, axis: int) -> bool:
    """Whether `second` goes on along an axis where `first` ends, at the same strides."""
    stride = stride_between(first, second, axis)
    return (
        first.name == second.name
        and second.offset == first.offset + first.shape[axis] * stride
        and all(view.strides[axis] == stride or view.shape[axis] == 1 for view in (first, second))
        and all(
            here == there or size == 1
            for place, (size, here, there) in enumerate(zip(first.shape, first.strides, second.strides, strict=True))
            if place != axis
        )
    )


def boxes(shape: Shape, first: int, count: int) -> list[tuple[Shape, Shape]]:
    """Return the boxes, as (starts, stops), that elements first … first + count - 1 in C order fill one by one."""
    if not shape:
        return [((), ())]
    size = prod(shape[1:])
    row, within = divmod(first, size)
    last, beyond = divmod(first + count, size)
    whole = tuple(0 for _ in shape[1:])

    def inside(place: int, start: int, elements: int) -> list[tuple[Shape, Shape]]:
        parts = boxes(shape[1:], start, elements)
        return [((place, *starts), (place + 1, *stops)) for starts, stops in parts]

    if row == last:
        return inside(row, within, count)
    found: list[tuple[Shape, Shape]] = []
    if within:
        found += inside(row, within, size - within)
        row += 1
    if row < last:
        found.append(((row, *whole), (last, *shape[1:])))
    if beyond:
        found += inside(last, 0, beyond)
    return found
