"""`numpy-pcg64/1`: numpy.random.default_rng(seed), the parameters drawn one after the other in Keras's order.

A normal scheme is rng.normal(mean, deviation, shape), a uniform one rng.uniform(low, high, shape), both in float64 and
then cast. A layer with a seed of its own has a generator of its own.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from service.errors import InitserveError
from service.networks.schemes.plain import RandomNormal
from service.replay.framework import NO_STREAM, Array, ArrayDraws, Module, Replay, no_such_scheme, untruncated
from service.replay.numpy.pcg64 import NormalDraws, UniformDraws
from service.replay.numpy.walk import PASSING, Pcg64, Scaled, Walk
from service.replay.orthogonal import OrthogonalDraws, by_decomposition
from service.stream.distributions import Constant, Distribution, Normal, Uniform
from service.stream.draws import Addressed, Draws
from service.stream.dtypes import DtypeName
from service.stream.matrices import Orthogonal

FARTHEST = 2**62  # words
LAPACK = by_decomposition("orthogonal, of rng.normal,")


class Generator:
    """What is drawn with one generator, one call after the other. Where a call begins is found when it is asked for."""

    def __init__(self, seed: int) -> None:
        self._words = Pcg64(seed)
        self._ends: list[Callable[[], int]] = []
        self._starts = [0]
        self._normals = self._elements = 0  # made by all calls
        self._lock = threading.Lock()

    def start(self, call: int) -> int:
        """Return the word that the call begins with."""
        while True:
            with self._lock:
                known = len(self._starts)
                if known > call:
                    return self._starts[call]
            start = self._ends[known - 1]()  # a walk of seconds, maybe: nobody waits for the lock meanwhile
            with self._lock:
                if len(self._starts) == known:
                    self._starts.append(start)

    def _coming(self) -> int:
        """Return the operations that it takes to come to the next call: more than any limit if 64 bits cannot count."""
        return max(PASSING * self._normals, 0 if self._elements < FARTHEST else self._elements)

    def normal(self, mean: float, deviation: float, elements: int, dtype: DtypeName) -> Draws:
        walk = Walk(self._words, partial(self.start, len(self._ends)), Scaled((mean, deviation)))
        draws = NormalDraws(walk, elements, dtype, self._coming())
        self._ends.append(partial(walk.end, elements))
        self._normals += elements
        self._elements += elements
        return draws

    def uniform(self, low: float, high: float, elements: int, dtype: DtypeName) -> Draws:
        origin = partial(self.start, len(self._ends))
        draws = UniformDraws(self._words, origin, low, high, elements, dtype, self._coming())
        self._ends.append(lambda: origin() + elements)
        self._elements += elements
        return draws


def distribution_of(array: Array) -> Distribution:
    scheme = array.scheme_in("keras")
    if isinstance(scheme, RandomNormal):  # drawn even where the deviation is 0
        return Normal(scheme.mean, scheme.stddev)
    try:
        site = array.parameter.site("keras")
        return scheme.realise(site if scheme.framework is None else replace(site, known=None))
    except InitserveError as error:
        raise error.at(array.pointer) from None


def give(generator: Generator, array: Array) -> ArrayDraws:
    distribution, elements = distribution_of(array), prod(array.shape)
    fans = array.parameter.site("keras").fans
    match distribution:
        case Normal(low=None, high=None):
            draws = generator.normal(distribution.location, distribution.scale, elements, array.dtype)
            known = distribution if distribution.scale else Constant(distribution.location)
            return ArrayDraws(known, fans, draws)
        case Uniform():
            uniform = generator.uniform(distribution.minimum, distribution.maximum, elements, array.dtype)
            return ArrayDraws(distribution, fans, uniform)
        case Orthogonal(stack=stack) if stack.as_it_stands:
            gaussian = generator.normal(0.0, 1.0, elements, "float64")
            size = distribution.rows, distribution.columns
            return ArrayDraws(
                distribution, fans, OrthogonalDraws(gaussian, *size, distribution.gain, np.float64), LAPACK
            )
        case _ if distribution.deterministic:
            # Under a framework's prefix it acts on the array as it stands, gates side by side.
            prefixed = array.scheme_in("keras").framework is not None
            whole = Addressed(distribution, NO_STREAM, elements) if prefixed else None
            return ArrayDraws(distribution, fans, whole)
    raise no_such_scheme("numpy.random.Generator", array, array.scheme_in("keras"), instead_of(distribution))


def instead_of(distribution: Distribution) -> str:
    return {Normal: "random_normal", Orthogonal: "keras:orthogonal"}.get(type(distribution), "")


def construct(modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]:
    shared = Generator(seed)
    found = []
    for module in modules:
        generator = shared if module.spec.seed is None else Generator(module.spec.seed)
        found.append({name: give(generator, array) for name, array in module.arrays.items()})
    return found


NUMPY = Replay(
    name="numpy-pcg64/1",
    summary="numpy.random.default_rng(seed), the parameters drawn one after the other in Keras's order, then cast.",
    layout="keras",
    dtypes=("float32", "float64", "float16"),
    versions={"numpy": "2.4.6"},
    addressable=False,
    exact=(
        "rng.normal(mean, deviation, shape) for what is normal, rng.uniform(low, high, shape) for what is uniform",
        "normals' tails by the C library's exp and log1p: glibc 2.28 or newer",
    ),
    inexact=(LAPACK, "NumPy draws no truncated normals: refused"),
    example={"algorithm": "numpy-pcg64/1", "seed": 0, "layers": [{"type": "dense", "shape": [784, 256]}]},
    construct=construct,
    in_kind=untruncated,
)
