"""jax.nn.initializers.orthogonal and delta_orthogonal: the Q of a Gaussian matrix, and where it stands in the array."""

import math
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from service.errors import InitserveError, InvalidSpec, UnsupportedCombination
from service.networks.schemes.frameworks import JaxDeltaOrthogonal, JaxOrthogonal
from service.networks.schemes.linear import DeltaOrthogonal, OrthogonalScheme
from service.networks.site import Site
from service.replay.framework import ArrayDraws, described, no_such_scheme
from service.replay.jax.call import Call
from service.replay.jax.random import Normal, one
from service.replay.orthogonal import OrthogonalDraws, by_decomposition
from service.replay.rounding import BITS
from service.stream import matrices
from service.stream.distributions import Fill, fill_in_parts
from service.stream.draws import Wrapped
from service.stream.dtypes import Values
from service.stream.matrices import take
from service.stream.stacks import Stack
from service.stream.views import Shape

LAPACK = by_decomposition("orthogonal")


def orthogonal(call: Call, scheme: OrthogonalScheme) -> ArrayDraws:
    """Return the Q of a tall Gaussian matrix; all axes but one are rows, which is the last unless the scheme says."""
    if len(call.shape) < 2:
        raise InvalidSpec(f"{scheme.name} needs two axes or more, not {described(call.array)}", call.array.pointer)
    if scheme.framework == "torch" and len(call.shape) > 2:
        raise no_such_scheme(call.framework, call.array, scheme, "orthogonal")
    axis = column_axis(call, scheme) if isinstance(scheme, JaxOrthogonal) else len(call.shape) - 1
    columns = call.shape[axis]
    drawn = matrix(call, prod(call.shape) // columns, columns, scheme.gain)
    draws = drawn if axis == len(call.shape) - 1 else Moved(drawn, call.shape, axis)
    return call.given(matrices.Orthogonal(Stack.one(drawn.rows, drawn.columns), scheme.gain), draws, LAPACK)


def column_axis(call: Call, scheme: JaxOrthogonal) -> int:
    """Return the axis of the columns, from 0 on; raises InvalidSpec for one that the array does not have."""
    try:
        (axis,) = scheme.stack(Site(call.shape, None)).column_axes
    except InitserveError as error:
        raise error.at(call.array.pointer) from None
    return axis


def matrix(call: Call, rows: int, columns: int, gain: float) -> OrthogonalDraws:
    if call.dtype in BITS:
        raise UnsupportedCombination(
            f"JAX has no orthogonal in {call.dtype}: LAPACK has no such decomposition",
            call.array.pointer,
            {"dtype": "float32", "exact": False},
        )
    normal = call.draws(call.key, Normal.free(call.dtype), call.dtype, rows * columns)
    return OrthogonalDraws(normal, rows, columns, float(one(gain, call.dtype)), np.float32)


def delta_orthogonal(call: Call, scheme: DeltaOrthogonal) -> ArrayDraws:
    """Return an orthogonal matrix at the centre of a kernel."""
    *field, inputs, outputs = call.shape if len(call.shape) > 1 else (1, 1)
    if not 3 <= len(call.shape) <= 5 or outputs < inputs:
        raise InvalidSpec(
            f"{scheme.name} needs three to five axes and no fewer outputs than inputs, not {described(call.array)}",
            call.array.pointer,
        )
    turned = isinstance(scheme, JaxDeltaOrthogonal) and scheme.column_axis in (0, -2)
    made = matrix(call, outputs, inputs, scheme.gain) if turned else matrix(call, inputs, outputs, scheme.gain)
    draws = Centred(made, tuple(field), inputs, outputs, turned)
    deviation = abs(scheme.gain) * math.sqrt(inputs / draws.elements)
    moments = (0.0, deviation, -abs(scheme.gain), abs(scheme.gain))
    expected = matrices.Computed(moments, ("delta",), draws.operations, lambda _: np.empty(0), by_chance=True)
    return call.given(expected, draws, LAPACK)


@dataclass(frozen=True, slots=True)
class Centred(Wrapped):
    """A kernel that is a matrix at the centre of its field and 0 elsewhere."""

    field: Shape
    inputs: int
    outputs: int
    turned: bool  # whether the matrix is drawn as (outputs, inputs)

    @property
    def elements(self) -> int:
        return prod(self.field) * self.inputs * self.outputs

    @property
    def operations(self) -> int:
        return self.of.operations + self.elements

    @property
    def standing(self) -> int:
        return self.of.standing + 4 * self.elements

    def open(self) -> Fill:
        values: Values = np.zeros((*self.field, self.inputs, self.outputs), np.float32)
        centre: Values = np.empty(self.inputs * self.outputs, np.float32)
        fill_in_parts(self.of.open(), centre)
        shape = (self.outputs, self.inputs) if self.turned else (self.inputs, self.outputs)
        matrix = centre.reshape(shape)
        values[tuple((size - 1) // 2 for size in self.field)] = matrix.T if self.turned else matrix
        return partial(take, values.ravel())


@dataclass(frozen=True, slots=True)
class Moved(Wrapped):
    """A matrix whose columns become axis `axis` of an array of this shape, its rows the other axes in order."""

    shape: Shape
    axis: int

    def open(self) -> Fill:
        drawn: Values = np.empty(self.elements, np.float32)
        fill_in_parts(self.of.open(), drawn)
        others = (size for place, size in enumerate(self.shape) if place != self.axis)
        moved = np.moveaxis(drawn.reshape(*others, self.shape[self.axis]), -1, self.axis)
        return partial(take, np.ascontiguousarray(moved).ravel())
