"""A spec's plan: every parameter's name, shape, bytes, scheme and address, before a number is drawn."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from service.weights.description import Shape
from service.weights.distributions import Distribution
from service.weights.dtypes import DTYPES, DtypeName, Stored
from service.weights.fans import Fans
from service.weights.layouts import SEPARATOR, Layout
from service.weights.matrices import Orthogonal
from service.weights.schemes import Scheme
from service.weights.streams import Stream

BLOCK = 2**18  # elements drawn at a time: 1 MiB of float32, which stays in the second-level cache


@dataclass(frozen=True)
class PlannedParameter:
    """A parameter as it will be answered: `name` and `shape` are the layout's, `axes` lead there from the canonical."""

    layer: str
    name: str
    shape: Shape
    canonical_shape: Shape
    axes: tuple[int, ...] | None
    dtype: DtypeName
    layout: Layout
    fans: Fans
    scheme: Scheme
    reason: str
    distribution: Distribution
    stream: Stream

    @property
    def key(self) -> str:
        """Its name in a file of many parameters."""
        return f"{self.layer}{SEPARATOR[self.layout]}{self.name}"

    @cached_property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * DTYPES[self.dtype].size

    @property
    def operations(self) -> int:
        """Floating-point operations of a matrix decomposition, which no chunk of the answer can do without."""
        return self.distribution.operations if isinstance(self.distribution, Orthogonal) else 0

    def blocks(self) -> Iterator[Stored]:
        """Draw the values, block after block, in C order of the layout's shape; each is one-dimensional."""
        dtype = DTYPES[self.dtype]
        fill = self.distribution.open(self.stream)
        if self.axes is None:
            for first in range(0, self.elements, BLOCK):
                out = np.empty(min(BLOCK, self.elements - first), dtype.drawn)
                fill(first, out)
                yield dtype.store(out)
            return
        whole = np.empty(self.elements, dtype.drawn)
        fill(0, whole)
        arranged = whole.reshape(self.canonical_shape).transpose(self.axes)
        rows = max(1, BLOCK // max(1, self.elements // self.shape[0]))
        for row in range(0, self.shape[0], rows):
            yield dtype.store(np.ascontiguousarray(arranged[row : row + rows]).ravel())


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    name: str
    type: str
    activation: str
    parameters: tuple[PlannedParameter, ...]


@dataclass(frozen=True, slots=True)
class Caution:
    """Something legal that will bite; `remedy` is a change to the member that `pointer` leads to."""

    code: str
    pointer: str
    detail: str
    remedy: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a spec comes to. `canonical` is the spec that gives the very same answer again, seed included."""

    algorithm: str
    seed: int
    layout: Layout
    dtype: DtypeName
    layers: tuple[PlannedLayer, ...]
    warnings: tuple[Caution, ...]
    canonical: dict[str, Any]

    @cached_property
    def parameters(self) -> tuple[PlannedParameter, ...]:
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    @cached_property
    def elements(self) -> int:
        return sum(parameter.elements for parameter in self.parameters)

    @cached_property
    def bytes(self) -> int:
        return sum(parameter.bytes for parameter in self.parameters)

    @cached_property
    def operations(self) -> int:
        return sum(parameter.operations for parameter in self.parameters)

    def canonical_json(self) -> str:
        return json.dumps(self.canonical, sort_keys=True, separators=(",", ":"))
