"""Layouts: the same parameters as each framework names, orders, joins and splits them.

The canonical layout, whose C order is that of the stream, is Keras's. A Placement is one array of a framework and how
it comes of canonical ones: a small tree of Take, Cut, Move, Reshape, Flip, Join and Sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.weights.description import Shape

Layout: TypeAlias = Literal["keras", "pytorch", "flax"]
LAYOUTS: tuple[Layout, ...] = ("keras", "pytorch", "flax")
SEPARATOR: dict[Layout, str] = {"keras": "/", "pytorch": ".", "flax": "/"}
Array: TypeAlias = NDArray[Any]


class Arrangement(ABC):
    """How an array of a framework comes of canonical parameters, named by the layer."""

    @abstractmethod
    def shape(self, shapes: Mapping[str, Shape]) -> Shape: ...

    @abstractmethod
    def build(self, take: Callable[[str], Array]) -> Array:
        """Return the array, a view where it can be; `take` gives a whole canonical one."""

    @abstractmethod
    def sources(self) -> tuple[str, ...]:
        """Return the names of the canonical parameters in it, each once."""


@dataclass(frozen=True)
class Take(Arrangement):
    """A canonical parameter as it is."""

    name: str

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        return shapes[self.name]

    def build(self, take: Callable[[str], Array]) -> Array:
        return take(self.name)

    def sources(self) -> tuple[str, ...]:
        return (self.name,)


@dataclass(frozen=True)
class Cut(Arrangement):
    """One of `count` equal parts along an axis: a gate of a recurrent layer, a row of a bias."""

    of: Arrangement
    axis: int
    part: int
    count: int

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        shape = list(self.of.shape(shapes))
        shape[self.axis] //= self.count
        return tuple(shape)

    def build(self, take: Callable[[str], Array]) -> Array:
        return np.split(self.of.build(take), self.count, self.axis)[self.part]

    def sources(self) -> tuple[str, ...]:
        return self.of.sources()


@dataclass(frozen=True)
class Move(Arrangement):
    """`axes[i]` is the axis that stands at place i afterwards."""

    of: Arrangement
    axes: tuple[int, ...]

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        shape = self.of.shape(shapes)
        return tuple(shape[axis] for axis in self.axes)

    def build(self, take: Callable[[str], Array]) -> Array:
        return self.of.build(take).transpose(self.axes)

    def sources(self) -> tuple[str, ...]:
        return self.of.sources()


@dataclass(frozen=True)
class Reshape(Arrangement):
    """Another shape of the same elements in C order; `to` may depend on the shape that was."""

    of: Arrangement
    to: Callable[[Shape], Shape]

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        return self.to(self.of.shape(shapes))

    def build(self, take: Callable[[str], Array]) -> Array:
        array = self.of.build(take)
        return array.reshape(self.to(array.shape))

    def sources(self) -> tuple[str, ...]:
        return self.of.sources()


@dataclass(frozen=True)
class Flip(Arrangement):
    """Axes from 0 to `count` - 1 backwards: Flax's transposed convolution slides a kernel that others turn round."""

    of: Arrangement
    count: int

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        return self.of.shape(shapes)

    def build(self, take: Callable[[str], Array]) -> Array:
        return np.flip(self.of.build(take), tuple(range(self.count)))

    def sources(self) -> tuple[str, ...]:
        return self.of.sources()


@dataclass(frozen=True)
class Join(Arrangement):
    """One after the other along an axis."""

    parts: tuple[Arrangement, ...]
    axis: int

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        all_shapes = [part.shape(shapes) for part in self.parts]
        shape = list(all_shapes[0])
        shape[self.axis] = sum(each[self.axis] for each in all_shapes)
        return tuple(shape)

    def build(self, take: Callable[[str], Array]) -> Array:
        return np.concatenate([part.build(take) for part in self.parts], self.axis)

    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.sources()))


@dataclass(frozen=True)
class Sum(Arrangement):
    """Element by element, from the first on: two biases where the framework has one."""

    parts: tuple[Arrangement, ...]

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        return self.parts[0].shape(shapes)

    def build(self, take: Callable[[str], Array]) -> Array:
        first, *rest = [part.build(take) for part in self.parts]
        for array in rest:
            first = first + array
        return first

    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.sources()))


@dataclass(frozen=True)
class Placement:
    """An array of a framework: its name within the layer, and how it comes about."""

    name: str
    of: Arrangement


Placements: TypeAlias = dict[Layout, tuple[Placement, ...]]


def everywhere(*placements: Placement) -> Placements:
    return dict.fromkeys(LAYOUTS, placements)


def named(canonical: str, keras: str, pytorch: str, flax: str) -> Placements:
    """Return one array that only its name tells apart."""
    take = Take(canonical)
    return {
        "keras": (Placement(keras, take),),
        "pytorch": (Placement(pytorch, take),),
        "flax": (Placement(flax, take),),
    }


def kernel(spatial: int, name: str = "kernel") -> Placements:
    """(*field, in, out) in Keras and Flax; (out, in, *field) in PyTorch. A dense layer has no field."""
    take = Take(name)
    turned = Move(take, (spatial + 1, spatial, *range(spatial)))
    return {
        "keras": (Placement(name, take),),
        "pytorch": (Placement("weight", turned),),
        "flax": (Placement("kernel", take),),
    }


BIAS = everywhere(Placement("bias", Take("bias")))


def joined(*placements: Placements) -> Placements:
    """Return the arrays of several parameters of one layer, in order."""
    return {layout: tuple(array for each in placements for array in each[layout]) for layout in LAYOUTS}


def flat_columns(shape: Shape) -> Shape:
    """(in, *out) -> (in, out): a projection to heads as a matrix."""
    return (shape[0], prod(shape[1:]))


def flat_rows(shape: Shape) -> Shape:
    """(*in, out) -> (in, out)."""
    return (prod(shape[:-1]), shape[-1])
