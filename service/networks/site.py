"""Where a scheme is applied: an array's shape, its fans, and what each of its axes connects.

A layer's own parameter is read by true connectivity: groups, gates, experts and heads are matrices of their own. Under
a framework's prefix a scheme is applied to that framework's array, which the framework reads by its shape alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from service.errors import InvalidSpec
from service.networks.fans import Fans
from service.stream.stacks import Stack
from service.stream.views import Shape


@dataclass(frozen=True, slots=True)
class Axes:
    """`split` is an array's shape, where axes may be cut in equal parts; each axis of it stands in one of four tuples.

    Elements apart on an axis of `apart` (groups, gates, experts) share no connection; `field` are the axes of a
    convolution's window. A `spread` window belongs to the outputs: a transposed convolution's.
    """

    split: Shape
    apart: tuple[int, ...] = ()
    field: tuple[int, ...] = ()
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    spread: bool = False

    @classmethod
    def last(cls, shape: Shape) -> Axes:
        """Return how Keras, JAX and TensorFlow.js read a bare shape: outputs last, inputs before, then the window."""
        count = len(shape)
        if count < 2:
            return cls(shape, outputs=tuple(range(count)))
        return cls(shape, field=tuple(range(count - 2)), inputs=(count - 2,), outputs=(count - 1,))

    @classmethod
    def first(cls, shape: Shape) -> Axes:
        """Return how torch reads a bare shape: outputs first, then inputs, then the window."""
        if len(shape) < 2:
            return cls(shape, outputs=tuple(range(len(shape))))
        return cls(shape, field=tuple(range(2, len(shape))), inputs=(1,), outputs=(0,))

    @classmethod
    def gated(cls, shape: Shape, gates: int) -> Axes:
        """Return (…, gates × units), whose last axis holds a matrix for each gate."""
        count = len(shape)
        split = (*shape[:-1], gates, shape[-1] // gates)
        return cls(split, apart=(count - 1,), inputs=tuple(range(count - 1)), outputs=(count,))

    @classmethod
    def grouped(cls, shape: Shape, groups: int, spread: bool = False) -> Axes:
        """Return (*field, in, groups × out) of a convolution; or (*field, out, groups × in) of a transposed one."""
        count = len(shape)
        split = (*shape[:-1], groups, shape[-1] // groups)
        inner, outer = (count - 2,), (count,)
        inputs, outputs = (outer, inner) if spread else (inner, outer)
        return cls(split, (count - 1,), tuple(range(count - 2)), inputs, outputs, spread)

    @classmethod
    def depthwise(cls, shape: Shape) -> Axes:
        """Return (*field, channels, multiplier): each channel sees itself alone."""
        count = len(shape)
        return cls(shape, apart=(count - 2,), field=tuple(range(count - 2)), outputs=(count - 1,))

    @classmethod
    def matrix(cls, shape: Shape, inputs: int, apart: int = 0) -> Axes:
        """Return `apart` axes of matrices, then `inputs` axes of inputs, then outputs."""
        middle = apart + inputs
        return cls(
            shape,
            apart=tuple(range(apart)),
            inputs=tuple(range(apart, middle)),
            outputs=tuple(range(middle, len(shape))),
        )

    def size(self, axes: tuple[int, ...]) -> int:
        return prod(self.split[axis] for axis in axes)


@dataclass(frozen=True, slots=True)
class Site:
    """`counted` is None where the framework whose rule is asked for counts no fans of such a shape.

    `known` says what the axes connect, where anything is known but the shape; `gates` is how many of a recurrent layer
    stand in the last axis, `groups` those of a convolution.
    """

    shape: Shape
    counted: Fans | None
    known: Axes | None = None
    gates: int = 1
    groups: int = 1
    rule: str = ""  # the framework by whose rule fans are counted
    name: str = ""  # of the parameter, for what is said of it

    @property
    def told(self) -> str:
        return f"the shape {list(self.shape)}{f' of {self.name}' if self.name else ''}"

    @property
    def axes(self) -> Axes:
        return self.known or Axes.last(self.shape)

    @property
    def fans(self) -> Fans:
        if self.counted is None:
            raise InvalidSpec(
                f"{self.rule} counts fans off two axes or more, not off {self.told}: state fan_in and fan_out of "
                "a tensor, or a scheme without fans, or one without the framework's prefix"
            )
        return self.counted

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def field(self) -> Shape:
        """The sizes of a convolution's window."""
        return tuple(self.axes.split[axis] for axis in self.axes.field)

    @property
    def inputs(self) -> int:
        """Channels that one output of a matrix sees, not counting a window."""
        return self.axes.size(self.axes.inputs)

    @property
    def outputs(self) -> int:
        return self.axes.size(self.axes.outputs)

    @property
    def kernels(self) -> Stack:
        """The array as a stack of (window × inputs, outputs)."""
        axes = self.axes
        return Stack(axes.split, axes.apart, (*axes.field, *axes.inputs), axes.outputs)

    @property
    def stack(self) -> Stack:
        """The array as a stack of matrices: the window beside the inputs, or beside the outputs where it is theirs."""
        axes = self.axes
        beside, other = (axes.outputs, axes.inputs) if axes.spread else (axes.inputs, axes.outputs)
        return Stack(axes.split, axes.apart, tuple(sorted((*axes.field, *beside))), other)
