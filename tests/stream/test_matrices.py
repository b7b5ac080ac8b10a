"""Orthogonal and identity matrices: the reference's bits, LAPACK's values, their defining properties."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from service import stopping
from service.stream.addresses import Runs
from service.stream.householder import orthonormal_columns
from service.stream.matrices import Diagonal, Orthogonal
from service.stream.stacks import Stack
from service.stream.streams import stream_of
from tests import reference


def drawn(rows: int, columns: int, gain: float = 1.0, seed: int = 7) -> NDArray[np.float64]:
    out = np.empty(rows * columns, np.float64)
    Orthogonal(Stack.one(rows, columns), gain).open(stream_of(seed, "a/kernel"))(Runs.one(0, out.size), out)
    return out.reshape(rows, columns)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (7, 5), (5, 7), (33, 64), (70, 70), (1, 9), (9, 1)])
def test_orthogonal_is_the_references(rows: int, columns: int) -> None:
    out = np.empty(rows * columns, np.float32)
    Orthogonal(Stack.one(rows, columns), 1.5).open(stream_of(7, "a/kernel"))(Runs.one(0, out.size), out)
    assert np.array_equal(out.reshape(rows, columns), reference.orthogonal(7, "a/kernel", rows, columns, 1.5))


@pytest.mark.parametrize(("rows", "columns"), [(300, 300), (500, 130), (130, 500)])
def test_columns_or_rows_are_orthonormal(rows: int, columns: int) -> None:
    q = drawn(rows, columns, gain=3.0) / 3.0
    gram = q.T @ q if rows >= columns else q @ q.T
    assert np.abs(gram - np.eye(min(rows, columns))).max() < 1e-13


def test_it_is_lapacks_q_with_a_positive_diagonal() -> None:
    gaussian = np.random.default_rng(0).standard_normal((200, 90))
    q, r = np.linalg.qr(gaussian)
    mine = np.empty_like(gaussian)
    orthonormal_columns(gaussian, mine, stopping.flag())
    assert np.abs(mine - q * np.sign(np.diag(r))).max() < 1e-12


def test_no_direction_is_preferred() -> None:
    # Under the uniform (Haar) measure the trace of a 2 x 2 rotation or reflection has a known law; the angle of the
    # first column is uniform, which a Q without the sign rule misses.
    angles = [np.arctan2(*drawn(2, 2, seed=seed)[:, 0][::-1]) for seed in range(2000)]
    assert stats.kstest(angles, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-6
    assert abs(sum(np.linalg.det(drawn(2, 2, seed=seed)) for seed in range(2000))) < 5.0 * np.sqrt(2000)


def test_a_matrix_without_full_rank_does_no_harm() -> None:
    out = np.empty((4, 3))
    orthonormal_columns(np.zeros((4, 3)), out, stopping.flag())
    assert np.isfinite(out).all()


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (3, 8), (8, 3), (1, 5), (5, 1)])
def test_any_slice_of_the_identity_is_numpys(rows: int, columns: int) -> None:
    whole = (2.0 * np.eye(rows, columns, dtype=np.float32)).ravel()
    for first in range(whole.size):
        for count in range(1, whole.size - first + 1):
            out = np.empty(count, np.float32)
            Diagonal(Stack.one(rows, columns), 2.0).fill(stream_of(0, "x"), Runs.one(first, out.size), out)
            assert np.array_equal(out, whole[first : first + count])


def test_the_identitys_expected_moments_are_its_own() -> None:
    diagonal = Diagonal(Stack.one(3, 8), -2.0)
    whole = -2.0 * np.eye(3, 8)
    assert diagonal.mean == pytest.approx(whole.mean())
    assert diagonal.deviation == pytest.approx(whole.std())
    assert (diagonal.low, diagonal.high) == (-2.0, 0.0)
