"""Statistics against NumPy's, in one pass, however the values are cut."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.statistics import Statistics, expected_counts
from service.stream.addresses import Runs
from service.stream.distributions import Constant, Distribution, Independent, Normal, Uniform
from service.stream.matrices import Diagonal, Orthogonal
from service.stream.stacks import Stack
from service.stream.streams import stream_of

DISTRIBUTIONS: list[Distribution] = [
    Uniform(-0.25, 0.75),
    Normal(5.0, 0.02),
    Normal(0.0, 1.0, -2.0, 2.0),
    Normal(0.0, 1.0, -1.0, 40.0),
    Normal(5.0, 1e-13),  # bins of some units in the last place
    Normal(1.0, 3e-14),
    Constant(0.1),
    Constant(0.0),
    Constant(1e30),
    Diagonal(Stack.one(300, 200), 2.0),
    Orthogonal(Stack.one(300, 200), 2.0),
]


def drawn(distribution: Distribution, dtype: type[Any], count: int = 60_000) -> NDArray[Any]:
    out = np.empty(count, dtype)
    distribution.open(stream_of(5, "s/kernel"))(Runs.one(0, count), out)
    return out


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_are_numpys(distribution: Distribution, dtype: type[Any]) -> None:
    values = drawn(distribution, dtype)
    statistics = Statistics(distribution)
    for part in np.array_split(values, [1, 7, 20_000, 20_001, 44_444]):
        statistics.merge(statistics.survey(part))
    found: Any = statistics.summary()
    exact = values.astype(np.float64)
    scale = max(abs(exact).max(), 1e-300)
    assert found["count"] == values.size
    assert found["mean"] == pytest.approx(exact.mean(), abs=1e-12 * scale)
    assert found["std"] == pytest.approx(exact.std(), rel=1e-9, abs=1e-7 * scale)
    assert (found["min"], found["max"]) == (exact.min(), exact.max())
    edges = np.array(found["histogram"]["edges"])
    counts, _ = np.histogram(np.clip(exact, edges[0], edges[-1]), edges)
    assert found["histogram"]["counts"] == counts.tolist()
    assert sum(found["histogram"]["counts"]) == values.size


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0])
@pytest.mark.parametrize("count", [1, 3, 700])
def test_values_that_are_all_one_have_it_as_their_mean_and_do_not_vary(value: float, count: int) -> None:
    """As a slice of a sparse matrix has, of which another mean is expected."""
    statistics = Statistics(Diagonal(Stack.one(5, 14), 1.3))
    statistics.merge(statistics.survey(np.full(count, value)))
    found: Any = statistics.summary()
    assert (found["mean"], found["std"], found["min"], found["max"]) == (value, 0.0, value, value)


@pytest.mark.parametrize("distribution", [d for d in DISTRIBUTIONS if isinstance(d, Independent)])
def test_what_is_expected_is_what_comes(distribution: Independent) -> None:
    statistics = Statistics(distribution)
    statistics.merge(statistics.survey(drawn(distribution, np.float64)))
    found: Any = statistics.summary()
    tolerance = 6.0 * distribution.deviation / np.sqrt(60_000)
    assert abs(found["mean"] - found["expected"]["mean"]) <= tolerance + 1e-15 * abs(distribution.mean)
    assert found["std"] == pytest.approx(found["expected"]["std"], rel=0.02, abs=1e-12)
    if distribution.low is not None:
        assert found["min"] >= distribution.low
    if distribution.high is not None:
        assert found["max"] <= distribution.high


def test_an_unbounded_distribution_has_no_expected_extremes() -> None:
    statistics = Statistics(Normal(0.0, 1.0))
    statistics.merge(statistics.survey(drawn(Normal(0.0, 1.0), np.float32)))
    expected: Any = statistics.summary()["expected"]
    assert (expected["min"], expected["max"]) == (None, None)


@pytest.mark.parametrize("distribution", [d for d in DISTRIBUTIONS if not isinstance(d, Diagonal)])
def test_no_value_lies_outside_the_histogram(distribution: Distribution) -> None:
    statistics, values = Statistics(distribution), drawn(distribution, np.float64)
    assert statistics.edges[0] <= values.min()
    assert values.max() <= statistics.edges[-1]


@pytest.mark.parametrize("distribution", [d for d in DISTRIBUTIONS if isinstance(d, Normal | Uniform)][:4])
def test_expected_counts_are_those_that_come(distribution: Distribution) -> None:
    statistics = Statistics(distribution)
    statistics.merge(statistics.survey(drawn(distribution, np.float64)))
    expected = expected_counts(distribution, statistics.edges, 60_000)
    assert expected is not None
    assert sum(expected) == pytest.approx(60_000, rel=1e-6)
    # A count is binomial: a deviation of at most its root; 6 of them, and 3 for bins with hardly any.
    assert np.all(np.abs(statistics.counts - np.array(expected)) <= 6.0 * np.sqrt(expected) + 3.0)
    assert expected_counts(Constant(1.0), statistics.edges, 10) is None


def test_no_normal_value_lies_outside_the_histogram() -> None:
    statistics = Statistics(Normal(0.0, 1.0))
    # The quantile of the least word there is: (0 + 1/2) / 2^32.
    assert statistics.edges[0] < -6.338 < 6.338 < statistics.edges[-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "distribution", [Uniform(0.0, 1e-310), Uniform(0.0, 5e-324), Uniform(-1e-320, 1e-320), Normal(0.0, 1e-320)]
)
def test_bins_beyond_a_floats_reach_still_count_every_value(distribution: Distribution, dtype: type[Any]) -> None:
    statistics = Statistics(distribution)
    statistics.merge(statistics.survey(drawn(distribution, dtype, 5000)))
    found: Any = statistics.summary()
    assert sum(found["histogram"]["counts"]) == 5000
