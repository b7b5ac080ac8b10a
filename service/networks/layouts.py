"""Layouts: the same parameters as each framework names, orders, joins and splits them.

The canonical layout, whose C order is that of the stream, is Keras's. A Placement is one array of a framework and how
it comes of canonical ones: a small tree of Take, Cut, Move, Reshape, Flip, Join and Sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, TypeAlias

from service.stream.views import Form, Shape, Summed, View, joined

Native: TypeAlias = Literal["keras", "pytorch", "flax"]  # of frameworks with defaults, rules of fans, streams
Layout: TypeAlias = Literal[
    "keras", "pytorch", "flax", "flax_transpose_kernel", "equinox", "haiku", "mlx", "onnx", "tensorflow1"
]
LAYOUTS: tuple[Native, ...] = ("keras", "pytorch", "flax")
OTHER_LAYOUTS: tuple[Layout, ...] = ("flax_transpose_kernel", "equinox", "haiku", "mlx", "onnx", "tensorflow1")
SEPARATOR: dict[Layout, str] = {
    "keras": "/", "pytorch": ".", "flax": "/", "flax_transpose_kernel": "/", "equinox": ".", "haiku": "/", "mlx": ".",
    "onnx": ".", "tensorflow1": "/",
}  # fmt: skip


class Arrangement(ABC):
    """How an array of a framework comes of canonical parameters, named by the layer."""

    @abstractmethod
    def form(self, forms: Mapping[str, Form]) -> Form:
        """Return where its elements stand, given where those of the canonical parameters do."""

    @abstractmethod
    def sources(self) -> tuple[str, ...]:
        """Return the names of the canonical parameters in it, each once."""

    @abstractmethod
    def renamed(self, prefix: str) -> Arrangement:
        """Return the same with a prefix before the names of canonical parameters: of a part of a larger layer."""


@dataclass(frozen=True)
class Take(Arrangement):
    """A canonical parameter as it is."""

    name: str

    def form(self, forms: Mapping[str, Form]) -> Form:
        return forms[self.name]

    def sources(self) -> tuple[str, ...]:
        return (self.name,)

    def renamed(self, prefix: str) -> Arrangement:
        return Take(f"{prefix}{self.name}")


@dataclass(frozen=True)
class Cut(Arrangement):
    """One of `count` equal parts along an axis: a gate of a recurrent layer, a row of a bias."""

    of: Arrangement
    axis: int
    part: int
    count: int

    def form(self, forms: Mapping[str, Form]) -> Form:
        whole = self.of.form(forms)
        size = whole.shape[self.axis] // self.count
        return whole.between(self.axis, self.part * size, (self.part + 1) * size)

    def sources(self) -> tuple[str, ...]:
        return self.of.sources()

    def renamed(self, prefix: str) -> Arrangement:
        return replace(self, of=self.of.renamed(prefix))


@dataclass(frozen=True)
class Move(Arrangement):
    """`axes[i]` is the axis that stands at place i afterwards."""

    of: Arrangement
    axes: tuple[int, ...]

    def form(self, forms: Mapping[str, Form]) -> Form:
        return self.of.form(forms).moved(self.axes)

    def sources(self) -> tuple[str, ...]:
        return self.of.sources()

    def renamed(self, prefix: str) -> Arrangement:
        return replace(self, of=self.of.renamed(prefix))


@dataclass(frozen=True)
class Reshape(Arrangement):
    """Another shape of the same elements in C order; `to` may depend on the shape that was."""

    of: Arrangement
    to: Callable[[Shape], Shape]

    def form(self, forms: Mapping[str, Form]) -> Form:
        whole = self.of.form(forms)
        return whole.reshaped(self.to(whole.shape))

    def sources(self) -> tuple[str, ...]:
        return self.of.sources()

    def renamed(self, prefix: str) -> Arrangement:
        return replace(self, of=self.of.renamed(prefix))


@dataclass(frozen=True)
class Flip(Arrangement):
    """Axes from 0 to `count` - 1 backwards: Flax's transposed convolution slides a kernel that others turn round."""

    of: Arrangement
    count: int

    def form(self, forms: Mapping[str, Form]) -> Form:
        form = self.of.form(forms)
        for axis in range(self.count):
            form = form.flipped(axis)
        return form

    def sources(self) -> tuple[str, ...]:
        return self.of.sources()

    def renamed(self, prefix: str) -> Arrangement:
        return replace(self, of=self.of.renamed(prefix))


@dataclass(frozen=True)
class Join(Arrangement):
    """One after the other along an axis."""

    parts: tuple[Arrangement, ...]
    axis: int

    def form(self, forms: Mapping[str, Form]) -> Form:
        return joined([part.form(forms) for part in self.parts], self.axis)

    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.sources()))

    def renamed(self, prefix: str) -> Arrangement:
        return replace(self, parts=tuple(part.renamed(prefix) for part in self.parts))


@dataclass(frozen=True)
class Sum(Arrangement):
    """Element by element, from the first on: two biases where the framework has one."""

    parts: tuple[Arrangement, ...]

    def form(self, forms: Mapping[str, Form]) -> Form:
        return Summed(tuple(part.form(forms) for part in self.parts))

    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.sources()))

    def renamed(self, prefix: str) -> Arrangement:
        return replace(self, parts=tuple(part.renamed(prefix) for part in self.parts))


@dataclass(frozen=True)
class Placement:
    """An array of a framework: its name within the layer, and how it comes about."""

    name: str
    of: Arrangement


Placements: TypeAlias = dict[Layout, tuple[Placement, ...]]


def behind(name: str, layout: Layout) -> str:
    """Return what stands behind a layer's name in that of an array: nothing where the array has none of its own."""
    return f"{SEPARATOR[layout]}{name}" if name else ""


def key_of(layer: str, name: str, layout: Layout) -> str:
    """Return an array's name in a file of many: the layer's and its own, one alone where the other has none."""
    return layer + behind(name, layout) if layer else name


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


def together(*placements: Placements) -> Placements:
    """Return the arrays of several parameters of one layer, in order."""
    return {layout: tuple(array for each in placements for array in each[layout]) for layout in LAYOUTS}


def flat_columns(shape: Shape) -> Shape:
    """(in, *out) -> (in, out): a projection to heads as a matrix."""
    return (shape[0], prod(shape[1:]))


def flat_rows(shape: Shape) -> Shape:
    """(*in, out) -> (in, out)."""
    return (prod(shape[:-1]), shape[-1])


def as_they_are(shapes: Mapping[str, Shape]) -> dict[str, Form]:
    """Return where the elements of canonical parameters of these shapes stand when each is an array of its own."""
    return {name: View.whole(name, shape) for name, shape in shapes.items()}
