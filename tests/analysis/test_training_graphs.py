"""Training of networks that are no bare stack: as a stack where they are the same, and on images and residual sums."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from service.analysis.graph_learner import GraphLearner
from service.analysis.tasks import TASKS, TaskName
from service.analysis.trainable import TrainRequest, held_by, operations
from service.analysis.training import Run, answer, learner_of, train
from service.errors import InitserveError, InvalidSpec

FIVE = {"name": "constant", "value": 5.0}


def stack(task: TaskName, depth: int, activation: str = "relu", **more: Any) -> list[dict[str, Any]]:
    sizes = [TASKS[task].features, *[16] * (depth - 1), TASKS[task].outputs]
    layers = [{"name": f"fc{i}", "type": "dense", "shape": [a, b]} for i, (a, b) in enumerate(pairwise(sizes), 1)]
    return [*({**layer, "activation": activation, **more} for layer in layers[:-1]), layers[-1] | more]


def request(task: TaskName, layers: list[dict[str, Any]], **more: Any) -> TrainRequest:
    return TrainRequest.model_validate({"seed": 0, "task": task, "layers": layers, **more})


def run(task: TaskName, layers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    asked = request(task, layers, **more)
    found: list[dict[str, Any]] = answer(asked, train(asked))["runs"]
    [one] = found
    return one


IMAGES: list[dict[str, Any]] = [
    {"type": "conv2d", "shape": [3, 3, 1, 8], "activation": "relu", "padding": "same"},
    {"type": "max_pool", "window": 2},
    {"type": "conv2d", "shape": [3, 3, 8, 16], "activation": "relu", "padding": "same"},
    {"type": "max_pool", "window": 2},
    {"type": "flatten"},
    {"type": "dense", "shape": [64, 10], "activation": "softmax"},
]


def residual(depth: int, last: Any = "lecun_normal", norm: str | None = "layer_norm") -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = [{"name": "in", "type": "dense", "shape": [2, 16]}]
    stream = "in"
    for number in range(depth):
        at = f"b.{number}"
        layers += [{"name": f"{at}.norm", "type": norm, "shape": [16], "inputs": [stream]}] if norm else []
        layers.append({"name": f"{at}.fc1", "type": "dense", "shape": [16, 16], "activation": "relu"})
        layers[-1] |= {} if norm else {"inputs": [stream]}
        layers.append({"name": f"{at}.fc2", "type": "dense", "shape": [16, 16], "scheme": last})
        layers.append({"name": f"{at}.sum", "type": "add", "inputs": [stream, f"{at}.fc2"]})
        stream = f"{at}.sum"
    return [*layers, {"name": "out", "type": "dense", "shape": [16, 2], "activation": "softmax"}]


@pytest.mark.parametrize(
    ("task", "layers", "more"),
    [
        ("moons", stack("moons", 3, "tanh"), {}),
        ("moons", stack("moons", 2, "elu"), {"batch": 0}),
        ("quadratic", stack("quadratic", 2, "sigmoid"), {}),
        ("moons", stack("moons", 3, scheme="zeros"), {}),
        ("moons", stack("moons", 3, "tanh", scheme=FIVE), {}),
        ("moons", stack("moons", 3, scheme=FIVE, bias={"name": "constant", "value": -90.0}), {"learning_rate": 0.001}),
        ("digits", stack("digits", 2), {"learning_rate": 1000.0}),
        ("moons", stack("moons", 3, "sin", scheme="siren"), {"learning_rate": 0.001}),
    ],
)
def test_a_stack_learns_the_same_as_a_graph(task: TaskName, layers: list[dict[str, Any]], more: dict[str, Any]) -> None:
    plain = run(task, layers, steps=20, **more)
    graph = run(task, layers, steps=20, input_shape=[TASKS[task].features], **more)
    assert graph["reason"] == plain["reason"]
    for member in ("loss", "gradient_norm"):
        assert graph[member] == pytest.approx(plain[member], rel=1e-6)
    assert (graph["final_loss"] or 0.0) == pytest.approx(plain["final_loss"] or 0.0, rel=1e-6)
    assert graph["accuracy"] == plain["accuracy"]


def test_convolutions_learn_the_digits_as_images() -> None:
    found = run("digits", IMAGES, steps=60)
    assert found["learnt"]
    assert found["accuracy"] > 0.6


def test_a_residual_network_learns_where_a_stack_as_deep_does_not() -> None:
    """Both of twenty layers: without shortcuts, from a deviation of 0.05, no gradient comes through."""
    small = {"name": "random_normal", "stddev": 0.05}
    assert run("moons", residual(10, small), steps=60)["learnt"]
    assert not run("moons", stack("moons", 20, scheme=small), steps=60)["learnt"]


def test_a_last_layer_of_zeros_in_every_branch_learns() -> None:
    """Zhang et al. 2019: the network starts as its shortcuts, and learns."""
    assert run("moons", residual(6, "zeros", norm=None), steps=100)["learnt"]


def test_a_dead_layer_within_a_graph_is_named() -> None:
    dead: list[dict[str, Any]] = [
        {"name": "fc1", "type": "dense", "shape": [2, 16], "bias": {"name": "constant", "value": -100.0}},
        {"name": "act", "type": "activation", "activation": "relu"},
        {"name": "out", "type": "dense", "shape": [16, 2]},
    ]
    assert "every neuron of fc1 is dead" in run("moons", dead, steps=5)["reason"]


def test_equal_channels_stay_equal_and_are_named() -> None:
    alike = [{**IMAGES[0], "name": "conv", "scheme": FIVE}, *IMAGES[1:3], IMAGES[4], IMAGES[5] | {"scheme": FIVE}]
    alike[3:] = [{"type": "flatten"}, {"type": "dense", "shape": [256, 10], "scheme": FIVE}]
    alike[2] = alike[2] | {"scheme": FIVE}
    found = run("digits", alike, steps=3, learning_rate=1e-6)
    assert "every neuron of conv stayed the same" in found["reason"]


def test_schemes_are_put_on_all_kernels_of_a_graph() -> None:
    asked = request("digits", IMAGES, schemes=["he_normal", "zeros"], steps=30)
    found = answer(asked, train(asked))["runs"]
    assert [one["scheme"] for one in found] == ["he_normal", "zeros"]
    assert [one["learnt"] for one in found][1] is False


def test_an_adapter_is_trained_and_its_layer_is_not() -> None:
    layers = [layer | {"lora_rank": 2} for layer in stack("moons", 2, "tanh")]
    asked = request("moons", layers, steps=3)
    one = Run(asked, 0, None, 0)
    list(one.events())
    assert isinstance(one.learner, GraphLearner)
    fresh = learner_of(one.spec, TASKS["moons"])
    fresh.look(*TASKS["moons"].data())
    assert isinstance(fresh, GraphLearner)
    for trained, start in zip(one.learner.stages, fresh.stages, strict=True):
        assert np.array_equal(trained.weights["kernel"].value, start.weights["kernel"].value)
        assert not np.array_equal(trained.weights["lora_kernel_b"].value, start.weights["lora_kernel_b"].value)


def test_how_an_example_is_taken_is_said_by_the_spec() -> None:
    lines: list[dict[str, Any]] = [
        {"type": "gru", "shape": [8, 16]},
        {"type": "global_average_pool"},
        {"type": "dense", "shape": [16, 10], "activation": "softmax"},
    ]
    stated = run("digits", lines, input_shape=[8, 8], steps=2)
    assert stated["loss"] == run("digits", lines, steps=2)["loss"]
    with pytest.raises(InvalidSpec, match="an example of the task has 64 numbers, and the network takes 72") as refused:
        train(request("digits", lines, input_shape=[9, 8]))
    assert refused.value.pointer == "/input_shape"
    assert refused.value.remedy == {"input_shape": [8, 8]}


def test_a_graphs_price_grows_with_its_batch_and_its_places() -> None:
    prices = [operations(request("digits", IMAGES, batch=batch)) for batch in (1, 64, 0)]
    assert prices == sorted(prices)
    assert operations(request("moons", residual(8))) > 1.8 * operations(request("moons", residual(4)))
    assert held_by(request("digits", IMAGES)) > held_by(request("digits", stack("digits", 3)))


OF_OTHER_SIZES: list[dict[str, Any]] = [
    {"recipe": "lenet5"},
    {"recipe": "gpt2"},
    {"recipe": "mixtral"},
    {"recipe": "fixup"},
    {
        "layers": [
            {"name": "a", "type": "dense", "shape": [2, 2], "inputs": ["x"]},
            {"name": "b", "type": "dense", "shape": [3, 2], "inputs": ["y"]},
            {"type": "add", "inputs": ["a", "b"]},
        ],
        "input_shape": {"x": [2], "y": [3]},
    },
    {"layers": [{"type": "dense", "shape": [4, 2]}], "input_shape": [4]},
    {"layers": [{"type": "split", "sizes": [1, 1]}], "input_shape": [2]},
]


@pytest.mark.parametrize("task", ["moons", "digits"])
@pytest.mark.parametrize("spec", OF_OTHER_SIZES)
def test_networks_of_other_sizes_are_refused_with_a_remedy_that_works(spec: dict[str, Any], task: TaskName) -> None:
    asked = {"seed": 0, "task": task, "steps": 1, **spec}
    with pytest.raises(InitserveError) as refused:
        train(TrainRequest.model_validate(asked))
    assert refused.value.remedy
    next(train(TrainRequest.model_validate(asked | dict(refused.value.remedy))))
