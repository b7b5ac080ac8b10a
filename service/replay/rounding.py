"""Numbers as XLA and TensorFlow hold them between operations: rounded to the dtype, and 0 below 2^-126.

Float16 values are computed in float32 and rounded; those of float32 and bfloat16 are flushed, their signs kept.
"""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.stream.dtypes import DTYPES, DtypeName

f32 = np.float32
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]

LEAST_NORMAL = 2.0**-126  # float32's and bfloat16's
FAR_FROM_FLUSHING = 2.0**-60  # where values of 24 bits times such a number are not flushed
BITS: dict[DtypeName, int] = {"bfloat16": 7, "float16": 10}  # random bits of a uniform value in half precision


def rounded(values: Floats, dtype: DtypeName) -> Floats:
    """Return values as the dtype holds them after an operation."""
    if dtype == "float16":
        with np.errstate(over="ignore"):
            return values.astype(np.float16).astype(f32)
    if dtype == "bfloat16":
        out = np.empty(values.shape, np.uint16)
        DTYPES[dtype].round(np.ascontiguousarray(values), out)
        values = np.asarray(DTYPES[dtype].read(out), f32)
    return values


def flushed(values: Floats, dtype: DtypeName) -> Floats:
    """Return values of the dtype with 0, of the same sign, for those below its least normal number."""
    return (
        values if dtype == "float16" else np.where(np.abs(values) < LEAST_NORMAL, np.copysign(f32(0), values), values)
    )


def by_numpy(values: Doubles, dtype: DtypeName) -> Doubles:
    """Return doubles as NumPy makes them float16: rounded once, not by way of float32."""
    if dtype != "float16":
        return values
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float16).astype(np.float64)


def without_subnormals(values: Doubles) -> Doubles:
    """Return doubles with 0, of the same sign, for those below float32's least normal number as float32."""
    with np.errstate(over="ignore", under="ignore"):
        small = np.abs(values.astype(f32)) < LEAST_NORMAL
    return np.where(small, np.copysign(0.0, values), values)


def without_subnormal(value: float) -> float:
    """Return a number with 0, of the same sign, for one below float32's least normal number."""
    return math.copysign(0.0, value) if abs(value) < LEAST_NORMAL else value
