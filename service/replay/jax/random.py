"""jax.random on a processor: keys, and arrays of uniform, normal and truncated normal values in float32 or halves.

Without `jax_enable_x64`, with `jax_threefry_partitionable` (JAX's own defaults): element i of an array depends on the
key and on i alone. Half precision draws 7 (bfloat16) or 10 (float16) random bits an element, so that all the values
that there are fit a table. XLA flushes float32 and bfloat16 numbers below 2^-126 to 0; so does this.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidSpec
from service.replay.jax.kernels import threefry, xla
from service.replay.rounding import BITS, FAR_FROM_FLUSHING, Floats, f32, flushed, rounded
from service.stream.addresses import Runs
from service.stream.distributions import Fill
from service.stream.dtypes import DtypeName, Values

Key: TypeAlias = tuple[int, int]

LEAST_SEED, LARGEST_SEED = -(2**63), 2**63 - 1
WORD = 2**32
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
UNUSED: dict[DtypeName, int] = {"bfloat16": 1, "float16": 6}  # bits below the random ones of a word in half precision
ONE, INFINITY = f32(1.0), f32(np.inf)
NOTHING = f32(-0.0)  # added to a value, it leaves it as it is, its sign too


def hashed(key: Key, counter: tuple[int, int]) -> Key:
    """Return the two words of Threefry-2x32 (20 rounds) at a counter."""
    keys = (*key, key[0] ^ key[1] ^ threefry.PARITY)
    left, right = (counter[0] + keys[0]) % WORD, (counter[1] + keys[1]) % WORD
    for group in range(5):
        for turn in ROTATIONS[group % 2]:
            left = (left + right) % WORD
            right = ((right << turn | right >> (32 - turn)) % WORD) ^ left
        left = (left + keys[(group + 1) % 3]) % WORD
        right = (right + keys[(group + 2) % 3] + group + 1) % WORD
    return left, right


def key_of(seed: int, pointer: str = "/seed") -> Key:
    """Return the data of jax.random.key(seed): a seed's low 32 bits, also of a negative one; none of 2^63 or more."""
    if seed > LARGEST_SEED:
        raise InvalidSpec(
            f"JAX takes seeds up to {LARGEST_SEED}; of those only the low 32 bits count", pointer, {"seed": seed % WORD}
        )
    return 0, seed % WORD


def fold_in(key: Key, data: int) -> Key:
    return hashed(key, (0, data))


def split(key: Key, count: int = 2) -> list[Key]:
    return [hashed(key, (0, number)) for number in range(count)]


def one(value: float, dtype: DtypeName) -> np.float32:
    """Return jnp.array(value, dtype), a number of the dtype as float32."""
    with np.errstate(over="ignore", under="ignore"):
        return f32(np.float16(value)) if dtype == "float16" else traced(value, dtype)


def traced(value: float, dtype: DtypeName) -> np.float32:
    """Return what becomes of a Python number that a compiled function is called with: float32 first."""
    with np.errstate(over="ignore", under="ignore"):
        return f32(rounded(np.array([value], f32), dtype)[0])


def after(value: np.float32, towards: float, dtype: DtypeName) -> np.float32:
    """Return the dtype's next number, flushed."""
    if dtype == "float32":
        found = np.nextafter(value, f32(towards))
    elif dtype == "float16":
        found = f32(np.nextafter(np.float16(value), np.float16(towards)))
    elif value == 0.0:
        found = f32(0.0)
    else:
        bits = int(value.view(np.uint32)) >> 16
        step = 1 if (towards > value) == (value > 0) else -1
        found = np.array((bits + step) << 16, np.uint32).view(f32)[()]
    return f32(flushed(np.array([found], f32), dtype)[0])


class Law(Protocol):
    """What jax.random makes of random bits, before it is scaled and shifted."""

    @property
    def spread(self) -> float:
        """The order of magnitude of the values."""
        ...

    def fill(self, key: NDArray[np.uint32], scale: tuple[np.float32, np.float32], runs: Runs, out: Values) -> None:
        """Fill `out`, float32, with value x scale + shift."""
        ...

    def table(self, dtype: DtypeName) -> Floats:
        """Return all values that there are in half precision, by the random bits that make them."""
        ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """jax.random.uniform(key, shape, dtype, low, high), with bounds of the dtype."""

    low: np.float32
    high: np.float32

    @property
    def spread(self) -> float:
        return abs(float(self.high) - float(self.low))

    @classmethod
    def between(cls, low: float, high: float, dtype: DtypeName) -> "Uniform":
        return cls(*flushed(np.array([traced(low, dtype), traced(high, dtype)], f32), dtype))

    def fill(self, key: NDArray[np.uint32], scale: tuple[np.float32, np.float32], runs: Runs, out: Values) -> None:
        threefry.fill_uniform(key, runs.starts, runs.length, out, (self.high - self.low, self.low), scale)

    def table(self, dtype: DtypeName) -> Floats:
        bits = BITS[dtype]
        steps: Floats = np.arange(2**bits, dtype=f32) * f32(0.5**bits)
        width = traced(float(self.high - self.low), dtype)
        return np.maximum(self.low, rounded(rounded(steps * width, dtype) + self.low, dtype))


@dataclass(frozen=True, slots=True)
class Normal:
    """jax.random.normal or truncated_normal: `root`, √2, times erf_inv of `uniform`, within `least` and `greatest`."""

    uniform: Uniform
    least: np.float32 = -INFINITY
    greatest: np.float32 = INFINITY
    root: np.float32 = threefry.ROOT_TWO

    spread = 1.0

    @classmethod
    def free(cls, dtype: DtypeName) -> "Normal":
        return cls(Uniform(after(f32(-1.0), 0.0, dtype), f32(1.0)))

    @classmethod
    def between(cls, lower: float, upper: float, dtype: DtypeName) -> "Normal":
        """Return jax.random.truncated_normal(key, lower, upper, shape, dtype)."""
        bounds = flushed(np.array([traced(lower, dtype), traced(upper, dtype)], f32), dtype)
        # XLA multiplies by the reciprocal of a constant instead of dividing by it; it has made bfloat16 float32 before.
        reciprocal = ONE / one(2.0**0.5, dtype)
        if dtype == "float16":
            reciprocal = one(float(reciprocal), dtype)
        ends = np.empty_like(bounds)
        xla.fill_erf(rounded(bounds * reciprocal, dtype), ends)
        low, high = rounded(ends, dtype)
        return cls(Uniform(low, high), after(bounds[0], np.inf, dtype), after(bounds[1], -np.inf, dtype))

    def fill(self, key: NDArray[np.uint32], scale: tuple[np.float32, np.float32], runs: Runs, out: Values) -> None:
        line = (self.uniform.high - self.uniform.low, self.uniform.low, self.root)
        threefry.fill_normal(key, runs.starts, runs.length, out, line, (self.least, self.greatest), scale)

    def table(self, dtype: DtypeName) -> Floats:
        values = self.uniform.table(dtype)
        inverse = np.empty_like(values)
        xla.fill_erf_inv(values, inverse)
        drawn = rounded(one(2.0**0.5, dtype) * rounded(inverse, dtype), dtype)
        return np.minimum(np.maximum(drawn, self.least), self.greatest)


@dataclass(frozen=True, slots=True)
class JaxDraws:
    """An array that one call of jax.random makes, times `factor`, plus `shift`: numbers of the dtype (draws.Draws)."""

    key: Key
    law: Law
    dtype: DtypeName
    elements: int
    factor: np.float32 = ONE
    shift: np.float32 = NOTHING

    in_order = False
    whole = False
    operations = 0
    standing = 0

    def passing(self, first: int) -> int:
        return 0

    def _keyed(self) -> NDArray[np.uint32]:
        """Return what the kernels make words of."""
        return np.array(self.key, np.uint32)

    def open(self) -> Fill:
        key = self._keyed()
        if self.dtype in BITS:
            table = self.law.table(self.dtype)
            for operation, number in self._steps():
                table = rounded(flushed(operation(table, number), self.dtype), self.dtype)
            return partial(look_up, key, table, UNUSED[self.dtype])
        sizes = abs(self.factor), self.law.spread, self.law.spread * abs(self.factor), abs(self.shift)
        if any(0.0 < size < FAR_FROM_FLUSHING for size in sizes):
            return partial(self._fill_flushed, key)
        return partial(self.law.fill, key, (self.factor, self.shift))

    def _steps(self) -> tuple[tuple[np.ufunc, np.float32], ...]:
        factor, shift = flushed(np.array([self.factor, self.shift], f32), self.dtype)
        return (np.multiply, factor), (np.add, shift)

    def _fill_flushed(self, key: NDArray[np.uint32], runs: Runs, out: Values) -> None:
        self.law.fill(key, (f32(1.0), NOTHING), runs, out)
        for operation, number in self._steps():
            out[:] = flushed(operation(flushed(out, self.dtype), number), self.dtype)


@dataclass(frozen=True, slots=True)
class JittedDraws(JaxDraws):
    """The same under jax.jit: the constants of a normal that is not cut are multiplied before they meet a value."""

    def open(self) -> Fill:
        if not isinstance(self.law, Normal) or self.law.greatest != INFINITY:
            return super(JittedDraws, self).open()
        law = replace(self.law, root=f32(self.law.root * self.factor))
        return JaxDraws(self.key, law, self.dtype, self.elements, ONE, self.shift).open()


@dataclass(frozen=True, slots=True)
class OriginalDraws(JaxDraws):
    """The same with `jax_threefry_partitionable` off: an element's word depends on how many there are, too."""

    def _keyed(self) -> NDArray[np.uint32]:
        return np.array([*self.key, self.elements], np.uint32)


def look_up(key: NDArray[np.uint32], table: Floats, unused: int, runs: Runs, out: Values) -> None:
    threefry.fill_looked_up(key, runs.starts, runs.length, out, table, unused)
