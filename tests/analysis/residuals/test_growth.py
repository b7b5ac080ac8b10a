"""Streams that grow as the literature has it are told apart."""

import pytest

from service.analysis.residuals.growth import growth_of


def of(*squares: float) -> list[float]:
    return [square**0.5 for square in squares]


def test_a_stream_to_which_every_block_adds_as_much_grows_linearly() -> None:
    """Pre-norm at the start: variance 1 + l (De & Smith 2020)."""
    found = growth_of(of(*range(1, 14)))
    assert found is not None
    assert (found.kind, found.blocks) == ("linear", 12)
    assert found.added == pytest.approx(1.0)


def test_a_stream_that_every_block_doubles_grows_exponentially() -> None:
    """Residual networks without norms, by He's rule: variance 2^l (Zhang et al. 2019, "Fixup")."""
    found = growth_of(of(*(2.0**depth for depth in range(9))))
    assert found is not None
    assert found.kind == "exponential"
    assert found.factor == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("squares", "kind"),
    [
        ((1.0,) * 5, "steady"),
        ((1.0, 1.3, 1.6, 1.9), "steady"),
        ((4.0, 2.0, 1.0), "shrinking"),
        ((1.0, 0.0), "shrinking"),
        ((0.0, 0.0), "steady"),
        ((1.0, 1e300, float("inf")), "overflows"),
        ((1.0, 3.0), "linear"),
    ],
)
def test_other_streams(squares: tuple[float, ...], kind: str) -> None:
    found = growth_of(of(*squares))
    assert found is not None
    assert found.kind == kind


def test_without_a_block_nothing_grows() -> None:
    assert growth_of([1.0]) is None
