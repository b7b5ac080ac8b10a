"""Values: bit for bit the reference's, any slice, the exact quantile, inside the bounds, distributed as they should be.

Statistical tests are exact in the seed, so they do not flicker; each bound is set so that a right stream would fail
it once in ten million.
"""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats

from service.errors import InvalidSpec
from service.stream import kernels
from service.stream.addresses import Runs
from service.stream.distributions import Constant, Independent, Normal, Uniform
from service.stream.gaussian import slice_between
from service.stream.streams import stream_of
from tests import reference
from tests.runs import one_by_one, several_runs

ALPHA = 1e-7
SIGMAS = float(stats.norm.isf(ALPHA / 2))  # 5.33
MANY = 2**21
INFINITY = math.inf

BOUNDS = [
    (-INFINITY, INFINITY),
    (-2.0, 2.0),
    (-1.0, 3.0),
    (0.0, 1.0),
    (-0.001, 5.0),
    (2.0, 3.0),
    (-INFINITY, -1.0),
    (7.5, INFINITY),
    (-8.0, -7.9),
    (-100.0, 100.0),
]
FINITE = st.floats(-1e6, 1e6, width=32)


def values(distribution: Independent, path: str = "a/kernel", first: int = 0, count: int = MANY) -> NDArray[np.float32]:
    out = np.empty(count, np.float32)
    distribution.fill(stream_of(1, path), Runs.one(first, count), out)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("distribution", [Uniform(-0.25, 0.75), Normal(0.5, 2.0), Normal(0.0, 1.0, -2.0, 2.0)])
@given(runs=several_runs())
@example(runs=Runs(np.array([0, 8, 16], np.uint64), 6))
def test_several_runs_are_each_runs_values(distribution: Independent, dtype: Any, runs: Runs) -> None:
    fill = partial(distribution.fill, stream_of(3, "a/kernel"))
    out = np.empty(runs.starts.size * runs.length, dtype)
    fill(runs, out)
    assert np.array_equal(out, one_by_one(runs, fill, dtype))


@given(low=FINITE, high=FINITE, first=st.integers(0, 10**6))
@example(low=0.0, high=1.0, first=0)
@example(low=-0.1, high=1.0, first=3)
@example(low=-0.001, high=0.001, first=0)
def test_uniform_is_the_references(low: float, high: float, first: int) -> None:
    assume(low < high)
    word = reference.words(1, "a/kernel", first, 999)
    assert np.array_equal(values(Uniform(low, high), first=first, count=999), reference.uniform(word, low, high))
    out = np.empty(999, np.float64)
    Uniform(low, high).fill(stream_of(1, "a/kernel"), Runs.one(first, out.size), out)
    assert np.array_equal(out, reference.uniform64(word, low, high))


@pytest.mark.parametrize(("lower", "upper"), BOUNDS)
@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (0.1, 0.3), (-5.0, 1e-3)])
def test_normal_is_the_references(mean: float, deviation: float, lower: float, upper: float) -> None:
    distribution = Normal(mean, deviation, lower, upper)
    for first, count in ((0, 50_001), (2**34 - 3, 2001)):
        word = reference.words(1, "a/kernel", first, count)
        expected = reference.normal(word, mean, deviation, lower, upper)
        assert np.array_equal(values(distribution, first=first, count=count), expected)
        out = np.empty(count, np.float64)
        distribution.fill(stream_of(1, "a/kernel"), Runs.one(first, out.size), out)
        assert np.array_equal(out, reference.normal64(word, mean, deviation, lower, upper))


@settings(max_examples=300)
@given(start=st.integers(0, 8000), count=st.integers(1, 4000), kind=st.integers(0, 3), double=st.booleans())
def test_any_slice_is_the_slice_of_the_whole(start: int, count: int, kind: int, double: bool) -> None:
    distribution: Independent = (Uniform(-1.0, 2.0), Normal(0.0, 1.0), Normal(0.0, 1.0, -2.0, 2.0), Constant(5.0))[kind]
    dtype: Any = np.float64 if double else np.float32
    whole, part = np.empty(12_000, dtype), np.empty(count, dtype)
    distribution.fill(stream_of(3, "x/kernel"), Runs.one(0, whole.size), whole)
    distribution.fill(stream_of(3, "x/kernel"), Runs.one(start, count), part)
    assert np.array_equal(part, whole[start : start + count])


def exact_quantile(word: NDArray[np.uint32], lower: float, upper: float) -> NDArray[np.float64]:
    """The truncated normal's quantile at u = (word + 1/2) / 2^32 in float64, without cancellation near 0."""
    cut = slice_between(lower, upper)
    u = (word.astype(np.float64) + 0.5) / 2.0**32
    rest = (2.0**32 - 0.5 - word.astype(np.float64)) / 2.0**32
    q = np.where(cut.start >= 0.0, cut.start + u * cut.mass, 0.0)
    if cut.start < 0.0 < cut.end:  # count from the word where the quantile is 0
        zero = -cut.start / cut.mass * 2.0**32
        q = ((word.astype(np.float64) - np.floor(zero)) + (0.5 - (zero - np.floor(zero)))) / 2.0**32 * cut.mass
    elif cut.end <= 0.0:
        q = cut.end - rest * cut.mass
    tail = np.where(q < 0.0, cut.below + u * cut.mass, cut.above + rest * cut.mass)
    far = np.where(q < 0.0, special.ndtri(tail), -special.ndtri(tail))
    exact: NDArray[np.float64] = np.where(np.abs(q) < 0.3, math.sqrt(2.0) * special.erfinv(2.0 * q), far)
    return exact


def probing_words() -> NDArray[np.uint32]:
    """Random ones, and every one near the ends, the middle and the seam of the two rational functions."""
    rng = np.random.default_rng(0)
    near = np.arange(30_000, dtype=np.int64)
    seam = round(0.075 * 2**32)
    parts = [rng.integers(0, 2**32, 400_000), near, 2**32 - 1 - near]
    parts += [centre - 15_000 + near for centre in (2**31, seam, 2**32 - seam)]
    parts += [np.geomspace(1, 2**31, 100_000).astype(np.int64)]
    return np.concatenate(parts).astype(np.uint32)


# The reference is held to mathematics at every word that may be hard; the kernels, which see only the words of their
# streams, are held to it at a million of these.
STREAM_WORDS = reference.words(1, "a/kernel", 0, 2**20)


@pytest.mark.parametrize(("lower", "upper"), BOUNDS)
def test_normal_values_are_the_exact_quantile_to_twenty_bits(lower: float, upper: float) -> None:
    drawn = values(Normal(0.0, 1.0, lower, upper), count=STREAM_WORDS.size)
    hard = probing_words()
    for word, found in ((hard, reference.standard(hard, lower, upper)), (STREAM_WORDS, drawn)):
        exact = exact_quantile(word, lower, upper)
        error = np.abs(found / exact - 1.0)
        if lower < 0.0 < upper and lower != -upper:
            # The word at which the quantile crosses 0 is known to float64 only: leave out the nearest few.
            error = error[np.abs(exact) > 1e-8]
        assert error.max() < 2.0**-20


def test_uniform_values_are_the_exact_quantile_to_rounding() -> None:
    hard = probing_words()
    for low, high in ((-0.05, 0.05), (0.0, 1.0), (-0.1, 1.0), (2.0, 3.0), (-3.0, -2.0)):
        drawn = values(Uniform(low, high), count=STREAM_WORDS.size)
        for word, found in ((hard, reference.uniform(hard, low, high)), (STREAM_WORDS, drawn)):
            exact = low + (word.astype(np.float64) + 0.5) / 2.0**32 * (high - low)
            assert np.abs(found - exact).max() < 2.0**-23 * max(abs(low), abs(high))
    drawn = values(Uniform(-1.0, 1.0), count=STREAM_WORDS.size)
    for word, found in ((hard, reference.uniform(hard, -1.0, 1.0)), (STREAM_WORDS, drawn)):
        symmetric = (word.astype(np.float64) - 2.0**31 + 0.5) / 2.0**31
        assert np.abs(found / symmetric - 1.0).max() < 2.0**-22


def test_values_grow_with_their_word() -> None:
    hard, order = np.sort(probing_words()), np.argsort(STREAM_WORDS)
    for uniform in (reference.uniform(hard, -0.3, 0.7), values(Uniform(-0.3, 0.7), count=order.size)[order]):
        assert (np.diff(uniform) >= 0).all()
    for drawn in (reference.standard(hard), values(Normal(0.0, 1.0), count=order.size)[order]):
        normal = drawn.astype(np.float64)
        assert (np.diff(normal) >= -(2.0**-21) * np.abs(normal[1:])).all()  # but for a rounding error


@settings(max_examples=200)
@given(
    mean=st.floats(-100, 100),
    deviation=st.floats(1e-6, 100),
    lower=st.floats(-9, 8),
    width=st.floats(1e-3, 10),
)
def test_truncation_never_leaves_its_bounds(mean: float, deviation: float, lower: float, width: float) -> None:
    assume(lower + width > -8.0 and lower < 8.0)
    distribution = Normal(mean, deviation, lower, lower + width)
    low, high = mean + lower * deviation, mean + (lower + width) * deviation
    for dtype in (np.float32, np.float64):
        out: NDArray[Any] = np.empty(2000, dtype)
        try:
            distribution.fill(stream_of(1, "a/kernel"), Runs.one(0, out.size), out)
        except InvalidSpec:  # no float32 lies between
            assert np.float32(low) == np.float32(high) or np.nextafter(np.float32(low), np.float32(high)) >= high
            return
        assert low <= float(out.min())
        assert float(out.max()) <= high


# Where the least and greatest words stand in the stream of seed 1 and a/kernel, found by looking through 2^33 of them.
EXTREMES = {
    5_760_692_623: 0, 2_274_896_478: 1, 1_793_383_197: 2**32 - 3, 369_592_828: 2**32 - 2, 1_634_359_563: 2**32 - 1,
}  # fmt: skip


@pytest.mark.parametrize(("address", "word"), EXTREMES.items())
def test_the_least_and_greatest_words_keep_to_the_bounds(address: int, word: int) -> None:
    assert reference.words(1, "a/kernel", address, 1).tolist() == [word]
    for low, high in ((-0.001, 0.001), (0.0, 0.1), (-1.0, 1 / 3), (0.1, 0.7)):
        (drawn,) = values(Uniform(low, high), first=address, count=1)
        assert low <= float(drawn) <= high
        assert drawn == reference.uniform(np.array([word], np.uint32), low, high)[0]
    for lower, upper in BOUNDS:
        (drawn,) = values(Normal(0.0, 1.0, lower, upper), first=address, count=1)
        assert lower <= float(drawn) <= upper
        assert float(drawn) == pytest.approx(
            float(exact_quantile(np.array([word], np.uint32), lower, upper)[0]), rel=2e-6
        )


@pytest.mark.parametrize(
    "distribution",
    [
        Uniform(-0.05, 0.05),
        Uniform(0.0, 1.0),
        Normal(0.0, 1.0),
        Normal(3.0, 0.02),
        Normal(0.0, 1.0, -2.0, 2.0),
        Normal(0.0, 1.0, 0.5, 4.0),
    ],
)
def test_moments_and_shape_are_the_distributions(distribution: Uniform | Normal) -> None:
    drawn = values(distribution).astype(np.float64)
    if isinstance(distribution, Uniform):
        law = stats.uniform(distribution.minimum, distribution.maximum - distribution.minimum)
    else:
        law = stats.truncnorm(distribution.lower, distribution.upper, distribution.location, distribution.scale)
    mean, variance, _, kurtosis = (float(moment) for moment in law.stats("mvsk"))
    assert distribution.mean == pytest.approx(mean, rel=1e-9, abs=1e-12)
    assert distribution.deviation == pytest.approx(math.sqrt(variance), rel=1e-9)
    assert abs(drawn.mean() - mean) < SIGMAS * math.sqrt(variance / MANY)
    # The variance of a sample's variance is (excess kurtosis + 2) variance^2 / n.
    assert abs(drawn.var() - variance) < SIGMAS * variance * math.sqrt((kurtosis + 2.0) / MANY)
    assert stats.kstest(drawn, law.cdf).pvalue > ALPHA


def test_values_do_not_depend_on_their_neighbours() -> None:
    drawn = values(Normal(0.0, 1.0)).astype(np.float64)
    bound = float(stats.norm.isf(ALPHA / 2 / 20)) / math.sqrt(MANY)
    for lag in (*range(1, 17), 256, 1024, 4096, 2**18):
        assert abs(float(np.mean(drawn[:-lag] * drawn[lag:]))) < bound, lag


def test_streams_do_not_depend_on_each_other() -> None:
    distribution, count = Normal(0.0, 1.0), 2**18
    drawn = [
        values(distribution, path, count=count) for path in ("a/kernel", "a/bias", "b/kernel", "aa/kernel", "A/kernel")
    ]
    other = np.empty(count, np.float32)
    distribution.fill(stream_of(2, "a/kernel"), Runs.one(0, other.size), other)
    correlations = np.corrcoef([*drawn, other])
    pairs = correlations[np.triu_indices(6, 1)]
    assert np.abs(pairs).max() < float(stats.norm.isf(ALPHA / 2 / pairs.size)) / math.sqrt(count)


def test_every_bit_of_the_words_is_fair() -> None:
    word = np.empty(2**20, np.uint32)
    kernels.fill_words(stream_of(1, "a/kernel").address(), np.zeros(1, np.uint64), word.size, word)
    assert np.array_equal(word, STREAM_WORDS)
    for shift in (0, 16):
        counts = np.bincount((word >> np.uint32(shift)) & np.uint32(0xFFFF), minlength=2**16)
        assert ALPHA < stats.chisquare(counts).pvalue < 1 - ALPHA
