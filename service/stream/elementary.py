"""exp, log, sin and cos in float64 by basic operations only: the same bits everywhere, unlike a platform's libm.

Accurate to a few units in the last place, which is far below float32's. For tables and biases, not for large tensors.
"""

import math
from collections.abc import Callable
from decimal import Context, Decimal

import numpy as np
from numpy.typing import NDArray

from service import stopping

Doubles = NDArray[np.float64]
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")
LN2 = float.fromhex("0x1.62e42fefa39efp-1")
# pi/2 in three parts: products of the first two with integers below 2^20 are exact.
QUARTER_HIGH, QUARTER_MIDDLE = float.fromhex("0x1.921fb54400000p+0"), float.fromhex("0x1.0b4611a600000p-34")
QUARTER_LOW = float.fromhex("0x1.3198a2e037073p-69")
PRECISE = Context(prec=40)
PART = 2**16  # of an array, taken through all steps at once: what stands between them stays in the cache


def series(x: Doubles, coefficients: list[float]) -> Doubles:
    """c0 + x (c1 + x (c2 + …)) by Horner's rule."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def in_parts(few: Callable[[Doubles], Doubles], x: Doubles) -> Doubles:
    """Return a function of every element, some at a time: nobody may wait for the rest any more."""
    if np.size(x) <= PART:
        return few(x)
    found, every = np.empty(x.size), x.reshape(-1)
    for start in range(0, x.size, PART):
        stopping.check()
        found[start : start + PART] = few(every[start : start + PART])
    return found.reshape(x.shape)


def exp(x: Doubles) -> Doubles:
    """Return e to the x, for |x| < 700."""
    return in_parts(exp_of_few, x)


def exp_of_few(x: Doubles) -> Doubles:
    halvings = np.floor(x * (1.0 / LN2) + 0.5)
    rest = (x - halvings * LN2_HIGH) - halvings * LN2_LOW
    return np.ldexp(series(rest, [1.0 / math.factorial(n) for n in range(18)]), halvings.astype(np.int64))


def log(x: Doubles) -> Doubles:
    """Return the natural logarithm of x > 0."""
    return in_parts(log_of_few, x)


def log_of_few(x: Doubles) -> Doubles:
    mantissa, exponent = np.frexp(x)
    low = mantissa < 0.7071067811865476
    mantissa, exponent = np.where(low, mantissa * 2.0, mantissa), exponent - low
    s = (mantissa - 1.0) / (mantissa + 1.0)
    odd = series(s * s, [2.0 / (2 * n + 1) for n in range(14)])
    return exponent * LN2_HIGH + (exponent * LN2_LOW + s * odd)


def sine_and_cosine(x: Doubles) -> tuple[Doubles, Doubles]:
    """Return sin x and cos x, for |x| < 2^20."""
    sine, cosine, angles = np.empty(x.size), np.empty(x.size), x.reshape(-1)
    for start in range(0, x.size, PART):
        stopping.check()
        part = slice(start, start + PART)
        sine[part], cosine[part] = sine_and_cosine_of_few(angles[part])
    return sine.reshape(x.shape), cosine.reshape(x.shape)


def sine_and_cosine_of_few(x: Doubles) -> tuple[Doubles, Doubles]:
    quarters = np.floor(x * (2.0 / math.pi) + 0.5)
    rest = ((x - quarters * QUARTER_HIGH) - quarters * QUARTER_MIDDLE) - quarters * QUARTER_LOW
    square = rest * rest
    sine = rest * series(square, [(-1.0) ** n / math.factorial(2 * n + 1) for n in range(12)])
    cosine = series(square, [(-1.0) ** n / math.factorial(2 * n) for n in range(12)])
    turn = quarters.astype(np.int64) % 4
    swapped = turn % 2 == 1
    sin, cos = np.where(swapped, cosine, sine), np.where(swapped, sine, cosine)
    return np.where(turn >= 2, -sin, sin), np.where((turn == 1) | (turn == 2), -cos, cos)


def power(base: float, exponents: list[Decimal]) -> Doubles:
    """Return base to each exponent, correctly rounded."""
    return np.array([float(PRECISE.power(Decimal(base), exponent)) for exponent in exponents])
