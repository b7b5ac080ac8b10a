"""Singular values against LAPACK's decomposition and against the laws of random matrices."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.matrices import LOOKS, SMALL, Matrix, matrix_of

RNG = np.random.default_rng(7)


def random(*shape: int) -> NDArray[np.float64]:
    return RNG.standard_normal(shape)


def measured(kernel: NDArray[Any]) -> Matrix:
    found = matrix_of(kernel)
    assert found is not None
    return found


@pytest.mark.parametrize("shape", [(3, 5), (128, 1000), (5000, 7), (3, 3, 8, 16), (1, 4)])
def test_a_small_matrix_has_the_singular_values_that_lapack_finds(shape: tuple[int, ...]) -> None:
    kernel = random(*shape)
    values = np.linalg.svd(kernel.reshape(-1, shape[-1]), compute_uv=False)
    found = measured(kernel)
    assert (found.largest, found.smallest) == pytest.approx((values[0], values[-1]))
    assert found.condition == pytest.approx(values[0] / values[-1])
    assert found.stable_rank == pytest.approx((values**2).sum() / values[0] ** 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(300, 200), (200, 2000), (3000, SMALL + 1), (3, 3, 64, 256)])
def test_the_largest_of_a_large_random_matrix_is_told_to_two_per_cent(shape: tuple[int, ...], dtype: type) -> None:
    kernel: NDArray[Any] = random(*shape).astype(dtype)
    [true, *_] = np.linalg.svd(kernel.reshape(-1, shape[-1]), compute_uv=False)
    found = measured(kernel)
    assert 0.98 * true < found.largest < (1.0 + 1e-5) * true
    assert found.smallest is None


def test_the_largest_of_a_random_square_matrix_is_twice_the_root_of_its_width() -> None:
    """Bai & Yin 1993: 2 sigma sqrt(n), within n^(-2/3) of it."""
    found = measured(random(600, 600) / 600**0.5)
    assert found.largest == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_stands_out_is_told_at_once(dtype: type) -> None:
    """Equal columns, a plane, an orthogonal matrix: so few directions need as few looks."""
    one: NDArray[Any] = np.outer(random(400), random(300)).astype(dtype)
    assert measured(one).stable_rank == pytest.approx(1.0, rel=1e-4)
    orthogonal: NDArray[Any] = np.linalg.qr(random(300, 300))[0].astype(dtype)
    assert measured(orthogonal).largest == pytest.approx(1.0, rel=1e-5)
    assert measured(orthogonal).stable_rank == pytest.approx(300.0, rel=1e-4)


def test_a_very_large_matrix_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def seen(matrix: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
        looks.append(1)
        return matrix.T @ (matrix @ vector)

    monkeypatch.setattr("service.analysis.matrices.seen_twice", seen)
    kernel = random(300, 200)
    matrix_of(kernel)
    assert len(looks) == LOOKS
    monkeypatch.setattr("service.analysis.matrices.WORK", 1)
    looks.clear()
    assert measured(kernel).largest > 0.85 * np.linalg.norm(kernel, 2)
    assert len(looks) == 4


NOTHING = [np.zeros((3, 4)), np.ones(5), np.array([[np.nan, 1.0]]), np.full((200, 200), np.inf), np.full((2, 2), 1e200)]


@pytest.mark.parametrize("kernel", NOTHING)
def test_what_has_no_direction_or_is_beyond_a_floats_reach_has_no_singular_values(kernel: NDArray[np.float64]) -> None:
    assert matrix_of(kernel) is None


def test_a_matrix_of_one_rank_has_no_condition() -> None:
    assert measured(np.ones((20, 30))).condition is None
