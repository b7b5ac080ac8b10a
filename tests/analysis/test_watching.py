"""A training that is watched: its boundary is a pass forward, its histograms are NumPy's, and it trains as ever."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.graph_learner import GraphLearner
from service.analysis.tasks import TASKS, TaskName
from service.analysis.trainable import MOST_OPERATIONS, TrainRequest, held_by, look_operations, run_operations
from service.analysis.training import Event, Run, learner_of, train
from service.analysis.watching import CELLS, cells_of, is_watched, look_at, looks
from service.errors import TooLarge

STACK = {
    "layers": [
        {"name": "fc1", "type": "dense", "shape": [2, 8], "activation": "tanh"},
        {"name": "fc2", "type": "dense", "shape": [8, 8], "activation": "relu", "bias": None},
        {"name": "out", "type": "dense", "shape": [8, 2], "activation": "softmax"},
    ]
}
NORMED = {
    "layers": [
        {"name": "fc1", "type": "dense", "shape": [2, 8]},
        {"name": "norm", "type": "batch_norm", "shape": [8], "activation": "relu"},
        {"name": "out", "type": "dense", "shape": [8, 2]},
    ],
    "input_shape": [2],
}
DIGITS = {"layers": [{"type": "dense", "shape": [64, 16], "activation": "relu"}, {"type": "dense", "shape": [16, 10]}]}
IMAGES = {
    "layers": [
        {"type": "conv2d", "shape": [3, 3, 1, 4], "activation": "relu", "padding": "same"},
        {"type": "flatten"},
        {"type": "dense", "shape": [256, 10]},
    ]
}
LINE = {"layers": [{"type": "dense", "shape": [8, 1]}]}


def request(task: TaskName, network: dict[str, Any], **more: Any) -> TrainRequest:
    return TrainRequest.model_validate({"seed": 5, "task": task, "steps": 3, "watch": True, **network, **more})


def events(asked: TrainRequest) -> list[Event]:
    return list(train(asked))


def weights_of(spec: TrainRequest) -> dict[str, NDArray[Any]]:
    """Return what /init gives, in float64 under canonical names."""
    found = {}
    for layer in spec.shown_in("keras").plan().layers:
        for one in layer.parameters:
            values = one.open().draw(0, one.elements).astype(np.float64)
            found[f"{layer.name}/{one.source.stated.name}"] = values.reshape(one.shape)
    return found


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    likely = np.exp(logits)
    shares: NDArray[Any] = likely / likely.sum(axis=-1, keepdims=True)
    return shares


def test_the_first_boundary_is_a_pass_forward_of_the_weights_that_init_gives() -> None:
    asked = request("moons", STACK)
    shown = events(asked)[1].data["boundary"]
    low, high, size = shown["low"], shown["high"], shown["size"]
    points, w = TASKS["moons"].data()[0], weights_of(asked)
    assert all(low[axis] <= points[:, axis].min() and points[:, axis].max() <= high[axis] for axis in (0, 1))
    assert len(shown["values"]) == size * size == 1600
    for row, column in ((0, 0), (0, 39), (39, 0), (17, 23)):
        x = low[0] + (column + 0.5) * (high[0] - low[0]) / size
        y = low[1] + (row + 0.5) * (high[1] - low[1]) / size
        hidden = np.maximum(np.tanh(np.array([x, y]) @ w["fc1/kernel"] + w["fc1/bias"]) @ w["fc2/kernel"], 0.0)
        likely = softmax(hidden @ w["out/kernel"] + w["out/bias"])[1]
        assert shown["values"][row * size + column] == pytest.approx(likely, abs=5.1e-4)


@pytest.mark.parametrize(
    ("task", "network"), [("moons", STACK), ("spirals", NORMED), ("digits", IMAGES), ("digits", DIGITS)]
)
def test_histograms_are_of_the_weights_at_that_step(task: TaskName, network: dict[str, Any]) -> None:
    asked = request(task, network)
    for step, layers in enumerate(event.data["weights"] for event in events(asked) if event.name == "progress"):
        learner = stepped(asked, step)
        expected = {name: weights.copy() for name, weights in learner.weights_by_layer()}
        assert [layer["name"] for layer in layers] == list(expected)
        for layer in layers:
            counts, edges = np.histogram(expected[layer["name"]], 32)
            assert layer["edges"] == pytest.approx(edges.tolist(), rel=1e-12, abs=1e-15)
            assert layer["counts"] == counts.tolist()


def stepped(asked: TrainRequest, steps: int) -> Any:
    """Return a learner after so many steps, having looked at the next batch."""
    run = Run(asked, 0, None, 5)
    learner = learner_of(run.spec, run.task)
    for step in range(steps):
        run._look(learner, step)
        learner.step(asked.learning_rate)
    run._look(learner, steps)
    return learner


def test_kernels_alone_are_in_a_layers_histogram() -> None:
    for event in events(request("spirals", NORMED))[1:4]:
        assert [(layer["name"], sum(layer["counts"])) for layer in event.data["weights"]] == [("fc1", 16), ("out", 16)]
    gru = {
        "layers": [
            {"type": "gru", "shape": [8, 4]},
            {"type": "global_average_pool"},
            {"type": "dense", "shape": [4, 10]},
        ]
    }
    gru["input_shape"] = [8, 8]
    told = events(request("digits", gru))[1].data["weights"]
    assert [sum(layer["counts"]) for layer in told] == [8 * 12 + 4 * 12, 40]


def test_a_graph_draws_the_boundary_that_a_stack_does() -> None:
    stack, graph = (events(request("moons", {**STACK, **more})) for more in ({}, {"input_shape": [2]}))
    assert isinstance(stepped(request("moons", {**STACK, "input_shape": [2]}), 0), GraphLearner)
    for one, other in zip(stack, graph, strict=True):
        if one.name == "progress":
            assert one.data["boundary"]["values"] == pytest.approx(other.data["boundary"]["values"], abs=1.1e-3)


def test_a_norm_over_a_batch_takes_the_examples_moments_whatever_it_is_asked_of() -> None:
    learner = stepped(request("spirals", NORMED), 2)
    examples = TASKS["spirals"].data()[0]
    one_by_one = learner.answers(cells_of(TASKS["spirals"]))
    assert learner.answers(cells_of(TASKS["spirals"])[:7]) == pytest.approx(one_by_one[:7])
    among_all = learner.network.run({"input": examples}, [stage.weights for stage in learner.stages])[-1].out.value
    assert learner.answers(examples[40:60]) == pytest.approx(among_all[40:60])


@pytest.mark.parametrize(("task", "network"), [("moons", STACK), ("spirals", NORMED), ("digits", IMAGES)])
def test_who_watches_changes_nothing(task: TaskName, network: dict[str, Any]) -> None:
    more = {"steps": 70, "schemes": ["he_normal", "zeros"], "batch": 8}
    plain, watched = (events(request(task, network, watch=watch, **more)) for watch in (False, True))
    assert watched[0].name == "examples"
    for event in watched[1:]:
        for member in ("boundary", "answers", "weights"):
            event.data.pop(member, None)
    assert watched[1:] == plain


@pytest.mark.parametrize("steps", [1, 49, 50, 51, 70, 250, 2000])
def test_a_run_is_watched_some_fifty_times_and_at_its_last_step(steps: int) -> None:
    seen = [step for step in range(steps) if is_watched(step, steps)]
    assert seen[0] == 0
    assert seen[-1] == steps - 1
    assert len(seen) == looks(steps) <= 51
    assert len(seen) >= min(steps, 25)


def test_every_watched_step_is_told_of_even_between_entries_of_the_curves() -> None:
    told = [event.data for event in events(request("quadratic", LINE, steps=250)) if event.name == "progress"]
    assert [one["step"] for one in told if "weights" in one] == [step for step in range(250) if is_watched(step, 250)]


def test_points_and_labels_are_the_tasks_own() -> None:
    shown = events(request("moons", STACK))[0].data
    points, labels = TASKS["moons"].data()
    assert shown["features"] == 2
    assert np.array(shown["points"]) == pytest.approx(points, abs=5.1e-4)
    assert shown["labels"] == labels.tolist()


def test_images_have_ink_and_answers() -> None:
    example, first, *_ = (event.data for event in events(request("digits", DIGITS)))
    images, _ = TASKS["digits"].data()
    assert example["labels"] == [*range(10)] * 2
    shades = np.array(example["images"])
    assert shades.shape == (20, 64)
    assert shades.min() >= 0.0 <= 1.0 >= shades.max()
    for shade, image in zip(shades, images, strict=False):
        assert np.corrcoef(shade, image)[0, 1] == pytest.approx(1.0, abs=1e-4)
    learner = stepped(request("digits", DIGITS), 0)
    expected = softmax(learner.answers(images[:20]))
    assert np.array(first["answers"]) == pytest.approx(expected, abs=5.1e-4)


def test_a_regression_tells_targets_and_predictions() -> None:
    example, first, *_ = (event.data for event in events(request("quadratic", LINE)))
    points, targets = TASKS["quadratic"].data()
    assert example["targets"] == pytest.approx(targets[:100, 0].tolist(), abs=5.1e-4)
    w = weights_of(request("quadratic", LINE))
    assert first["answers"] == pytest.approx((points[:100] @ w["dense_0/kernel"])[:, 0].tolist(), abs=5.1e-4)


def test_what_overflows_is_null() -> None:
    huge = {"layers": [{"type": "dense", "shape": [2, 2], "scheme": {"name": "constant", "value": 1e38}}] * 12}
    learner = learner_of(request("moons", huge), TASKS["moons"])
    with np.errstate(all="ignore"):
        learner.look(*TASKS["moons"].data())
    assert set(look_at(learner, TASKS["moons"])["boundary"]["values"]) <= {None, *np.round(np.linspace(0, 1, 1001), 3)}
    assert None in look_at(learner, TASKS["moons"])["boundary"]["values"]


# What it costs


def test_looks_are_counted_in_what_may_be_asked_for() -> None:
    sizes = [2, *[64] * 20, 2]
    deep = {"layers": [{"type": "dense", "shape": [a, b], "activation": "relu"} for a, b in pairwise(sizes)]}
    deep["layers"][-1]["activation"] = "linear"
    more = {"schemes": ["he_normal"] * 6, "restarts": 10, "steps": 40, "batch": 1}
    assert next(train(request("moons", deep, watch=False, **more))).name == "progress"
    asked = request("moons", deep, **more)
    with pytest.raises(TooLarge) as caught:
        train(asked)
    fewer = (caught.value.remedy or {})["steps"]
    assert 60 * run_operations(asked, fewer) <= MOST_OPERATIONS < 60 * run_operations(asked, fewer + 1)
    assert next(train(asked.model_copy(update={"steps": fewer}))).name == "examples"


def test_a_look_is_a_pass_over_the_cells() -> None:
    asked = request("moons", STACK)
    assert look_operations(asked) > CELLS * CELLS * (2 * 8 + 8 * 8 + 8 * 2)
    image = request("digits", IMAGES)
    assert held_by(image) > held_by(request("digits", IMAGES, watch=False))
