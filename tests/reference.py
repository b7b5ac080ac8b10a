"""The stream `initserve/1` in plain NumPy, written to be read: the oracle that every kernel must equal bit for bit.

Follow it beside docs/stream.md. Nothing here is shared with the service. Each float32 operation is a NumPy operation
on float32 arrays, which rounds once and fuses nothing.
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

f32 = np.float32
Words = NDArray[np.uint32]
Floats = NDArray[np.float32]
INFINITY = math.inf


def stream(seed: int, path: str) -> list[int]:
    """Key words 0, 1 and counter words 2, 3."""
    digest = hashlib.sha256(b"initserve/1\0" + seed.to_bytes(8, "little") + path.encode("utf-8")).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in (0, 4, 8, 12)]


def philox(counter: list[Words], key: list[int]) -> list[Words]:
    """Philox4x32-10 (Salmon et al., SC 2011)."""
    c0, c1, c2, c3 = (word.astype(np.uint64) for word in counter)
    k0, k1 = key
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        product0 = np.uint64(0xD2511F53) * c0
        product1 = np.uint64(0xCD9E8D57) * c2
        c0 = (product1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0)
        c1 = product1 & low
        c2 = (product0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1)
        c3 = product0 & low
        k0 = (k0 + 0x9E3779B9) % 2**32
        k1 = (k1 + 0xBB67AE85) % 2**32
    return [word.astype(np.uint32) for word in (c0, c1, c2, c3)]


def words(seed: int, path: str, first: int, count: int) -> Words:
    """The random words of elements first, first + 1, …"""
    k0, k1, c2, c3 = stream(seed, path)
    blocks = np.array(range(first // 4, (first + count + 3) // 4), dtype=np.uint64)
    counter = [
        (blocks & np.uint64(0xFFFFFFFF)).astype(np.uint32),
        (blocks >> np.uint64(32)).astype(np.uint32),
        np.full(blocks.size, c2, np.uint32),
        np.full(blocks.size, c3, np.uint32),
    ]
    out = np.stack(philox(counter, [k0, k1]), axis=1).ravel()
    return out[first % 4 : first % 4 + count]


def line(start: float, end: float, width: float) -> tuple[int, np.float32, np.float32, np.float32]:
    """The interval [start, end] as (whole, fraction, step, anchor), from float64 arithmetic."""
    if start >= 0:
        zero, anchor = 0.0, start
    elif end <= 0:
        zero, anchor = 2.0**32, end
    else:
        zero, anchor = -start / width * 2.0**32, 0.0
    whole = math.floor(zero)
    return whole, f32(0.5 - (zero - whole)), f32(width / 2.0**32), f32(anchor)


def offset(word: Words, whole: int, fraction: np.float32) -> Floats:
    """Word + 1/2 - zero, rounded once."""
    high = ((word >> np.uint32(16)).astype(np.int64) - (whole >> 16)).astype(f32)
    low = ((word & np.uint32(0xFFFF)).astype(np.int64) - (whole & 0xFFFF)).astype(f32)
    return high * f32(65536) + (low + fraction)


def inwards(low: float, high: float) -> tuple[np.float32, np.float32]:
    """The least and the greatest float32 within [low, high]."""
    a, b = f32(low), f32(high)
    if float(a) < low:
        a = np.nextafter(a, f32(INFINITY))
    if float(b) > high:
        b = np.nextafter(b, f32(-INFINITY))
    return a, b


def uniform(word: Words, low: float, high: float) -> Floats:
    whole, fraction, step, anchor = line(low, high, high - low)
    least, greatest = inwards(low, high)
    point: Floats = anchor + offset(word, whole, fraction) * step
    return np.minimum(np.maximum(point, least), greatest)


# Coefficients from the constant up.
CENTRE_ABOVE = "0x1.b18d92p+1 -0x1.9379b6p+5 0x1.3e95acp+7 -0x1.d8e192p+5"
CENTRE_BELOW = "0x1p+0 -0x1.1e52cep+4 0x1.3b0872p+6 -0x1.0cc0d0p+6"
TAIL_ABOVE = "0x1.88bc1ep+0 0x1.2df542p+1 0x1.db3834p-1 0x1.a58c56p-4"
TAIL_BELOW = "0x1p+0 0x1.3d1080p-1 0x1.65299ep-4 0x1.5eac72p-18"
LOGARITHM = "0x1.7154c4p+0 -0x1.71582ep-1 0x1.ebff06p-2 -0x1.6f93b0p-2 0x1.3065acp-2 -0x1.173e2cp-2 0x1.5d7544p-3"


def horner(x: Floats, coefficients: str) -> Floats:
    """c0 + x (c1 + x (c2 + …))."""
    *rest, last = [f32(float.fromhex(c)) for c in coefficients.split()]
    value = np.full_like(x, last)
    for c in reversed(rest):
        value = c + x * value
    return value


def log2(p: Floats) -> Floats:
    bits = p.view(np.int32) - np.int32(0x3F3504F3)
    exponent = (bits >> np.int32(23)).astype(f32)
    t = ((bits & np.int32(0x007FFFFF)) + np.int32(0x3F3504F3)).view(f32) - f32(1)
    return exponent + t * horner(t, LOGARITHM)


def quantile(q: Floats, p: Floats) -> Floats:
    """The standard normal quantile of 1/2 + q; p is the probability of the tail beyond it."""
    x = q * q - f32(0.180625)
    centre = q * (horner(x, CENTRE_ABOVE) / horner(x, CENTRE_BELOW))
    y = np.sqrt(-log2(p)) - f32(2)
    tail = horner(y, TAIL_ABOVE) / horner(y, TAIL_BELOW)
    return np.where(np.abs(q) <= f32(0.425), centre, np.where(q < 0, -tail, tail))


def probability_below(x: float) -> float:
    """The standard normal distribution function; what lies beyond 12 deviations counts as nothing."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0)) if x >= -12.0 else 0.0


def standard(word: Words, lower: float = -INFINITY, upper: float = INFINITY) -> Floats:
    """Standard normal values, cut at `lower` and `upper` deviations."""
    below, above = probability_below(lower), probability_below(-upper)
    start, end = 0.5 * math.erf(lower / math.sqrt(2.0)), 0.5 * math.erf(upper / math.sqrt(2.0))
    if lower >= 0.0:
        mass = probability_below(-lower) - above  # end - start, without its cancellation
    elif upper <= 0.0:
        mass = probability_below(upper) - below
    else:
        mass = end - start
    whole, fraction, step, anchor = line(start, end, mass)
    q = anchor + offset(word, whole, fraction) * step
    distance = np.where(q < 0, word, ~word).astype(f32) + f32(0.5)
    return quantile(q, distance * step + np.where(q < 0, f32(below), f32(above)))


def normal(word: Words, mean: float, deviation: float, lower: float = -INFINITY, upper: float = INFINITY) -> Floats:
    least, greatest = inwards(mean + lower * deviation, mean + upper * deviation)
    value: Floats = f32(mean) + standard(word, lower, upper) * f32(deviation)
    return np.minimum(np.maximum(value, least), greatest)


def uniform64(word: Words, low: float, high: float) -> NDArray[np.float64]:
    """The same draw, scaled in float64."""
    whole, fraction, _, _ = line(low, high, high - low)
    anchor = low if low >= 0 else high if high <= 0 else 0.0
    drawn = offset(word, whole, fraction).astype(np.float64)
    return np.minimum(np.maximum(anchor + drawn * ((high - low) / 2.0**32), low), high)


def normal64(
    word: Words, mean: float, deviation: float, lower: float = -INFINITY, upper: float = INFINITY
) -> NDArray[np.float64]:
    drawn = standard(word, lower, upper).astype(np.float64)
    return np.minimum(np.maximum(mean + drawn * deviation, mean + lower * deviation), mean + upper * deviation)


TWO_SIGMA = 0.87962566103423978  # the deviation of a standard normal value cut at -2 and 2


def variance_scaling(word: Words, scale: float, fan: float, distribution: str) -> Floats:
    variance = scale / max(1.0, fan)
    if distribution == "uniform":
        limit = math.sqrt(3.0 * variance)
        return uniform(word, -limit, limit)
    if distribution == "untruncated_normal":
        return normal(word, 0.0, math.sqrt(variance))
    return normal(word, 0.0, math.sqrt(variance) / TWO_SIGMA, -2.0, 2.0)


def orthonormal_columns(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Q of matrix = Q R, R's diagonal not negative: Householder reflections, each sum from the top row down."""
    rows, columns = matrix.shape
    a = matrix.astype(np.float64)
    reflections = []
    signs = np.ones(columns)
    for k in range(columns):
        v = a[:, k].copy()
        v[:k] = 0.0
        below = sum_down((v * v)[k + 1 :])
        head = v[k]
        length = np.sqrt(head * head + below)
        signs[k] = -1.0 if head >= 0 else 1.0
        v[k] = head - signs[k] * length
        square = v[k] * v[k] + below
        factor = 2.0 / square if square > 0 else 0.0
        reflections.append((v, factor))
        reflect(a, v, factor, k)
    q = np.zeros((rows, columns))
    for j in range(columns):
        column = np.zeros((rows, 1))
        column[j] = signs[j]
        for k in range(j, -1, -1):
            reflect(column, *reflections[k], k)
        q[:, j] = column[:, 0]
    return q


def reflect(a: NDArray[np.float64], v: NDArray[np.float64], factor: float, top: int) -> None:
    sums = sum_down(v[top:, None] * a[top:])
    a[top:] -= v[top:, None] * (sums * factor)


def sum_down(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add rows from the top, one after the other (NumPy's own sum adds in pairs)."""
    total = np.zeros(a.shape[1:])
    for row in a:
        total = total + row
    return total


def orthogonal(seed: int, path: str, rows: int, columns: int, gain: float) -> Floats:
    gaussian = standard(words(seed, path, 0, rows * columns)).astype(np.float64).reshape(rows, columns)
    q = orthonormal_columns(gaussian.T).T if columns > rows else orthonormal_columns(gaussian)
    return (gain * q).astype(f32)


def bfloat16(values: Floats) -> NDArray[np.uint16]:
    """Rounded to nearest, ties to even; the upper half of the float32 pattern."""
    bits = values.view(np.uint32).astype(np.uint64)
    upper, rest = bits >> np.uint64(16), bits & np.uint64(0xFFFF)
    up = (rest > 0x8000) | ((rest == 0x8000) & (upper % np.uint64(2) == 1))
    rounded: NDArray[np.uint16] = (upper + up).astype(np.uint16)
    return rounded
