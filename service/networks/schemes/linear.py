"""Schemes that make matrices and kernels with a property: orthogonal, identity, sparse, of a given radius."""

import math
from math import prod
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from service import stopping
from service.networks.description import NotNegative, Number, Positive, Size
from service.networks.schemes.scheme import Scheme
from service.networks.site import Site
from service.stream.addresses import Runs
from service.stream.distributions import Constant, Distribution, Normal, filled
from service.stream.householder import spectral_radius
from service.stream.kernels import fill_words
from service.stream.matrices import Computed, Diagonal, Orthogonal, orthonormal
from service.stream.streams import Stream

Doubles = NDArray[np.float64]
SORTED = 2**18  # words that are sorted together: some ten milliseconds


def standard_normal(stream: Stream, count: int) -> Doubles:
    return filled(Normal(0.0, 1.0), stream, count)


def of_ones(count: int, elements: int, gain: float) -> tuple[float, float, float, float]:
    """Return mean, deviation and extremes of an array of 0 with `count` elements at `gain`."""
    share = count / elements
    return gain * share, abs(gain) * math.sqrt(share * (1.0 - share)), min(gain, 0.0), max(gain, 0.0)


class OrthogonalScheme(Scheme):
    """A matrix with orthonormal columns or rows, uniform among all such.

    A layer says what its matrices are: each gate, each expert, all heads together. `flatten` overrides it: `keras`
    takes all axes but the last as rows and no gates apart (as Keras and JAX), `torch` the first axis alone.
    """

    family = "orthogonal"
    formula = "gain Q of the QR decomposition of N(0, 1), R's diagonal positive"
    references = ("Saxe et al. 2014", "Mezzadri 2007")
    gain: Number = Field(1.0, description="Factor on the matrix.")
    flatten: Literal["layer", "keras", "torch"] = Field("layer", description="What of the axes are rows.")

    def realise(self, site: Site) -> Distribution:
        if len(site.shape) < 2:
            raise self.refuse("two axes or more", site)
        if self.flatten == "keras":
            return Orthogonal(prod(site.shape[:-1]), site.shape[-1], self.gain)
        if self.flatten == "torch":
            return Orthogonal(site.shape[0], prod(site.shape[1:]), self.gain)
        return Orthogonal(site.rows, site.columns, self.gain, site.matrices, site.gates)


class IdentityScheme(Scheme):
    """The identity matrix: the layer begins by passing its input through."""

    family = "identity"
    formula = "gain where row = column, else 0"
    references = ("Le et al. 2015",)
    gain: Number = Field(1.0, description="Factor on the matrix.")

    def realise(self, site: Site) -> Distribution:
        if len(site.shape) != 2:
            raise self.refuse("exactly two axes", site)
        return Diagonal(site.shape[0], site.shape[1], self.gain)


class Dirac(Scheme):
    """The identity of a convolution: each output channel passes one input channel on, from the field's centre."""

    family = "dirac"
    formula = "gain at the centre (k // 2) where the output's channel in its group = the input's, else 0"
    references = ("torch.nn.init.dirac_",)
    gain: Number = Field(1.0, description="Factor on the kernel.")
    groups: Size | None = Field(
        None, description="Groups of outputs that each pass the inputs on; divides them. Left out: the layer's."
    )

    def realise(self, site: Site) -> Distribution:
        groups = site.groups if self.groups is None else self.groups
        if not 3 <= len(site.shape) <= 5 or site.shape[-1] % groups:
            raise self.refuse("a convolution's three to five axes, and groups that divide the outputs", site)
        *field, inputs, outputs = site.shape
        each = outputs // groups
        channels = min(each, inputs)

        def make(stream: Stream) -> Doubles:
            kernel = np.zeros(site.shape)
            centre = tuple(size // 2 for size in field)
            for group in range(groups):
                for channel in range(channels):
                    kernel[(*centre, channel, group * each + channel)] = self.gain
            return kernel

        expected = of_ones(channels * groups, site.elements, self.gain)
        return Computed(expected, ("dirac", site.shape, groups, self.gain), site.elements, make)


class DeltaOrthogonal(Scheme):
    """A convolution that is an orthogonal matrix at the centre of its field and 0 elsewhere."""

    family = "delta_orthogonal"
    formula = "gain Q at the centre ((k − 1) // 2), else 0"
    references = ("Xiao et al. 2018", "jax.nn.initializers.delta_orthogonal")
    gain: Number = Field(1.0, description="Factor on the kernel.")

    def realise(self, site: Site) -> Distribution:
        if not 3 <= len(site.shape) <= 5 or site.shape[-1] < site.shape[-2]:
            raise self.refuse("a convolution's three to five axes and no fewer outputs than inputs", site)
        *field, inputs, outputs = site.shape
        centre = tuple((size - 1) // 2 for size in field)

        def make(stream: Stream) -> Doubles:
            kernel = np.zeros(site.shape)
            # The Gaussian of the elements that stand at the centre: addresses hold here too.
            kernel[centre] = self.gain * orthonormal(standard_normal(stream, site.elements).reshape(site.shape)[centre])
            return kernel

        deviation = abs(self.gain) * math.sqrt(inputs / site.elements)
        work = site.elements + 8 * outputs * inputs * inputs
        bound = abs(self.gain)
        return Computed((0.0, deviation, -bound, bound), ("delta",), work, make, by_chance=True)


def keep_some(stream: Stream, rows: int, columns: int, zeros: int) -> Doubles:
    """Return standard normal (rows, columns) with exactly `zeros` elements of each column set to 0.

    They are those with the least words at the addresses that follow the parameter's own; the lower row wins a tie.
    """
    count = rows * columns
    words = np.empty(count, np.uint32)
    fill_words(stream.address(), Runs.one(count, count).starts, count, words)
    table = words.reshape(rows, columns)
    values = standard_normal(stream, count).reshape(rows, columns)
    some = max(1, SORTED // rows)
    for first in range(0, columns, some):
        stopping.check()
        part = slice(first, first + some)
        order = np.argsort(table[:, part], axis=0, kind="stable")
        np.put_along_axis(values[:, part], order[:zeros], 0.0, axis=0)
    return values


class Sparse(Scheme):
    """Normal with a fixed share of zeros among each unit's inputs.

    `torch` counts along the other axis: torch.nn.init.sparse_ sets zeros among each input's outputs.
    """

    family = "sparse"
    formula = "N(0, stddev²), ⌈sparsity rows⌉ elements of each column set to 0"
    references = ("Martens 2010",)
    sparsity: Annotated[float, Field(ge=0.0, le=1.0)] = Field(0.9, description="Share of zeros in each column.")
    stddev: NotNegative = Field(0.01, description="Standard deviation of the rest.")
    columns: Literal["units", "inputs"] = Field(
        "units", description="Whether zeros are counted by unit, or by input as in torch."
    )

    def realise(self, site: Site) -> Distribution:
        if len(site.shape) != 2:
            raise self.refuse("exactly two axes", site)
        rows, columns = site.shape if self.columns == "units" else site.shape[::-1]
        zeros = math.ceil(self.sparsity * rows)
        if not self.stddev or zeros == rows:
            return Constant(0.0)

        def make(stream: Stream) -> Doubles:
            values = self.stddev * keep_some(stream, rows, columns, zeros)
            return values if self.columns == "units" else np.ascontiguousarray(values.T)

        deviation = self.stddev * math.sqrt(1.0 - zeros / rows)
        return Computed((0.0, deviation, None, None), ("sparse",), 32 * site.elements, make, by_chance=True)


class Reservoir(Scheme):
    """A sparse square matrix of a given spectral radius, for the state of an echo state network."""

    family = "reservoir"
    formula = "N(0, 1) with a share of zeros in each column, scaled so that the largest |eigenvalue| = radius"
    references = ("Jaeger 2001",)
    radius: Positive = Field(0.9, description="Spectral radius: below 1, the state forgets its start.")
    sparsity: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.9, description="Share of zeros in each column.")

    def realise(self, site: Site) -> Distribution:
        if len(site.shape) != 2 or site.shape[0] != site.shape[1]:
            raise self.refuse("a square matrix", site)
        size = site.shape[0]
        zeros = min(math.ceil(self.sparsity * size), size - 1)

        def make(stream: Stream) -> Doubles:
            values = keep_some(stream, size, size, zeros)
            found = spectral_radius(values)
            return values * (self.radius / found) if found > 0.0 else values

        # The circular law: n elements a column of variance v each give a radius of √(n v), near enough to expect.
        deviation = self.radius / math.sqrt(size)
        work = 64 * size**3
        return Computed((0.0, deviation, None, None), ("reservoir",), work, make, by_chance=True)


class Zero(Scheme):
    """Identity and Hadamard matrices, no chance at all (ZerO): full rank though nothing is random."""

    family = "zer_o"
    formula = "1 where row = column where outputs ≤ inputs; else (−1)^popcount(row & column) / 2^(⌈log₂ outputs⌉ / 2)"
    references = ("Zhao et al. 2022",)

    def realise(self, site: Site) -> Distribution:
        if len(site.shape) != 2:
            raise self.refuse("exactly two axes", site)
        inputs, outputs = site.shape
        if outputs <= inputs:
            return Diagonal(inputs, outputs, 1.0)
        value = 1.0 / math.sqrt(2.0 ** (outputs - 1).bit_length())

        def make(stream: Stream) -> Doubles:
            both = np.arange(inputs)[:, None] & np.arange(outputs)[None, :]
            return np.where(np.bitwise_count(both) % 2 == 0, value, -value)

        return Computed((0.0, value, -value, value), ("zer_o", site.shape), 4 * site.elements, make)
