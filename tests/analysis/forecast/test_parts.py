"""What theory is made of: moments of functions of normal values, shares of a softmax, the largest of several."""

from math import asin, exp, pi, sqrt

import numpy as np
import pytest

from service.analysis.forecast.largest import Largest
from service.analysis.forecast.normal import expand
from service.analysis.forecast.shares import shares, steepness
from service.analysis.functions import FUNCTIONS

ONE = np.ones(1)


def pairs(name: str, deviation: float, correlation: float) -> float:
    value = expand(FUNCTIONS[name].value, np.zeros(1), np.array([deviation]))
    return float(value.pairs(np.array([[correlation]]))[0, 0])


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.3, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("deviation", [0.1, 1.0, 3.0])
def test_products_of_two_relus_are_the_arc_cosine_kernel(deviation: float, correlation: float) -> None:
    # Cho & Saul 2009, of order 1.
    angle = np.arccos(correlation)
    exact = deviation**2 * (np.sin(angle) + (pi - angle) * correlation) / (2.0 * pi)
    assert pairs("relu", deviation, correlation) == pytest.approx(exact, abs=2e-4 * deviation**2)


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.3, 0.9, 1.0])
def test_products_of_two_exponentials_and_of_two_sines_are_exact(correlation: float) -> None:
    assert pairs("exp", 0.7, correlation) == pytest.approx(exp(0.49 * (1.0 + correlation)), rel=1e-6)
    assert pairs("sin", 0.9, correlation) == pytest.approx(exp(-0.81) * np.sinh(0.81 * correlation), abs=1e-9)


def test_a_gelus_moments_are_those_of_its_integral() -> None:
    # E[gelu(z)] = 1 / (2 sqrt(pi)), E[gelu(z)^2] = 1/3 + sqrt(3) / (6 pi), for standard normal z.
    value = expand(FUNCTIONS["gelu"].value, np.zeros(1), ONE)
    assert value.mean[0] == pytest.approx(1.0 / (2.0 * sqrt(pi)), rel=1e-6)
    # By parts: E[z^2 Phi^2] = E[Phi^2] + 2 E[z Phi phi] = 1/3 + 2 / (2 pi) / (2 sqrt(3)).
    assert value.second[0] == pytest.approx(1.0 / 3.0 + 1.0 / (2.0 * pi * sqrt(3.0)), rel=1e-6)


def test_the_line_in_a_function_is_its_mean_slope() -> None:
    # Stein's lemma: E[z f(z)] = E[f'(z)].
    for name in ("tanh", "relu", "silu", "selu"):
        value, slope = (expand(part, np.zeros(1), ONE) for part in (FUNCTIONS[name].value, FUNCTIONS[name].slope))
        assert value.linear[0] == pytest.approx(slope.mean[0], abs=1e-4)


@pytest.mark.parametrize("count", [2, 5, 32])
@pytest.mark.parametrize("variance", [0.05, 1.0, 4.0])
def test_shares_of_a_softmax_are_those_of_drawn_logits(count: int, variance: float) -> None:
    logits = np.random.default_rng(count).normal(0.0, sqrt(variance), (40_000, count))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    for theory, drawn in (
        (shares, (p**2).sum(axis=1)),
        (steepness, (p**2 * (1.0 - 2.0 * p + (p**2).sum(axis=1, keepdims=True))).sum(axis=1)),
    ):
        error = drawn.std(ddof=1) / sqrt(len(drawn))  # five of them: one in two million
        assert float(theory(np.array(variance), np.array(count))) == pytest.approx(drawn.mean(), abs=5.0 * error + 1e-4)


def test_equal_logits_share_alike_and_far_ones_leave_all_to_one() -> None:
    assert float(shares(np.array(0.0), np.array(7.0))) == pytest.approx(1.0 / 7.0)
    assert float(shares(np.array(0.0), np.array(1.0))) == pytest.approx(1.0)
    assert float(shares(np.array(36.0), np.array(2.0))) > 0.9


def test_the_larger_of_two_has_known_moments() -> None:
    # Of two independent standard normal values: mean 1 / sqrt(pi), variance 1 - 1 / pi (Clark 1961).
    mean, variance = Largest(2, 0.0).moments()
    assert mean == pytest.approx(1.0 / sqrt(pi), rel=2e-3)
    assert variance == pytest.approx(1.0 - 1.0 / pi, rel=2e-3)
    mean, variance = Largest(2, 0.5).moments()
    assert mean == pytest.approx(sqrt(0.5 / pi), rel=5e-3)
    assert variance == pytest.approx(1.0 - 0.5 / pi, rel=2e-3)


@pytest.mark.parametrize("correlation", [0.1, 0.5, 0.9])
def test_two_largest_of_two_are_correlated_as_their_values_say(correlation: float) -> None:
    # The larger is half of sum and distance, and E|d||d'| = (4 / pi) (sqrt(1 - r^2) + r asin r) for two distances.
    r = correlation
    exact = 0.5 * r + ((4.0 / pi) * (sqrt(1.0 - r * r) + r * asin(r)) - 4.0 / pi) / 4.0
    assert float(Largest(2, 0.0).covariance(np.array(r), np.array(0.0))) == pytest.approx(exact, rel=5e-3)


@pytest.mark.parametrize(("count", "shared", "paired", "others"), [(4, 0.3, 0.6, 0.2), (9, 0.1, 0.9, 0.05)])
def test_two_largest_values_are_correlated_as_drawn_ones(
    count: int, shared: float, paired: float, others: float
) -> None:
    generator, size = np.random.default_rng(3), 60_000

    def two(variance: float, covariance: float, *shape: int) -> tuple[np.ndarray, np.ndarray]:
        one, other = generator.normal(size=shape), generator.normal(size=shape)
        r = covariance / variance
        return sqrt(variance) * one, sqrt(variance) * (r * one + sqrt(1.0 - r * r) * other)

    common, own = two(shared, others, size, 1), two(1.0 - shared, paired - others, size, count)
    left, right = ((part + each).max(axis=1) for part, each in zip(common, own, strict=True))
    window = Largest(count, shared)
    mean, variance = window.moments()
    error = 5.0 / sqrt(size)
    assert left.mean() == pytest.approx(mean, abs=error)
    assert left.var() == pytest.approx(variance, abs=2.0 * error)
    found = float(window.covariance(np.array(paired), np.array(others)))
    assert np.cov(left, right)[0, 1] == pytest.approx(found, abs=2.0 * error)


def test_a_step_functions_products_are_sheppards() -> None:
    # E[sign sign'] = 2 asin(r) / pi; tanh with a steep slope comes near to it.
    for r in (0.2, 0.7):
        value = expand(np.sign, np.zeros(1), ONE).pairs(np.array([[r]]))[0, 0]
        assert value == pytest.approx(2.0 * asin(r) / pi, abs=2e-3)
