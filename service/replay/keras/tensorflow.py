"""tf.random.stateless_uniform, _normal and _truncated_normal with a seed of two numbers, the second of them 0.

TensorFlow's threads flush float32 and bfloat16 numbers below 2^-126 to 0, as XLA does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.replay.keras.kernels import tensorflow, tensorflow64
from service.replay.rounding import BITS, FAR_FROM_FLUSHING, Floats, f32, flushed, rounded
from service.stream.addresses import Runs
from service.stream.distributions import Fill
from service.stream.dtypes import DtypeName, Values

Kind: TypeAlias = Literal["uniform", "normal", "truncated"]

WORD = 2**32
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
STEPS = (0x9E3779B9, 0xBB67AE85)
SCRAMBLER = (0x3EC8F720, 0x02461E29)  # the key under which a seed becomes key and counter
FILLS: dict[Kind, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "uniform": (tensorflow.fill_uniform, tensorflow64.fill_uniform),
    "normal": (tensorflow.fill_normal, tensorflow64.fill_normal),
    "truncated": (tensorflow.fill_truncated, tensorflow64.fill_truncated),
}


def philox(counter: list[int], key: tuple[int, int]) -> list[int]:
    """Return the four words of Philox4x32-10 at a counter."""
    for step in range(10):
        k0, k1 = ((word + step * by) % WORD for word, by in zip(key, STEPS, strict=True))
        (high0, low0), (high1, low1) = (
            divmod(by * word, WORD) for by, word in zip(MULTIPLIERS, counter[::2], strict=True)
        )
        counter = [high1 ^ counter[1] ^ k0, low1, high0 ^ counter[3] ^ k1, low0]
    return counter


def stream_of(seed: int) -> NDArray[np.uint32]:
    """Return the key and the counter's upper words that (seed, 0) is scrambled to."""
    return np.array(philox([seed % WORD, seed // WORD % WORD, 0, 0], SCRAMBLER), np.uint32)


def scaled(values: Floats, scale: tuple[float, float], dtype: DtypeName) -> Floats:
    """Return values x factor + shift, each operation flushed below 2^-126 and rounded to the dtype."""
    for operation, number in zip((np.multiply, np.add), numbers(scale, dtype), strict=True):
        values = rounded(flushed(operation(values, number), dtype), dtype)
    return values


def numbers(scale: tuple[float, float], dtype: DtypeName) -> Floats:
    """Return factor and shift as numbers of the dtype, float32 or half precision."""
    return flushed(rounded(flushed(np.array(scale, f32), "float32"), dtype), dtype)


@dataclass(frozen=True, slots=True)
class TensorFlowDraws:
    """What one call fills an array with: values of the kind, times factor, plus shift."""

    seed: int
    kind: Kind
    scale: tuple[float, float]
    elements: int
    dtype: DtypeName

    in_order = False
    whole = False
    operations = 0
    standing = 0

    def passing(self, first: int) -> int:
        return 0

    def open(self) -> Fill:
        stream = stream_of(self.seed)
        in_float32, in_float64 = FILLS[self.kind]
        if self.dtype == "float64":
            return partial(run, in_float64, stream, self.scale)
        if self.dtype == "float32" and not any(0.0 < abs(number) < FAR_FROM_FLUSHING for number in self.scale):
            return partial(run, in_float32, stream, (f32(self.scale[0]), f32(self.scale[1])))
        if self.kind == "uniform" and self.dtype in BITS:
            bits = BITS[self.dtype]
            steps = np.arange(2**bits, dtype=f32)
            table = scaled(steps * f32(2.0**-bits), self.scale, self.dtype)
            return partial(run, tensorflow.fill_looked_up, stream, table)

        def fill(runs: Runs, out: Values) -> None:
            in_float32(stream, runs.starts, runs.length, out, (f32(1.0), f32(0.0)))
            out[:] = scaled(rounded(out.astype(f32), self.dtype), self.scale, self.dtype)

        return fill


def run(kernel: Callable[..., Any], stream: NDArray[np.uint32], numbers: Any, runs: Runs, out: Values) -> None:
    kernel(stream, runs.starts, runs.length, out, numbers)
