"""Steps that go well, explode or stand still are told as such, at the step and by the layer."""

from math import inf, nan

import pytest

from service.analysis.steps.judgement import Seen, SteppedLayer, judge


def steps(losses: list[float], forwards: list[list[float]] | None = None, moved: float = 1.0) -> list[Seen]:
    """Steps of these losses, with what each layer gives at each: 1 unless given."""
    forwards = forwards or [[1.0, 1.0]] * len(losses)
    return [
        Seen(
            number,
            loss,
            1.0,
            moved if number else 0.0,
            [SteppedLayer(f"fc{index}", size, 1.0, 0.1 if number else None) for index, size in enumerate(sizes, 1)],
        )
        for number, (loss, sizes) in enumerate(zip(losses, forwards, strict=True))
    ]


def test_a_loss_that_falls_is_steady() -> None:
    found = judge(steps([2.3, 1.9, 1.2]))
    assert (found.verdict, found.at, found.layer) == ("steady", None, None)
    assert "from 2.3 to 1.2 in 2 steps" in found.summary


def test_a_loss_that_oscillates_at_the_edge_is_steady() -> None:
    assert judge(steps([1.0, 1.8, 0.9, 1.7, 0.95])).verdict == "steady"


def test_a_start_that_looks_right_and_explodes_at_step_3_is_seen() -> None:
    found = judge(steps([2.3, 2.1, 2.5, 40.0, 1e5], [[1, 1], [1, 1.1], [1, 2], [1, 30.0], [1, 900.0]]))
    assert (found.verdict, found.at, found.layer) == ("explodes", 3, "fc2")
    assert "a loss of 40 after 3 steps, from 2.3; outputs of fc2 are 30 times those at the start" in found.summary


@pytest.mark.parametrize("end", [inf, nan])
def test_numbers_that_overflow_explode_where_they_first_do(end: float) -> None:
    found = judge(steps([1.0, 1.0, end], [[1, 1, 1], [1, 2, 3], [1, inf, inf]]))
    assert (found.verdict, found.at, found.layer) == ("explodes", 2, "fc2")


def test_numbers_that_overflow_at_the_start_are_said_to() -> None:
    found = judge(steps([inf], [[1e200, inf]]))
    assert (found.verdict, found.at, found.layer) == ("explodes", 0, "fc2")
    assert "before the first step" in found.summary


def test_a_loss_that_rises_and_comes_back_is_steady() -> None:
    """Lewkowycz et al. 2020: a large rate throws it out of one valley into a flatter one."""
    found = judge(steps([1.0, 8.0, 30.0, 4.0, 0.5]))
    assert found.verdict == "steady"
    assert "by way of 30 after 2 steps" in found.summary


def test_outputs_that_grow_by_far_explode_whatever_a_norm_makes_of_the_loss() -> None:
    found = judge(steps([1.0, 0.9, 0.9], [[1, 1], [20, 1], [400, 1]]))
    assert (found.verdict, found.at, found.layer) == ("explodes", 2, "fc1")


def test_a_head_that_starts_near_zero_may_grow_by_any_factor() -> None:
    found = judge(steps([2.3, 2.0, 1.5], [[1, 0.001], [1, 0.5], [1, 1.5]]))
    assert found.verdict == "steady"
    assert judge(steps([2.3, 2.0], [[1, 0.0], [1, 0.5]])).verdict == "steady"


def test_outputs_that_grow_to_large_targets_do_not_explode() -> None:
    assert judge(steps([1e6, 2e5, 1e4], [[1, 1.0], [1, 500.0], [1, 900.0]])).verdict == "steady"


def test_a_head_of_zeros_is_not_named_for_what_a_layer_before_it_began() -> None:
    assert judge(steps([2.3, 90.0], [[1, 0.0], [40.0, 50.0]])).layer == "fc1"


def test_a_loss_that_starts_at_next_to_nothing_may_rise_a_little() -> None:
    assert judge(steps([1e-9, 1e-4])).verdict == "steady"
    assert judge(steps([0.0, 40.0]), unit=10.0).verdict == "explodes"
    assert judge(steps([0.0, 20.0]), unit=10.0).verdict == "steady"


def test_outputs_that_do_not_change_stand_still_by_the_layer_that_does_not_move() -> None:
    seen = steps([2.3, 2.3, 2.3], moved=1e-6)
    assert judge(seen).verdict == "stands still"
    held = [
        *seen[:-1],
        Seen(2, 2.3, 0.0, 1e-6, [SteppedLayer("fc1", 1.0, 0.0, 0.0), SteppedLayer("fc2", 1.0, 1.0, 0.1)]),
    ]
    found = judge(held)
    assert (found.verdict, found.at, found.layer) == ("stands still", 2, "fc1")
