"""The normal distribution's numbers against SciPy."""

import math

import pytest
from scipy import special, stats

from service.stream.gaussian import slice_between

INFINITY = math.inf


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (-INFINITY, INFINITY),
        (-2.0, 2.0),
        (-1.0, 3.0),
        (0.0, 1.0),
        (2.0, 3.0),
        (-5.0, -4.0),
        (6.0, INFINITY),
        (-11.5, 11.5),
    ],
)
def test_probabilities_and_moments_are_scipys(lower: float, upper: float) -> None:
    cut = slice_between(lower, upper)
    assert cut.below == pytest.approx(float(special.ndtr(lower)), rel=1e-14, abs=0)
    assert cut.above == pytest.approx(float(special.ndtr(-upper)), rel=1e-14, abs=0)
    mass = math.exp(float(special.log_ndtr(upper))) - cut.below if lower < 0 else cut_above(lower) - cut.above
    assert cut.mass == pytest.approx(mass, rel=1e-12)
    mean, variance = (float(moment) for moment in stats.truncnorm(lower, upper).stats("mv"))
    assert cut.mean == pytest.approx(mean, rel=1e-9, abs=1e-15)
    assert cut.deviation == pytest.approx(math.sqrt(variance), rel=1e-6)


def cut_above(x: float) -> float:
    return float(special.ndtr(-x))


def test_the_constant_of_keras_and_jax_comes_out() -> None:
    assert slice_between(-2.0, 2.0).deviation == 0.87962566103423978


def test_what_lies_beyond_twelve_deviations_counts_as_nothing() -> None:
    cut = slice_between(-100.0, 12.5)
    assert (cut.below, cut.above, cut.mass) == (0.0, 0.0, 1.0)
