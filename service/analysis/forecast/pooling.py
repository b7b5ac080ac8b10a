"""Pooling: means over places take their correlation, largest values the order statistics of normal ones (largest.py).

The largest of several values of a rising function is that function of the largest; of one that is not rising, the
distribution is taken and the order of its values lost. Windows that share places are taken as correlated on average.
A gradient comes to the largest value alone, where the slope of what is before is another than elsewhere.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from service.analysis.forecast.bend import deviations, through
from service.analysis.forecast.fields import tables_of
from service.analysis.forecast.largest import Largest, ranks_of_points
from service.analysis.forecast.normal import POINTS, WEIGHTS, Array
from service.analysis.forecast.places import Table, averaging, copying, counted, kron, mixed, moved, through_taps
from service.analysis.forecast.signal import Gradient, Places, Signal, count_of, taken_of, two_of
from service.analysis.forecast.step import Given, Step, weightless
from service.analysis.functions import Function, Map
from service.networks.layers.structure import Pad, Pool, Upsample

DIP = 1e-9  # by which a rising function may fall, for rounding


def averaged(given: Given) -> Step:
    """Zeros beyond the border count where their number is stated, as in PyTorch."""
    (x,), layer = given.inputs, given.layer
    assert isinstance(layer, Pool)
    tables, zeros = tables_of(layer, x.places, given.places), not isinstance(layer.padding, str)
    return moving(given, [averaging(table, size, zeros) for table, size in zip(tables, x.places, strict=True)])


def averaged_over_all(given: Given) -> Step:
    (x,) = given.inputs
    same, cross = whole(x.same, x.places), whole(x.cross, x.places)
    out = Signal((), x.features, np.array([x.mean.mean()]), same, cross)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        count = len(x.mean)
        return [Gradient(np.full((count, count), gradient.second / prod(x.places) ** 2))]

    return weightless(out, back, 1.0 / prod(x.places))


def whole(moments: Array, places: Places) -> Array:
    return mixed(moments, places, [np.full((1, size), 1.0 / size) for size in places])


def moving(given: Given, matrices: Sequence[Array]) -> Step:
    """Return the step of a layer that is a matrix along each axis of places."""
    (x,) = given.inputs
    same, cross = mixed(x.same, x.places, matrices), mixed(x.cross, x.places, matrices)
    lineage = {}
    if len(x.mean) == prod(x.places) and len(same) == prod(given.places):
        lineage = taken_of(x.lineage, kron(matrices))
    out = Signal(given.places, given.features, moved(x.mean, x.places, matrices), same, cross, lineage=lineage)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        backwards = [matrix.T for matrix in matrices]
        through_it = {}
        if lineage:
            through_it = taken_of(gradient.lineage, kron(backwards))
        return [Gradient(mixed(gradient.same, given.places, backwards), through_it)]

    chi = prod(float((matrix * matrix).sum() / len(matrix)) for matrix in matrices)
    return weightless(out, back, chi, linear=bool(lineage))


def upsampled(given: Given) -> Step:
    """Values are copied, or lie on the line between two: the last ones are copied at the borders."""
    (x,), layer = given.inputs, given.layer
    assert isinstance(layer, Upsample)
    matrices = []
    for size, outputs in zip(x.places, given.places, strict=True):
        at = (np.arange(outputs) + 0.5) * size / outputs - 0.5
        if layer.method == "nearest":
            matrices.append(copying(np.floor(at + 0.5).astype(np.int64), size))
            continue
        left = np.clip(np.floor(at).astype(np.int64), 0, size - 1)
        right, share = np.minimum(left + 1, size - 1), np.clip(at - left, 0.0, 1.0)[:, None]
        matrices.append((1.0 - share) * copying(left, size) + share * copying(right, size))
    return moving(given, matrices)


def padded(given: Given) -> Step:
    """Zeros beside what comes; beside features they lower all moments alike."""
    (x,), layer = given.inputs, given.layer
    assert isinstance(layer, Pad)
    beside = [before for before, _ in layer.padding]
    step = moving(given, [
        np.eye(outputs, size, -start)
        for size, outputs, start in zip(x.places, given.places, beside[:-1], strict=True)
    ])  # fmt: skip
    share = x.features / given.features
    if share == 1.0:
        return step
    out = step.out
    thinner = Signal(out.places, out.features, share * out.mean, share * out.same, share * out.cross)
    return weightless(thinner, step.back, share * step.chi)


def largest(given: Given) -> Step | None:
    (x,), layer = given.inputs, given.layer
    assert isinstance(layer, Pool)
    if x.origin is None:  # turned by its place: no function of what is normal
        return None
    tables = tables_of(layer, x.places, given.places)
    values = prod(float((table >= 0).sum(axis=1).mean()) for table in tables)
    count = max(round(values), 1)
    spread = deviations(x.origin.same)
    typical = float(np.sqrt((spread * spread).mean()))
    if typical == 0.0:
        return moving(given, [averaging(table, size, False) for table, size in zip(tables, x.places, strict=True)])
    means = [averaging(table, size, zeros=False) for table, size in zip(tables, x.places, strict=True)]
    # Moments over deviations: as correlations, were all places alike.
    same, cross = (pairs_of(each / typical**2, x.places, tables, means) for each in (x.origin.same, x.origin.cross))
    (paired, others), (paired_of_two, others_of_two) = (apart(*each, count) for each in (same, cross))
    window = Largest(count, float(np.clip(np.diag(others).mean(), 0.0, 1.0)))
    _, variance = window.moments()
    function = rising(x.origin.function, float(x.origin.mean.mean()), typical)

    def value(z: Array) -> Array:
        return function(window.at(z))

    origin = replace(
        x.origin,
        name="",
        mean=np.zeros(len(paired)),
        same=with_diagonal(window.covariance(paired, others) / variance, 1.0),
        cross=window.covariance(paired_of_two, others_of_two) / variance,
    )
    slopes = np.gradient(value(POINTS), POINTS)
    whole = Function(value, lambda z: np.interp(z, POINTS, slopes))
    out = through(whole, whole, origin, given.places, given.features).out

    def back(gradient: Gradient) -> Sequence[Gradient]:
        means_back = [matrix.T for matrix in means]
        own = np.diag(np.diag(gradient.same))
        between = mixed(gradient.same, given.places, means_back) - mixed(own, given.places, means_back)
        return [Gradient(with_diagonal(between, to_largest(gradient.same, x.places, tables)), window=window)]

    share = prod(given.places) / prod(x.places)
    return weightless(out, back, min(share * values, 1.0))


def to_largest(same: Array, places: Places, tables: Sequence[Table]) -> Array | float:
    """Return the second moment of what comes to each place, which is the largest of as many windows as may be.

    It is that of two windows with a chance of one in all the places that either of them sees.
    """
    given = tuple(len(table) for table in tables)
    seen = [counted(table, size) for table, size in zip(tables, places, strict=True)]
    if len(same) == prod(given) and count_of(places) == prod(places):
        inside = kron(seen)
        shared = inside @ inside.T
        either = np.maximum(np.add.outer(np.diag(shared), np.diag(shared)) - shared, 1.0)
        found: Array = np.einsum("gp,gh,hp->p", inside, same / either, inside, optimize=True)
        return found
    own, other = two_of(same, given)
    middle = [each[len(each) // 2] for each in seen]
    shared_along = [each @ one for each, one in zip(seen, middle, strict=True)]
    values = prod(float(one.sum()) for one in middle)
    shared = kron([each[:, None] for each in shared_along]).ravel()
    chances = shared / np.maximum(2.0 * values - shared, 1.0)
    return float(own + other * (chances.sum() - 1.0)) * prod(given) / prod(places)


def with_diagonal(matrix: Array, diagonal: Array | float) -> Array:
    found = matrix.copy()
    np.fill_diagonal(found, diagonal)
    return found


def pairs_of(moments: Array, places: Places, tables: Sequence[Table], means: Sequence[Array]) -> tuple[Array, Array]:
    """Return for each two windows the mean over pairs of places at the same tap, and over all pairs."""
    given = tuple(len(table) for table in tables)
    seen = through_taps(np.ones_like(moments), places, tables)
    paired = np.divide(through_taps(moments, places, tables), seen, out=np.zeros_like(seen), where=seen > 0.0)
    return paired, mixed(moments, places, means).reshape((len(paired),) * 2) if given else paired


def apart(paired: Array, every: Array, count: int) -> tuple[Array, Array]:
    """Return the mean over pairs of places at the same tap, and over all others."""
    return paired, (every * count - paired) / (count - 1) if count > 1 else every


def rising(function: Function, mean: float, deviation: float) -> Map:
    """Return a function of standard normal values that rises and has the same distribution."""
    values = function.value(mean + deviation * POINTS)
    if (np.diff(values) >= -DIP).all():
        return lambda z: function.value(mean + deviation * z)
    order = np.argsort(values)
    ranks = np.cumsum(WEIGHTS[order]) - 0.5 * WEIGHTS[order]
    return lambda z: np.interp(np.interp(z, POINTS, ranks_of_points()), ranks, values[order])
