"""The tasks: the same for everybody, balanced, as hard as they are said to be, and judged as they are said to be."""

import numpy as np
import pytest

from service.analysis.losses import Array, Targets
from service.analysis.tasks import GLYPHS, TASKS, Task, TaskName

NAMES = list(TASKS)


def least_squares(inputs: Array, targets: Targets, classes: int) -> Array:
    """Return the answers of the best linear function."""
    lifted = np.hstack([inputs, np.ones((len(inputs), 1))])
    wanted = np.eye(classes)[targets] if classes > 1 else targets
    answers: Array = (lifted @ np.linalg.lstsq(lifted, wanted, rcond=None)[0]).astype(np.float64)
    return answers


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_what_the_table_says(name: TaskName) -> None:
    task = TASKS[name]
    inputs, targets = task.data()
    assert inputs.shape == (task.examples, task.features)
    assert inputs.dtype == np.float64
    assert np.isfinite(inputs).all()
    assert targets.shape == ((task.examples,) if task.classes else (task.examples, 1))
    assert inputs.std() == pytest.approx(1.0, abs=0.05)
    assert abs(inputs.mean()) < 0.1


@pytest.mark.parametrize("name", [name for name in NAMES if TASKS[name].classes])
def test_classes_have_as_many_examples_each(name: TaskName) -> None:
    task = TASKS[name]
    assert set(np.bincount(task.data()[1], minlength=task.outputs)) == {task.examples // task.outputs}
    assert task.constant_loss() == pytest.approx(np.log(task.outputs))


@pytest.mark.parametrize("name", NAMES)
def test_they_are_made_once_the_same_each_time_and_cannot_be_changed(name: TaskName) -> None:
    task = TASKS[name]
    inputs, targets = task.data()
    again, targets_again = task.make(task.examples)
    assert inputs is task.data()[0]
    assert inputs.tobytes() == again.tobytes()
    assert targets.tobytes() == targets_again.tobytes()
    with pytest.raises(ValueError, match="read-only"):
        inputs[0, 0] = 1.0


def test_figures_are_told_apart() -> None:
    assert len(set(GLYPHS)) == 10
    assert all([len(row) for row in glyph.split()] == [5] * 7 for glyph in GLYPHS)
    inputs, targets = TASKS["digits"].data()
    assert all(len(np.unique(inputs[targets == label].argmax(axis=1))) > 1 for label in range(10))


def test_a_line_solves_the_quadratic_and_nothing_else() -> None:
    quadratic = TASKS["quadratic"]
    inputs, targets = quadratic.data()
    loss, gradient = quadratic.loss(least_squares(inputs, targets, 1), targets)
    assert loss == pytest.approx(0.01, rel=0.3)  # the noise has a deviation of 0.1
    assert abs(inputs.T @ gradient).max() < 1e-12
    shares = {}
    for name in NAMES[1:]:
        inputs, targets = TASKS[name].data()
        shares[name] = TASKS[name].accuracy(least_squares(inputs, targets, TASKS[name].outputs), targets)
    assert 0.8 < (shares["moons"] or 0.0) < 0.9
    assert (shares["spirals"] or 1.0) < TASKS["spirals"].enough
    assert (shares["digits"] or 1.0) < 0.9


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_answer_has_the_constant_loss_and_has_not_learnt(name: TaskName) -> None:
    task = TASKS[name]
    _, targets = task.data()
    constant = np.zeros((task.examples, task.outputs)) if task.classes else np.full((task.examples, 1), targets.mean())
    loss, _ = task.loss(constant, targets)
    assert loss == pytest.approx(task.constant_loss())
    assert not task.learnt(loss, task.accuracy(constant, targets))


@pytest.mark.parametrize("name", NAMES)
def test_right_answers_have_learnt(name: TaskName) -> None:
    task = TASKS[name]
    _, targets = task.data()
    right = 50.0 * np.eye(task.outputs)[targets] if task.classes else targets
    loss, _ = task.loss(right, targets)
    accuracy = task.accuracy(right, targets)
    assert loss < 1e-9
    assert accuracy == (1.0 if task.classes else None)
    assert task.learnt(loss, accuracy)


@pytest.mark.parametrize(("task", "enough"), [(TASKS["moons"], 0.75), (TASKS["digits"], 0.55)])
def test_enough_is_half_way_from_a_constant_answer_to_1(task: Task, enough: float) -> None:
    assert task.enough == pytest.approx(enough)
    assert task.learnt(1.0, enough + 1e-9)
    assert not task.learnt(1.0, enough - 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_losses_gradient_is_its_slope(name: TaskName) -> None:
    task = TASKS[name]
    _, targets = task.data()
    targets, step = targets[:6], 1e-6
    answers = np.sin(np.arange(6.0 * task.outputs)).reshape(6, task.outputs)
    _, gradient = task.loss(answers, targets)
    for place in np.ndindex(answers.shape):
        moved = np.zeros_like(answers)
        moved[place] = step
        slope = (task.loss(answers + moved, targets)[0] - task.loss(answers - moved, targets)[0]) / (2.0 * step)
        assert gradient[place] == pytest.approx(slope, abs=1e-8)


def test_huge_answers_do_not_overflow() -> None:
    loss, gradient = TASKS["moons"].loss(np.array([[1e300, -1e300]]), np.array([1]))
    assert loss == 2e300
    assert gradient.tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("name", ["moons", "digits"])
def test_what_is_not_quite_enough_or_all_is_not_told_as_if_it_were(name: TaskName) -> None:
    task = TASKS[name]
    for right in (1, round(task.enough * task.examples) - 1, task.examples - 1, task.examples):
        accuracy = right / task.examples
        told = task.describe(1.0, accuracy)
        assert float(told.split("%")[0]) == pytest.approx(100 * accuracy, rel=1e-12)
