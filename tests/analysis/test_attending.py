"""Attention's entropy and outputs that agree, on arrays whose values are known."""

import numpy as np
import pytest

from service.analysis.attending import attending_of
from service.analysis.outputs import output_of

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("causal", [False, True])
def test_uniform_attention_has_all_the_entropy_there_is(causal: bool) -> None:
    found = attending_of("a", np.full((2, 3, 1, 5, 5), 7.0), causal)
    assert found.entropy == pytest.approx(1.0)
    assert (found.heads, found.logits.std, found.logits.max) == (3, 0.0, 0.0)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_to_one_key_has_none(causal: bool) -> None:
    logits = np.zeros((1, 1, 1, 6, 6))
    logits[..., 0] = 1e3
    assert attending_of("a", logits, causal).entropy == pytest.approx(0.0, abs=1e-9)


def test_entropy_by_hand() -> None:
    """Two queries, of which the first sees one key where it must not look ahead."""
    logits = np.log(np.array([[0.5, 0.5], [0.25, 0.75]])).reshape(1, 1, 1, 2, 2)
    second = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75)) / np.log(2.0)
    assert attending_of("a", logits, True).entropy == pytest.approx(second)
    assert attending_of("a", logits, False).entropy == pytest.approx((1.0 + second) / 2.0)
    assert attending_of("a", logits, True).logits.max == pytest.approx(np.log(3.0) / 2.0)


def test_what_a_query_does_not_see_does_not_count() -> None:
    logits = RNG.standard_normal((2, 2, 2, 8, 8))
    hidden = np.where(np.tri(8, dtype=bool), logits, 1e30)
    assert attending_of("a", hidden, True) == attending_of("a", logits, True)


def test_logits_are_spread_about_each_querys_mean() -> None:
    """A softmax does not see what is added to all logits of a query."""
    logits = RNG.standard_normal((4, 2, 1, 16, 64))
    found, moved = (attending_of("a", logits + shift, False) for shift in (0.0, RNG.standard_normal((4, 2, 1, 16, 1))))
    assert found.logits.std == pytest.approx((63 / 64) ** 0.5, abs=5 / (2 * logits.size) ** 0.5)
    assert moved.logits.std == pytest.approx(found.logits.std)
    assert moved.entropy == pytest.approx(found.entropy)


def test_the_entropy_of_normal_logits_falls_by_half_their_variance() -> None:
    """log n - s^2 / 2 for many keys and logits of deviation s: their log-normal shares' own entropy."""
    spread, keys = 0.5, 4096
    found = attending_of("a", spread * RNG.standard_normal((1, 1, 1, 256, keys)), False)
    assert found.entropy == pytest.approx(1.0 - spread**2 / 2 / np.log(keys), abs=1e-3)


def test_one_key_alone_leaves_nothing_to_choose() -> None:
    assert attending_of("a", np.zeros((2, 1, 1, 3, 1)), False).entropy is None


def test_parts_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = RNG.standard_normal((7, 2, 1, 5, 5))
    whole = attending_of("a", logits, True)
    monkeypatch.setattr("service.analysis.attending.AT_ONCE", 60)
    parts = attending_of("a", logits, True)
    assert parts.entropy == pytest.approx(whole.entropy)
    assert parts.logits.std == pytest.approx(whole.logits.std)


def test_independent_outputs_are_a_root_of_two_apart_and_equal_ones_not_at_all() -> None:
    independent = RNG.standard_normal((500, 40))
    found = output_of(independent, independent)
    assert found.distance == pytest.approx(2**0.5, rel=0.05)
    assert found.correlation == pytest.approx(0.0, abs=5 / (500 * 40) ** 0.5)
    same = np.tile(RNG.standard_normal(40), (6, 1))
    found = output_of(same, RNG.standard_normal((6, 3)))
    assert found.distance == 0.0
    assert found.correlation == pytest.approx(1.0)


def test_places_of_an_example_may_agree_where_examples_do_not() -> None:
    collapsed = np.repeat(RNG.standard_normal((8, 1, 16)), 5, axis=1)
    found = output_of(collapsed, np.zeros((8, 5), np.int64))
    assert found.places_distance == 0.0
    assert found.distance is not None
    assert found.distance > 1.0
    assert found.inputs_correlation is None


def test_outputs_of_nothing_or_beyond_reach_are_no_distance_apart() -> None:
    for value in (0.0, np.inf):
        found = output_of(np.full((3, 4), value), np.ones((3, 4)))
        assert (found.distance, found.correlation) == (None, None)
