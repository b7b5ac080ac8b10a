"""The compiled loop behind the statistics: one pass over a block of values, GIL released."""

import numpy as np

from service.weights.targets import compiled

LANES = 16  # sums run side by side, so that additions need not wait for each other


@compiled(
    "UniTuple(float64, 4)(float32[::1], float64, float64[::1], int64[::1])",
    "UniTuple(float64, 4)(float64[::1], float64, float64[::1], int64[::1])",
)
def survey(values, shift, edges, counts):
    """Return (sum of x - shift, sum of its squares, least x, greatest x); count each x into its bin of `edges`.

    Bins are of equal width, closed below; the last is closed above too, and the outer ones take what lies beyond.
    """
    sums, squares = np.zeros(LANES), np.zeros(LANES)
    least, greatest = np.full(LANES, np.inf), np.full(LANES, -np.inf)
    whole = values.size - values.size % LANES
    for start in range(0, whole, LANES):
        row = values[start : start + LANES]
        for lane in range(LANES):
            x = np.float64(row[lane])
            away = x - shift
            sums[lane] += away
            squares[lane] += away * away
            least[lane] = min(least[lane], x)
            greatest[lane] = max(greatest[lane], x)
    for i in range(whole, values.size):
        x = np.float64(values[i])
        away = x - shift
        sums[0] += away
        squares[0] += away * away
        least[0] = min(least[0], x)
        greatest[0] = max(greatest[0], x)
    bins = counts.size
    per_unit = bins / (edges[bins] - edges[0])
    for i in range(values.size):
        x = np.float64(values[i])
        place = min(max(int((x - edges[0]) * per_unit), 0), bins - 1)
        if x < edges[place]:  # the product was rounded to the next bin
            place = max(place - 1, 0)
        elif x >= edges[place + 1]:
            place = min(place + 1, bins - 1)
        counts[place] += 1
    return sums.sum(), squares.sum(), least.min(), greatest.max()
