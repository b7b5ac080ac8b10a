"""What a network is to come near to: the loss that suits it, targets as posted or drawn, and those that do not fit."""

import numpy as np
import pytest

from service.analysis.losses import LossName
from service.analysis.steps.targets import loss_for, targets_for
from service.errors import InvalidSpec

WHOLE, BROKEN = np.array([0.0, 2.0]), np.array([0.5, 1.0])


@pytest.mark.parametrize(
    ("stated", "shape", "classes", "given", "found"),
    [
        (None, (2, 10), True, None, "cross_entropy"),
        (None, (2, 10), False, None, "squared_error"),
        (None, (2, 10), False, WHOLE, "cross_entropy"),
        (None, (2, 10), True, BROKEN, "squared_error"),
        (None, (2, 1), True, None, "squared_error"),
        ("squared_error", (2, 10), True, WHOLE, "squared_error"),
        ("cross_entropy", (2, 10), False, None, "cross_entropy"),
    ],
)
def test_the_loss_is_that_of_the_outputs_unless_stated(stated, shape, classes, given, found) -> None:  # type: ignore[no-untyped-def]
    assert loss_for(stated, shape, classes, given) == found


def test_classes_are_drawn_evenly_and_always_alike() -> None:
    labels = targets_for("cross_entropy", (4000, 8), None, seed=3)
    counts = np.bincount(labels, minlength=8)
    assert counts.size == 8
    assert abs(counts - 500).max() < 5 * 500**0.5
    assert np.array_equal(labels, targets_for("cross_entropy", (4000, 8), None, seed=3))
    assert not np.array_equal(labels, targets_for("cross_entropy", (4000, 8), None, seed=4))


def test_a_sequence_has_a_class_for_each_place() -> None:
    assert targets_for("cross_entropy", (2, 5, 7), None, 0).shape == (2, 5)


def test_values_are_standard_normal() -> None:
    values = targets_for("squared_error", (1000, 4), None, 0)
    assert values.shape == (1000, 4)
    assert values.std() == pytest.approx(1.0, abs=5 / (2 * 4000) ** 0.5)


@pytest.mark.parametrize(
    ("loss", "shape", "given", "words"),
    [
        ("cross_entropy", (2, 3), np.array([0.0, 3.0]), "whole numbers from 0 to 2"),
        ("cross_entropy", (2, 3), np.array([0.5, 1.0]), "whole numbers from 0 to 2"),
        ("cross_entropy", (2, 3), np.array([np.nan, 1.0]), "whole numbers from 0 to 2"),
        ("cross_entropy", (2, 3), np.zeros((2, 3)), r"the shape \[2\], not \[2, 3\]"),
        ("squared_error", (2, 3), np.zeros(2), r"the shape \[2, 3\], not \[2\]"),
        ("cross_entropy", (2, 1), None, "squared_error takes it"),
    ],
)
def test_targets_that_do_not_fit_are_refused(loss: LossName, shape: tuple[int, ...], given: object, words: str) -> None:
    with pytest.raises(InvalidSpec, match=words):
        targets_for(loss, shape, given, 0)  # type: ignore[arg-type]
