"""Schemes that make matrices and kernels with a property: orthogonal, identity, sparse, of a given radius."""

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from service import stopping
from service.networks.description import NotNegative, Number, Positive, Size
from service.networks.schemes.scheme import Scheme
from service.networks.site import Site
from service.stream.chance import Chance, Doubles
from service.stream.distributions import Constant, Distribution
from service.stream.householder import spectral_radius
from service.stream.matrices import Computed, Diagonal, Orthogonal, orthonormal
from service.stream.stacks import Stack

SORTED = 2**18  # words that are sorted together: some ten milliseconds


def of_ones(count: int, elements: int, gain: float) -> tuple[float, float, float, float]:
    """Return mean, deviation and extremes of an array of 0 with `count` elements at `gain`."""
    share = count / elements
    return gain * share, abs(gain) * math.sqrt(share * (1.0 - share)), min(gain, 0.0), max(gain, 0.0)


class OrthogonalScheme(Scheme):
    """A matrix with orthonormal columns or rows, uniform among all such: for each group, gate and expert its own."""

    family = "orthogonal"
    formula = "gain Q of the QR decomposition of N(0, 1), R's diagonal positive"
    references: ClassVar[tuple[str, ...]] = ("Saxe et al. 2014", "Mezzadri 2007")
    positional = True
    gain: Number = Field(1.0, description="Factor on the matrix.")

    def stack(self, site: Site) -> Stack:
        return site.stack

    def realise(self, site: Site) -> Distribution:
        if len(site.shape) < 2:
            raise self.refuse("two axes or more", site)
        return Orthogonal(self.stack(site), self.gain)


class IdentityScheme(Scheme):
    """The identity matrix, in each gate and expert: the layer begins by passing its input through."""

    family = "identity"
    formula = "gain where row = column, else 0"
    references = ("Le et al. 2015",)
    positional = True
    gain: Number = Field(1.0, description="Factor on the matrix.")

    def realise(self, site: Site) -> Distribution:
        refuse_other_than_matrices(self, site)
        if self.framework == "tfjs" and site.inputs != site.outputs:
            raise self.refuse("a square matrix", site)
        return Diagonal(site.stack, self.gain)


def refuse_other_than_matrices(scheme: Scheme, site: Site) -> None:
    if len(site.shape) < 2 or site.field:
        raise scheme.refuse("exactly two axes, of inputs and of outputs", site)


def refuse_other_than_kernels(scheme: Scheme, site: Site, more: str = "") -> None:
    if not 1 <= len(site.field) <= 3:
        raise scheme.refuse(f"a convolution's three to five axes{more}", site)


class Dirac(Scheme):
    """The identity of a convolution: each output channel passes one input channel on, from the field's centre."""

    family = "dirac"
    formula = "gain at the centre (k // 2) where the output's channel in its group = the input's, else 0"
    references = ("torch.nn.init.dirac_",)
    positional = True
    gain: Number = Field(1.0, description="Factor on the kernel.")
    groups: Size | None = Field(
        None, description="Groups of outputs that each pass the inputs on; divides them. Left out: the layer's."
    )

    def realise(self, site: Site) -> Distribution:
        groups = site.groups if self.groups is None else self.groups
        axes = site.axes
        # Groups may be others than the layer's, and are of the channels of which each group has its own.
        outer, inner = (axes.inputs, axes.outputs) if axes.spread else (axes.outputs, axes.inputs)
        whole = Stack(axes.split, (), (*axes.field, *inner), (*axes.apart, *outer))
        refuse_other_than_kernels(self, site, ", and groups that divide the outputs")
        if whole.columns % groups:
            raise self.refuse("groups that divide the outputs", site)
        each, inputs = whole.columns // groups, axes.size(inner)
        channels, centre = min(each, inputs), tuple(size // 2 for size in site.field)

        def make(chance: Chance) -> Doubles:
            kernel = np.zeros((*site.field, inputs, groups, each))
            for channel in range(channels):
                kernel[(*centre, channel)][:, channel] = self.gain
            return whole.array(kernel)

        expected = of_ones(channels * groups, site.elements, self.gain)
        return Computed(expected, ("dirac", site.axes, groups, self.gain), site.elements, make)


class DeltaOrthogonal(Scheme):
    """A convolution that is an orthogonal matrix at the centre of its field and 0 elsewhere."""

    family = "delta_orthogonal"
    formula = "gain Q at the centre ((k − 1) // 2), else 0"
    references: ClassVar[tuple[str, ...]] = ("Xiao et al. 2018", "jax.nn.initializers.delta_orthogonal")
    positional = True
    gain: Number = Field(1.0, description="Factor on the kernel.")

    def centre(self, gaussian: Doubles) -> Doubles:
        """Return the matrix (inputs, outputs) at the centre, of one of standard normal values."""
        return orthonormal(gaussian)

    def realise(self, site: Site) -> Distribution:
        refuse_other_than_kernels(self, site, " and no fewer outputs than inputs")
        if site.outputs < site.inputs:
            raise self.refuse("no fewer outputs than inputs", site)
        stack, place = site.kernels, tuple((size - 1) // 2 for size in site.field)
        shape = (stack.count, *site.field, site.inputs, site.outputs)

        def make(chance: Chance) -> Doubles:
            gaussian = stack.matrices(chance.normals(stack.elements)).reshape(shape)
            kernels = np.zeros(shape)
            for number in range(stack.count):
                # The Gaussian of the elements that stand at the centre: addresses hold here too.
                kernels[(number, *place)] = self.gain * self.centre(gaussian[(number, *place)])
            return stack.array(kernels)

        # Of the window one place is not 0; the orthonormal rows there have an element's mean square 1 / outputs.
        deviation = abs(self.gain) / math.sqrt(math.prod(site.field) * site.outputs)
        work = site.elements + 8 * site.outputs * site.inputs * site.inputs * stack.count
        bound = abs(self.gain)
        return Computed((0.0, deviation, -bound, bound), ("delta",), work, make, by_chance=True)


def keep_some(chance: Chance, stack: Stack, zeros: int) -> Doubles:
    """Return standard normal matrices of a stack, with exactly `zeros` elements of each column set to 0.

    They are those with the least second words; the lower row wins a tie.
    """
    words = stack.matrices(chance.second_words(stack.elements))
    values = np.array(stack.matrices(chance.normals(stack.elements)))
    some = max(1, SORTED // stack.rows)
    for number in range(stack.count):
        for first in range(0, stack.columns, some):
            stopping.give_way()
            part = (number, slice(None), slice(first, first + some))
            order = np.argsort(words[part], axis=0, kind="stable")
            np.put_along_axis(values[part], order[:zeros], 0.0, axis=0)
    return values


class Sparse(Scheme):
    """Normal with a fixed share of zeros among each unit's inputs.

    `torch` counts along the other axis: torch.nn.init.sparse_ sets zeros among each input's outputs.
    """

    family = "sparse"
    formula = "N(0, stddev²), ⌈sparsity rows⌉ elements of each column set to 0"
    references = ("Martens 2010",)
    positional = True
    sparsity: Annotated[float, Field(ge=0.0, le=1.0)] = Field(0.9, description="Share of zeros in each column.")
    stddev: NotNegative = Field(0.01, description="Standard deviation of the rest.")
    columns: Literal["units", "inputs"] = Field(
        "units", description="Whether zeros are counted by unit, or by input as in torch."
    )

    def realise(self, site: Site) -> Distribution:
        refuse_other_than_matrices(self, site)
        stack = site.kernels if self.columns == "units" else site.kernels.turned
        zeros = math.ceil(self.sparsity * stack.rows)
        if not self.stddev or zeros == stack.rows:
            return Constant(0.0)

        def make(chance: Chance) -> Doubles:
            return stack.array(self.stddev * keep_some(chance, stack, zeros))

        deviation = self.stddev * math.sqrt(1.0 - zeros / stack.rows)
        return Computed((0.0, deviation, None, None), ("sparse",), 2400 * site.elements, make, by_chance=True)


class Reservoir(Scheme):
    """A sparse square matrix of a given spectral radius, for the state of an echo state network."""

    family = "reservoir"
    formula = "N(0, 1) with a share of zeros in each column, scaled so that the largest |eigenvalue| = radius"
    references = ("Jaeger 2001",)
    radius: Positive = Field(0.9, description="Spectral radius: below 1, the state forgets its start.")
    sparsity: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.9, description="Share of zeros in each column.")

    def realise(self, site: Site) -> Distribution:
        refuse_other_than_matrices(self, site)
        stack = site.stack
        if stack.rows != stack.columns:
            raise self.refuse("a square matrix", site)
        size = stack.rows
        zeros = min(math.ceil(self.sparsity * size), size - 1)

        def make(chance: Chance) -> Doubles:
            values = keep_some(chance, stack, zeros)
            for matrix in values:
                found = spectral_radius(np.ascontiguousarray(matrix))
                if found > 0.0:
                    matrix *= self.radius / found
            return stack.array(values)

        # The circular law: n elements a column of variance v each give a radius of √(n v), near enough to expect.
        deviation = self.radius / math.sqrt(size)
        work = 200 * size**3 * stack.count  # squarings whose sums have a fixed order
        return Computed((0.0, deviation, None, None), ("reservoir",), work, make, by_chance=True)


class Zero(Scheme):
    """Identity and Hadamard matrices, no chance at all (ZerO): full rank though nothing is random."""

    family = "zer_o"
    formula = "1 where row = column where outputs ≤ inputs; else (−1)^popcount(row & column) / 2^(⌈log₂ outputs⌉ / 2)"
    references = ("Zhao et al. 2022",)

    def realise(self, site: Site) -> Distribution:
        refuse_other_than_matrices(self, site)
        stack = site.stack
        inputs, outputs = stack.rows, stack.columns
        if outputs <= inputs:
            return Diagonal(stack, 1.0)
        value = 1.0 / math.sqrt(2.0 ** (outputs - 1).bit_length())

        def make(chance: Chance) -> Doubles:
            both = np.arange(inputs)[:, None] & np.arange(outputs)[None, :]
            matrix = np.where(np.bitwise_count(both) % 2 == 0, value, -value)
            return stack.array(np.broadcast_to(matrix, (stack.count, inputs, outputs)))

        mean = sum_of_signs(inputs, outputs) / (inputs * outputs)
        moments = (value * mean, value * math.sqrt(1.0 - mean * mean), -value if inputs > 1 else value, value)
        return Computed(moments, ("zer_o", site.axes), 4 * site.elements, make)


def sum_of_signs(rows: int, columns: int) -> int:
    """Return the sum of (−1)^popcount(row & column) over rows and columns from 0 on (Walsh and Hadamard)."""
    short, long = sorted((rows, columns))
    if short == 0:
        return 0
    if long & (long - 1) == 0:  # over a whole power of 2 the signs of a column cancel out, but for column 0
        return long
    half = 1 << (long.bit_length() - 1)
    low, high = min(short, half), max(short - half, 0)
    return (
        sum_of_signs(half, low)
        + sum_of_signs(half, high)
        + sum_of_signs(long - half, low)
        - sum_of_signs(long - half, high)
    )
