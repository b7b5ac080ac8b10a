"""`numpy-pcg64/1`: numpy.random.default_rng(seed), the parameters drawn one after the other in Keras's order.

`numpy-mt19937/1`: numpy.random.RandomState(seed), or numpy.random.seed(seed) and the module's functions. With both, a
normal scheme is rng.normal(mean, deviation, shape), a uniform one rng.uniform(low, high, shape), both in float64 and
then cast. A layer with a seed of its own has a generator of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from service.errors import InitserveError, InvalidSpec
from service.networks.schemes.plain import RandomNormal
from service.replay.framework import NO_STREAM, Array, ArrayDraws, Module, Replay, no_such_scheme, untruncated
from service.replay.numpy.generators import DefaultRng, Generator, RandomState
from service.replay.orthogonal import OrthogonalDraws, by_decomposition
from service.stream.distributions import Constant, Distribution, Normal, Uniform
from service.stream.draws import Addressed
from service.stream.matrices import Orthogonal

SEEDS = 2**32  # that RandomState takes
LAPACK = by_decomposition("orthogonal, of rng.normal,")


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


def construct(modules: Sequence[Module], seed: int, start: Callable[[int], Generator]) -> list[dict[str, ArrayDraws]]:
    shared = start(seed)
    found = []
    for module in modules:
        generator = shared if module.spec.seed is None else start(module.spec.seed)
        found.append({name: give(generator, array) for name, array in module.arrays.items()})
    return found


def construct_older(modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]:
    own = [(module.spec.seed, f"{module.pointer}/seed") for module in modules if module.spec.seed is not None]
    for each, pointer in ((seed, "/seed"), *own):
        if each >= SEEDS:
            raise InvalidSpec("numpy.random.RandomState takes seeds below 2^32", pointer, {"seed": each % SEEDS})
    return construct(modules, seed, RandomState)


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
    construct=partial(construct, start=DefaultRng),
    in_kind=untruncated,
)
NUMPY_OLDER = replace(
    NUMPY,
    name="numpy-mt19937/1",
    summary="numpy.random.seed(seed), or RandomState(seed), the parameters drawn one after the other, then cast.",
    exact=(
        "np.random.normal(mean, deviation, shape) for what is normal, and so np.random.randn(*shape) * deviation; of a "
        "pair of normals a call may leave one to the next",
        "np.random.uniform(low, high, shape) for what is uniform",
        "normals by the C library's log: glibc 2.28 or newer",
    ),
    example={**NUMPY.example, "algorithm": "numpy-mt19937/1"},
    construct=construct_older,
    seeds=SEEDS,
)
