"""Dtypes: what a value is rounded to at the end, once, to nearest with ties to even.

To add one, add a row to DTYPES. Values are drawn in float32, or scaled in float64 where that is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

DtypeName: TypeAlias = Literal["float32", "float64", "float16", "bfloat16"]
Stored: TypeAlias = NDArray[Any]  # little-endian, as it leaves
Values: TypeAlias = NDArray[np.floating[Any]]  # float32 or float64, contiguous


@dataclass(frozen=True, slots=True)
class Dtype:
    """`npy` and `safetensors` are the formats' names for it; None where a format has none."""

    size: int  # bytes an element
    drawn: type[np.float32] | type[np.float64]
    largest: float
    npy: str | None
    safetensors: str
    store: Callable[[Values], Stored]
    read: Callable[[Stored], Values]


def to_bfloat16(values: Values) -> Stored:
    """Keep the upper half of each float32, rounded to nearest, ties to even (values are finite)."""
    bits = values.view(np.uint32)
    return ((bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(16)).astype("<u2")


def from_bfloat16(stored: Stored) -> Values:
    return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)


DTYPES: dict[DtypeName, Dtype] = {
    "float32": Dtype(
        4, np.float32, float(np.finfo(np.float32).max), "<f4", "F32",
        store=lambda values: values.astype("<f4", copy=False), read=lambda stored: stored,
    ),
    "float64": Dtype(
        8, np.float64, float(np.finfo(np.float64).max), "<f8", "F64",
        store=lambda values: values.astype("<f8", copy=False), read=lambda stored: stored,
    ),
    "float16": Dtype(
        2, np.float32, 65504.0, "<f2", "F16",
        store=lambda values: values.astype("<f2"), read=lambda stored: stored.astype(np.float32),
    ),
    "bfloat16": Dtype(
        2, np.float32, float.fromhex("0x1.fep127"), None, "BF16",
        store=to_bfloat16, read=from_bfloat16,
    ),
}  # fmt: skip
