"""Our own logf, sinf and cosf against the C library's, at every argument that TensorFlow's stream gives them."""

import ctypes
import math
import platform
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from service.replay import libm

Floats = NDArray[np.float32]
GLIBC = platform.libc_ver()[0] == "glibc"
UNITS: Floats = np.arange(2**23, dtype=np.float32) * np.float32(2.0**-23)
LOGARITHMS = np.maximum(UNITS, np.float32(1e-7))
ANGLES = (2.0 * math.pi * UNITS.astype(np.float64)).astype(np.float32)


def of_library(name: str, arguments: Floats) -> Floats:
    function = getattr(ctypes.CDLL("libm.so.6"), name)
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]

    def each(given: Any, out: Any) -> None:
        for i in range(given.size):
            out[i] = function(given[i])

    found = np.empty_like(arguments)
    numba.njit(each)(arguments, found)
    return found


def log(given: Any, first: Any, second: Any) -> None:
    for i in range(given.size):
        first[i] = second[i] = libm.log(given[i])


def sine_and_cosine(given: Any, first: Any, second: Any) -> None:
    for i in range(given.size):
        first[i], second[i] = libm.sine_and_cosine(given[i])


@pytest.mark.skipif(not GLIBC, reason="the C library is another one")
@pytest.mark.parametrize(
    ("own", "names", "arguments"),
    [(log, ("logf", "logf"), LOGARITHMS), (sine_and_cosine, ("sinf", "cosf"), ANGLES)],
    ids=["log", "sine and cosine"],
)
def test_every_argument_that_can_occur(own: Any, names: tuple[str, str], arguments: Floats) -> None:
    found = np.empty_like(arguments), np.empty_like(arguments)
    numba.njit(own)(arguments, *found)
    for name, values in zip(names, found, strict=True):
        assert np.array_equal(values.view(np.uint32), of_library(name, arguments).view(np.uint32)), name


def test_near_the_true_values() -> None:
    arguments = LOGARITHMS[:: 2**9]
    found = np.empty_like(arguments), np.empty_like(arguments)
    numba.njit(log)(arguments, *found)
    np.testing.assert_allclose(found[0], np.log(arguments.astype(np.float64)), rtol=7e-8, atol=1e-45)
    angles = ANGLES[:: 2**9]
    numba.njit(sine_and_cosine)(angles, *found)
    np.testing.assert_allclose(found[0], np.sin(angles.astype(np.float64)), rtol=0, atol=6e-8)
    np.testing.assert_allclose(found[1], np.cos(angles.astype(np.float64)), rtol=0, atol=6e-8)
