"""Dtypes: what a value is rounded to at the end, once, to nearest with ties to even.

To add one, add a row to DTYPES. Values are drawn in float32, or scaled in float64 where that is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.stream.rounding import to_bfloat16, to_float16

DtypeName: TypeAlias = Literal["float32", "float64", "float16", "bfloat16"]
Stored: TypeAlias = NDArray[Any]  # little-endian, as it leaves
Values: TypeAlias = NDArray[np.floating[Any]]  # float32 or float64, contiguous


@dataclass(frozen=True, slots=True)
class Dtype:
    """`npy` and `safetensors` are the formats' names for it; None where a format has none.

    Values are drawn as `drawn` and leave as `stored`; `round` puts the one into a buffer of the other.
    """

    size: int  # bytes an element
    drawn: type[np.float32] | type[np.float64]
    stored: str
    largest: float
    npy: str | None
    safetensors: str
    round: Callable[[Values, Stored], None]
    read: Callable[[Stored], Values]

    def nearest(self, value: float) -> float:
        """Return a number as it is stored: rounded to float32 first where values are drawn so."""
        one: Values = np.array([value], self.drawn)
        out = np.empty(1, self.stored)
        self.round(one, out)
        return float(self.read(out)[0])

    @property
    def as_drawn(self) -> bool:
        """Whether values leave as they are drawn (on a little-endian machine, that is)."""
        return np.dtype(self.stored) == np.dtype(self.drawn)


def copy(values: Values, out: Stored) -> None:
    np.copyto(out, values)


def from_bfloat16(stored: Stored) -> Values:
    return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)


def as_they_are(stored: Stored) -> Values:
    return stored


DTYPES: dict[DtypeName, Dtype] = {
    "float32": Dtype(4, np.float32, "<f4", float(np.finfo(np.float32).max), "<f4", "F32", copy, as_they_are),
    "float64": Dtype(8, np.float64, "<f8", float(np.finfo(np.float64).max), "<f8", "F64", copy, as_they_are),
    "float16": Dtype(
        2, np.float32, "<f2", 65504.0, "<f2", "F16",
        round=lambda values, out: to_float16(values, out.view(np.uint16)),
        read=lambda stored: stored.astype(np.float32),
    ),
    "bfloat16": Dtype(
        2, np.float32, "<u2", float.fromhex("0x1.fep127"), None, "BF16", round=to_bfloat16, read=from_bfloat16
    ),
}  # fmt: skip
