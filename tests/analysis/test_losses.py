"""Losses and optimisers by hand; tests/frameworks holds them against PyTorch's."""

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.losses import LOSSES, LossName
from service.analysis.optimizers import Adam, Sgd

RNG = np.random.default_rng(1)
ROWS = RNG.standard_normal((4, 3, 5))
TARGETS: dict[LossName, NDArray[np.generic]] = {
    "cross_entropy": RNG.integers(0, 5, (4, 3)),
    "squared_error": RNG.standard_normal((4, 3, 5)),
}


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() -> None:
    loss, gradient = LOSSES["cross_entropy"].value(np.zeros((2, 4)), np.array([1, 3]))
    assert loss == pytest.approx(np.log(4.0))
    assert gradient == pytest.approx(np.array([[0.25, -0.75, 0.25, 0.25], [0.25, 0.25, 0.25, -0.75]]) / 2)


def test_squared_error_is_a_mean_over_all_numbers() -> None:
    loss, gradient = LOSSES["squared_error"].value(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]]))
    assert loss == 2.5
    assert gradient == pytest.approx(np.array([[1.0, -2.0]]))


@pytest.mark.parametrize("name", TARGETS)
def test_a_losss_gradient_is_that_of_small_differences(name: LossName) -> None:
    loss = LOSSES[name].value
    _, gradient = loss(ROWS, TARGETS[name])
    away = RNG.standard_normal(ROWS.shape)
    further, nearer = (loss(ROWS + step * away, TARGETS[name])[0] for step in (1e-5, -1e-5))
    assert (gradient * away).sum() == pytest.approx((further - nearer) / 2e-5, rel=1e-6)


@pytest.mark.parametrize("name", TARGETS)
def test_a_gradient_is_of_the_answers_dtype(name: LossName) -> None:
    whole, single = (LOSSES[name].value(ROWS.astype(dtype), TARGETS[name]) for dtype in (np.float64, np.float32))
    assert single[1].dtype == np.float32
    assert single[0] == pytest.approx(whole[0], rel=1e-6)


def test_logits_beyond_any_exponential_have_a_loss() -> None:
    loss, gradient = LOSSES["cross_entropy"].value(np.array([[1e4, 0.0]]), np.array([1]))
    assert loss == 1e4
    assert gradient == pytest.approx(np.array([[1.0, -1.0]]))


def test_plain_descent_goes_down_the_gradient() -> None:
    assert Sgd().change("w", np.array([2.0, -1.0]), 0.1) == pytest.approx(np.array([-0.2, 0.1]))


def test_adams_first_step_is_the_rate_whatever_the_gradients_size() -> None:
    """Kingma & Ba 2015, section 2.1: |step| is about the rate, by the sign of the gradient."""
    change = Adam().change("w", np.array([1e-3, -1e3, 5.0]), 0.01)
    assert change == pytest.approx(np.array([-0.01, 0.01, -0.01]), rel=1e-4)


def test_adam_by_hand() -> None:
    adam = Adam()
    mean = square = 0.0
    for step, gradient in enumerate([1.0, -2.0, 0.5], start=1):
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        expected = -0.1 * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)) ** 0.5 + 1e-8)
        assert adam.change("w", np.array([gradient]), 0.1) == pytest.approx(np.array([expected]), rel=1e-12)


def test_adam_remembers_each_array_by_itself() -> None:
    adam = Adam()
    adam.change("a", np.array([1.0]), 0.1)
    assert adam.change("b", np.array([-3.0, 3.0]), 0.1) == pytest.approx(np.array([0.1, -0.1]), rel=1e-6)
