"""What an initialiser of Keras draws, on any backend: each backend's own generator, and what all have in common."""

from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Protocol

import numpy as np

from service.networks.schemes import Scheme
from service.networks.schemes.given import GivenArray
from service.networks.schemes.linear import IdentityScheme
from service.networks.schemes.plain import ConstantScheme
from service.networks.schemes.tables import Stft
from service.replay.framework import NO_STREAM, Array, given_array
from service.replay.keras.laws import Normal, Truncated, Uniform
from service.replay.orthogonal import by_decomposition
from service.replay.rounding import Doubles
from service.stream.addresses import Runs
from service.stream.distributions import Constant, Fill
from service.stream.draws import Addressed, Draws, Wrapped
from service.stream.dtypes import DtypeName, Values
from service.stream.matrices import Diagonal
from service.stream.stacks import Stack

LAPACK = by_decomposition("Orthogonal", "LAPACK or Eigen")
STFT = "STFT is computed in the array's dtype with the backend's own cosine; here in float64, rounded once"


class Backend(Protocol):
    """A backend: how it draws `elements` of a dtype with an initialiser's seed.

    `least_seed` and `largest_seed` are an initialiser's, `least_state` and `largest_state` those of a layer with a
    seed generator. `farthest` is how far a truncated normal may lie from its mean, in deviations. `constant` is what
    becomes of Constant's number, `cast` of its array, and `factor` of Identity's gain, before they are rounded to the
    dtype by way of float32.
    """

    @property
    def name(self) -> str: ...
    @property
    def least_seed(self) -> int: ...
    @property
    def least_state(self) -> int: ...
    @property
    def largest_seed(self) -> int: ...
    @property
    def largest_state(self) -> int: ...
    @property
    def farthest(self) -> float: ...
    @property
    def with_orthogonal(self) -> tuple[DtypeName, ...]: ...
    def constant(self, value: float, dtype: DtypeName) -> float: ...
    def factor(self, value: float, dtype: DtypeName) -> float: ...
    def cast(self, values: Doubles, dtype: DtypeName) -> Doubles: ...

    def normal(self, law: Normal, seed: int, elements: int, dtype: DtypeName) -> Draws: ...
    def uniform(self, law: Uniform, seed: int, elements: int, dtype: DtypeName) -> Draws: ...
    def truncated(self, law: Truncated, seed: int, elements: int, dtype: DtypeName) -> Draws: ...


@dataclass(frozen=True, slots=True)
class SignedZeros(Wrapped):
    """Another array, whose zeros are negative: Keras multiplies zeros by a negative gain."""

    def open(self) -> Fill:
        inner = self.of.open()

        def fill(runs: Runs, out: Values) -> None:
            inner(runs, out)
            out[out == 0.0] = -0.0

        return fill


@dataclass(frozen=True, slots=True)
class InFloat32(Wrapped):
    """Another array, drawn in float32 whatever the answer's dtype: LoRA's."""

    def open(self) -> Fill:
        inner = self.of.open()

        def fill(runs: Runs, out: Values) -> None:
            drawn: Values = np.empty(out.size, np.float32)
            inner(runs, drawn)
            out[:] = drawn

        return fill


def fixed(scheme: Scheme, array: Array, backend: Backend) -> tuple[Draws | None, str | None]:
    """Return what fills an array without chance where the canonical values would not do, and why it is not exact."""
    elements, dtype = prod(array.shape), array.dtype
    match scheme:
        case ConstantScheme(value=value):
            return Addressed(Constant(backend.constant(value, dtype)), NO_STREAM, elements), None
        case IdentityScheme(gain=gain) if len(array.shape) == 2:
            draws: Draws = Addressed(
                Diagonal(Stack.one(*array.shape), backend.factor(gain, dtype)), NO_STREAM, elements
            )
            return (SignedZeros(draws) if np.signbit(gain) else draws), wide_identity(gain, dtype, backend)
        case GivenArray():
            return given_array(scheme, array, "keras", partial(backend.cast, dtype=dtype)), None
        case Stft():
            return None, STFT
    return None, None


def wide_identity(gain: float, dtype: DtypeName, backend: Backend) -> str | None:
    if dtype == "bfloat16" and backend.name == "numpy" and float(np.float32(gain).view(np.uint32) & 0xFFFF):
        return "Keras on NumPy leaves Identity in float32 where bfloat16 is asked for; here it is rounded"
    return None
