"""The compiled loops behind statistics and activations: one pass over a block of values, GIL released."""

import math

import numpy as np

from service.stream.targets import compiled, inlined

LANES = 32  # sums run side by side, so that additions need not wait for each other
STRIP = 1024  # values whose bins are found together: a loop that the compiler vectorises
TABLES = 4  # counts kept side by side, so that neighbours in one bin need not wait for each other
# How near to an edge a value must be, in widths of a bin, to be compared with the edge itself: the product is rounded,
# and so was the edge, by some units in the last place of the greatest.
NEAR, ULPS = 1e-9, 1e-15


@inlined
def count_into_bins(values, edges, counts):
    """Count each value into its bin: found by a product, and by the edges where that is too near to one."""
    bins = counts.size
    per_unit = bins / (edges[bins] - edges[0])
    margin = NEAR + ULPS * max(abs(edges[0]), abs(edges[bins])) * per_unit
    places = np.empty(STRIP, np.int32)
    tables = np.zeros((TABLES, bins), np.int64)
    for start in range(0, values.size, STRIP):
        strip = values[start : start + STRIP]
        near = 0
        for i in range(strip.size):
            along = (np.float64(strip[i]) - edges[0]) * per_unit
            along = along if along > 0.0 else 0.0  # NaN too, where the bins' width is beyond a float64's reach
            along = along if along < bins - 0.5 else bins - 0.5
            places[i] = np.int32(along)
            near |= np.int32(abs(along - np.float64(places[i]) - 0.5) > 0.5 - margin)
        if near:
            for i in range(strip.size):
                x, place = np.float64(strip[i]), places[i]
                while place > 0 and x < edges[place]:
                    place -= 1
                while place < bins - 1 and x >= edges[place + 1]:
                    place += 1
                places[i] = place
        whole = strip.size - strip.size % TABLES
        for i in range(0, whole, TABLES):
            for table in range(TABLES):
                tables[table, places[i + table]] += 1
        for i in range(whole, strip.size):
            tables[0, places[i]] += 1
    for table in range(TABLES):
        for place in range(bins):
            counts[place] += tables[table, place]


@compiled(
    "UniTuple(float64, 4)(float32[::1], float64, float64[::1], int64[::1])",
    "UniTuple(float64, 4)(float64[::1], float64, float64[::1], int64[::1])",
)
def survey(values, shift, edges, counts):
    """Return (sum of x - shift, sum of its squares, least x, greatest x); count each x into its bin of `edges`.

    Bins are of equal width, closed below; the last is closed above too, and the outer ones take what lies beyond.
    """
    sums, squares = np.zeros(LANES), np.zeros(LANES)
    least, greatest = np.empty(LANES, values.dtype), np.empty(LANES, values.dtype)
    for lane in range(LANES):
        least[lane], greatest[lane] = np.inf, -np.inf
    whole = values.size - values.size % LANES
    for start in range(0, whole, LANES):
        row = values[start : start + LANES]
        for lane in range(LANES):
            x = row[lane]
            away = np.float64(x) - shift
            sums[lane] += away
            squares[lane] += away * away
            least[lane] = x if x < least[lane] else least[lane]
            greatest[lane] = x if x > greatest[lane] else greatest[lane]
    for i in range(whole, values.size):
        x = values[i]
        away = np.float64(x) - shift
        sums[0] += away
        squares[0] += away * away
        least[0] = min(least[0], x)
        greatest[0] = max(greatest[0], x)
    count_into_bins(values, edges, counts)
    for lane in range(1, LANES):
        sums[0] += sums[lane]
        squares[0] += squares[lane]
        least[0] = min(least[0], least[lane])
        greatest[0] = max(greatest[0], greatest[lane])
    return sums[0], squares[0], np.float64(least[0]), np.float64(greatest[0])


@compiled("float64[::1](float64[::1])", "float32[::1](float32[::1])")
def erf(values):
    """Return the error function of each value; NumPy has none."""
    out = np.empty_like(values)
    for i in range(values.size):
        out[i] = math.erf(values[i])
    return out


@compiled("UniTuple(float64, 4)(float32[::1], float64)", "UniTuple(float64, 4)(float64[::1], float64)")
def moments_about(values, shift):
    """Return (sum of x - shift, sum of its squares, sum of squares of x, largest magnitude of x)."""
    sums, away_squares, squares, largest = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
    whole = values.size - values.size % LANES
    for start in range(0, whole, LANES):
        row = values[start : start + LANES]
        for lane in range(LANES):
            x = np.float64(row[lane])
            away = x - shift
            sums[lane] += away
            away_squares[lane] += away * away
            squares[lane] += x * x
            largest[lane] = abs(x) if abs(x) > largest[lane] else largest[lane]
    for i in range(whole, values.size):
        x = np.float64(values[i])
        away = x - shift
        sums[0] += away
        away_squares[0] += away * away
        squares[0] += x * x
        largest[0] = abs(x) if abs(x) > largest[0] else largest[0]
    for lane in range(1, LANES):
        sums[0] += sums[lane]
        away_squares[0] += away_squares[lane]
        squares[0] += squares[lane]
        largest[0] = max(largest[0], largest[lane])
    return sums[0], away_squares[0], squares[0], largest[0]
