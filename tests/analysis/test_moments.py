"""Moments of arrays, by NumPy's own in float64."""

from typing import Any

import numpy as np
import pytest

from service.analysis.moments import PART, moments_of
from service.stopping import Stop, Stopped, stoppable


@pytest.mark.parametrize("size", [1, 2, 31, 33, 1000, PART - 1, PART + 1, 3 * PART + 5])
@pytest.mark.parametrize("exactness", [np.float32, np.float64])
def test_moments_are_numpys(size: int, exactness: Any) -> None:
    values = (3.0 * np.random.default_rng(size).standard_normal(size) - 1.0).astype(exactness)
    found, exact = moments_of(values), values.astype(np.float64)
    assert found.mean == pytest.approx(exact.mean(), rel=1e-12, abs=1e-12)
    assert found.std == pytest.approx(exact.std(), rel=1e-10, abs=1e-12)
    assert found.rms == pytest.approx(np.sqrt((exact * exact).mean()), rel=1e-12)
    assert found.largest == np.abs(exact).max()


def test_a_small_spread_about_a_large_mean_is_told() -> None:
    values = 1e6 + np.random.default_rng(0).standard_normal(10_000)
    assert moments_of(values).std == pytest.approx(values.std(), rel=1e-9)


def test_what_is_the_same_everywhere_does_not_spread_at_all() -> None:
    assert moments_of(np.full((7, 9), 0.1, np.float32)).std == 0.0
    assert moments_of(np.zeros(3)) == (0.0, 0.0, 0.0, 0.0)
    assert moments_of(np.zeros((0, 4))) == (0.0, 0.0, 0.0, 0.0)


def test_axes_in_any_order_are_the_same_elements() -> None:
    values = np.random.default_rng(0).standard_normal((40, 50))
    assert moments_of(values.T[::2]) == pytest.approx(moments_of(values[:, ::2].T.copy()))


def test_what_overflows_is_told_as_such() -> None:
    assert not np.isfinite(moments_of(np.array([np.inf, 1.0])).rms)
    assert not np.isfinite(moments_of(np.array([1.0, np.nan, 2.0])).rms)
    assert np.isnan(moments_of(np.array([1.0, np.nan, 2.0])).largest)
    assert moments_of(np.array([1e200, 1.0])).rms == np.inf
    assert moments_of(np.array([1e200, 1.0])).largest == 1e200


def test_moments_that_nobody_waits_for_are_not_taken() -> None:
    stop = Stop()
    stop.ask()
    with stoppable(stop), pytest.raises(Stopped):
        moments_of(np.zeros(4))


def test_what_cannot_be_written_to_has_moments() -> None:
    """The gradient behind a mean over one place is such a view."""
    values = np.broadcast_to(np.arange(6.0).reshape(2, 1, 3), (2, 1, 3))
    assert moments_of(values).mean == 2.5
