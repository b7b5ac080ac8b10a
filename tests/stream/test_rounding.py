"""Half precision against NumPy's own, and against the nearer of two neighbours."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.stream.dtypes import DTYPES, DtypeName


def rounded(values: NDArray[np.float32], name: DtypeName) -> NDArray[Any]:
    out = np.empty(values.size, DTYPES[name].stored)
    DTYPES[name].round(values, out)
    return out


def patterns() -> NDArray[np.float32]:
    """Every 4,099th finite float32, each exact tie of both half types with its neighbours, and both zeros."""
    bits = [np.arange(0, 0x7F800000, 4099, dtype=np.uint32)]
    for spacing in (2**13, 2**16):
        ties = np.arange(spacing // 2, 0x7F000000, spacing * 7, dtype=np.uint32)
        bits += [ties - 1, ties, ties + 1]
    bits.append(np.arange(0x33000000 - 64, 0x33000000 + 64, dtype=np.uint32))  # half of float16's least number
    both = np.concatenate(bits)
    return np.concatenate([both, both | np.uint32(0x80000000)]).view(np.float32)


def test_float16_is_numpys() -> None:
    values = patterns()
    values = values[np.abs(values) <= 65504.0]
    assert np.array_equal(rounded(values, "float16").view(np.uint16), values.astype(np.float16).view(np.uint16))


def test_bfloat16_is_the_nearer_neighbour_and_the_even_one_of_two_as_near() -> None:
    values = patterns()
    values = values[np.abs(values) <= DTYPES["bfloat16"].largest]
    bits = values.view(np.uint32)
    nearer_zero = bits & np.uint32(0xFFFF0000)
    farther = nearer_zero + np.uint32(0x10000)
    exact = values.astype(np.float64)
    below = np.abs(exact - nearer_zero.view(np.float32))
    above = np.abs(farther.view(np.float32) - exact)
    up = (above < below) | ((above == below) & ((nearer_zero >> np.uint32(16)) & np.uint32(1) == 1))
    assert np.array_equal(rounded(values, "bfloat16"), np.where(up, farther, nearer_zero) >> np.uint32(16))


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_what_was_rounded_reads_back_as_float32(name: DtypeName) -> None:
    values = np.array([0.0, 1.0, -1.5, 2.0**-20], np.float32)
    assert DTYPES[name].read(rounded(values, name)).tolist() == values.tolist()
