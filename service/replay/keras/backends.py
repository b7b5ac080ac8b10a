"""How each backend of Keras draws normal, uniform and truncated normal values with an initialiser's seed."""

from dataclasses import dataclass

import numpy as np

from service.replay.jax import random as jax_random
from service.replay.keras import tensorflow as tensorflow_random
from service.replay.keras import torch as keras_torch
from service.replay.keras.laws import Normal, Truncated, Uniform
from service.replay.numpy.pcg64 import NormalDraws, UniformDraws
from service.replay.numpy.walk import Pcg64, Scaled, Walk
from service.replay.rounding import BITS, Doubles, by_numpy, f32, without_subnormal, without_subnormals
from service.replay.torch.draws import Tensor
from service.replay.truncation import CUT
from service.stream.draws import Draws
from service.stream.dtypes import DtypeName

UINT32 = 2**32 - 1


def at_start() -> int:
    return 0


def once(value: float, dtype: DtypeName) -> float:
    """Return a number as NumPy makes it float16: rounded once, not by way of float32."""
    return float(np.float16(value)) if dtype == "float16" else value


@dataclass(frozen=True)
class NumPy:
    """numpy.random.default_rng([seed, 0]) for each array: drawn in float64, then cast."""

    name = "numpy"
    least_seed = least_state = 0
    largest_seed = largest_state = UINT32
    farthest = CUT
    with_orthogonal: tuple[DtypeName, ...] = ("float32",)
    constant = factor = staticmethod(once)
    cast = staticmethod(by_numpy)

    def normal(self, law: Normal, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return self._walked(seed, Scaled((law.mean, law.deviation)), elements, dtype)

    def truncated(self, law: Truncated, seed: int, elements: int, dtype: DtypeName) -> Draws:
        low, high = law.mean - CUT * law.deviation, law.mean + CUT * law.deviation
        return self._walked(seed, Scaled((law.mean, law.deviation), (low, high)), elements, dtype)

    def _walked(self, seed: int, scaled: Scaled, elements: int, dtype: DtypeName) -> Draws:
        return NormalDraws(Walk(Pcg64([seed, 0]), at_start, scaled), elements, dtype)

    def uniform(self, law: Uniform, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return UniformDraws(Pcg64([seed, 0]), at_start, law.low, law.high, elements, dtype)


@dataclass(frozen=True)
class TensorFlow:
    """tf.random.stateless_…: Philox, with the seed modulo 2^31 - 2."""

    name = "tensorflow"
    least_seed = least_state = -(2**63)
    largest_seed = largest_state = 2**63 - 1
    farthest = CUT
    with_orthogonal: tuple[DtypeName, ...] = ("float32", "float64", "float16")

    def constant(self, value: float, dtype: DtypeName) -> float:
        return without_subnormal(float(f32(value)))

    def factor(self, value: float, dtype: DtypeName) -> float:
        return value if dtype == "float64" else without_subnormal(value)

    def cast(self, values: Doubles, dtype: DtypeName) -> Doubles:
        return without_subnormals(values) if dtype in ("float32", "bfloat16") else values

    def _drawn(
        self, kind: tensorflow_random.Kind, scale: tuple[float, float], seed: int, elements: int, dtype: DtypeName
    ) -> Draws:
        return tensorflow_random.TensorFlowDraws(seed % (2**31 - 2), kind, scale, elements, dtype)

    def normal(self, law: Normal, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return self._drawn("normal", (law.deviation, law.mean), seed, elements, dtype)

    def truncated(self, law: Truncated, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return self._drawn("truncated", (law.deviation, law.mean), seed, elements, dtype)

    def uniform(self, law: Uniform, seed: int, elements: int, dtype: DtypeName) -> Draws:
        """Bounds become float32 first, whatever the dtype; their difference is taken in the dtype."""
        low, high = f32(without_subnormal(law.low)), f32(without_subnormal(law.high))
        if dtype in BITS:
            low, high = tensorflow_random.numbers((float(low), float(high)), dtype)
        width = float(high) - float(low) if dtype == "float64" else float(high - low)
        return self._drawn("uniform", (width, float(low)), seed, elements, dtype)


@dataclass(frozen=True)
class Torch:
    """A torch.Generator of its own for each array, seeded by the low 32 bits."""

    name = "torch"
    least_seed, least_state = -(2**63), -(2**31)
    largest_seed = 2**64 - 1
    largest_state = 2**31 - 1
    farthest = 9.0  # where none of four normals is within the cut, it is the first
    with_orthogonal: tuple[DtypeName, ...] = ("float32", "float64")

    def constant(self, value: float, dtype: DtypeName) -> float:
        return value

    factor = constant

    def cast(self, values: Doubles, dtype: DtypeName) -> Doubles:
        return values

    def normal(self, law: Normal, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return keras_torch.normal(law.mean, law.deviation, seed, Tensor(elements, dtype))

    def truncated(self, law: Truncated, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return keras_torch.truncated(law.mean, law.deviation, seed, Tensor(elements, dtype))

    def uniform(self, law: Uniform, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return keras_torch.uniform(law.low, law.high, seed, Tensor(elements, dtype))


@dataclass(frozen=True)
class Jax:
    """jax.random with (seed, 0) as the key itself."""

    name = "jax"
    least_seed = least_state = 0
    largest_seed = largest_state = UINT32
    farthest = CUT
    with_orthogonal: tuple[DtypeName, ...] = ("float32",)

    def constant(self, value: float, dtype: DtypeName) -> float:
        return once(value, dtype) if dtype == "float16" else without_subnormal(value)

    def factor(self, value: float, dtype: DtypeName) -> float:
        return value if dtype == "float16" else without_subnormal(value)

    def cast(self, values: Doubles, dtype: DtypeName) -> Doubles:
        return by_numpy(values, dtype) if dtype == "float16" else without_subnormals(values)

    def _drawn(
        self, law: jax_random.Law, scale: tuple[float, float], seed: int, elements: int, dtype: DtypeName
    ) -> Draws:
        factor, shift = (jax_random.traced(number, dtype) for number in scale)
        return jax_random.JaxDraws((seed, 0), law, dtype, elements, factor, shift)

    def normal(self, law: Normal, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return self._drawn(jax_random.Normal.free(dtype), (law.deviation, law.mean), seed, elements, dtype)

    def truncated(self, law: Truncated, seed: int, elements: int, dtype: DtypeName) -> Draws:
        drawn = jax_random.Normal.between(-CUT, CUT, dtype)
        return self._drawn(drawn, (law.deviation, law.mean), seed, elements, dtype)

    def uniform(self, law: Uniform, seed: int, elements: int, dtype: DtypeName) -> Draws:
        return jax_random.JaxDraws(
            (seed, 0), jax_random.Uniform.between(without_subnormal(law.low) + 0.0, law.high, dtype), dtype, elements
        )
