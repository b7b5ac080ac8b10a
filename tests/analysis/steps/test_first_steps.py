"""First steps as a diagnosis tells of them: starts that learn, explode or stand still; what is refused, and how."""

import base64
import io
import tracemalloc
from typing import Any

import numpy as np
import pytest

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.network import Network
from service.analysis.sizes import BESIDE, IN_ALL
from service.analysis.steps.first_steps import FirstSteps
from service.api.diagnosed import DiagnoseAnswer
from service.errors import InitserveError, InvalidSpec, TooLarge
from service.specs.spec import Spec

PLENTY = 2**34


def diagnosis(layers: Any, most: int = PLENTY, **more: Any) -> Diagnosis:
    return Diagnosis(DiagnoseRequest.model_validate({"seed": 3, "layers": layers, **more}), most)


def steps(layers: Any, **more: Any) -> Any:
    answer = diagnosis(layers, **({"steps": 10} | more)).answer()
    DiagnoseAnswer.model_validate(answer)
    return answer["steps"]


def encoded(values: Any) -> str:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values))
    return base64.b64encode(buffer.getvalue()).decode()


def stack(depth: int = 4, scheme: Any = "he_normal", activation: str = "relu", **head: Any) -> list[dict[str, Any]]:
    layer = {"type": "dense", "shape": [32, 32], "activation": activation, "scheme": scheme}
    named = [{"name": f"fc{number}", **layer} for number in range(1, depth + 1)]
    return [*named, {"name": "head", "type": "dense", "shape": [32, 5], "activation": "softmax"} | head]


LANGUAGE: list[dict[str, Any]] = [
    {"name": "wte", "type": "embedding", "shape": [50, 16], "inputs": ["input"]},
    {"name": "norm", "type": "layer_norm", "shape": [16]},
    {"name": "attention", "type": "multi_head_attention", "shape": [16, 2, 8], "causal": True},
    {"name": "sum", "type": "add", "inputs": ["wte", "attention"]},
    {"name": "head", "type": "tied", "to": "wte", "transposed": True},
]
IMAGES: list[dict[str, Any]] = [
    {"name": "conv", "type": "conv2d", "shape": [3, 3, 1, 8], "activation": "relu", "padding": "same"},
    {"name": "norm", "type": "batch_norm", "shape": [8]},
    {"name": "pool", "type": "max_pool", "window": 2},
    {"name": "flat", "type": "flatten"},
    {"name": "head", "type": "dense", "shape": [128, 4], "activation": "softmax"},
]


def test_a_good_start_goes_down() -> None:
    found = steps(stack())
    assert (found["verdict"], found["at"], found["layer"]) == ("steady", None, None)
    assert (found["optimizer"], found["learning_rate"], found["loss"]) == ("sgd", 0.1, "cross_entropy")
    assert [step["step"] for step in found["steps"]] == [*range(11)]
    assert found["steps"][0]["loss"] == pytest.approx(np.log(5.0), rel=0.5)
    assert found["steps"][-1]["loss"] < found["steps"][0]["loss"]
    assert [layer["update"] for layer in found["steps"][0]["layers"]] == [None] * 5
    assert all(layer["update"] > 0.0 for step in found["steps"][1:] for layer in step["layers"])


def test_the_first_entry_is_what_the_diagnosis_measures() -> None:
    answer = diagnosis(stack(), steps=1).answer()
    forward = [layer["forward"]["rms"] for layer in answer["layers"]]
    assert [layer["forward"] for layer in answer["steps"]["steps"][0]["layers"]] == pytest.approx(forward)


def test_a_start_that_looks_right_and_explodes_within_steps_is_seen() -> None:
    """A rate beyond 2 over the greatest curvature: the start is the same, and in the normal zone."""
    linear = [{"name": f"fc{number}", "type": "dense", "shape": [32, 32]} for number in range(1, 5)]
    answer = diagnosis(linear, steps=10, learning_rate=5.0).answer()
    assert answer["verdict"] == "normal"
    found = answer["steps"]
    assert (found["verdict"], found["at"]) == ("explodes", 3)
    assert found["layer"] in {"fc1", "fc2", "fc3", "fc4"}
    assert found["steps"][1]["loss"] < found["steps"][0]["loss"]
    assert diagnosis(linear, steps=10, learning_rate=0.1).answer()["steps"]["verdict"] == "steady"


def test_one_linear_layer_explodes_by_the_factor_that_its_curvature_gives() -> None:
    """Squared error of x -> x w with x = 1: the error goes by 1 - 2 rate at every step, its square here by 9."""
    layers = [{"name": "w", "type": "dense", "shape": [1, 1], "bias": None, "scheme": "zeros"}]
    given = {"inputs": encoded(np.ones((2, 1))), "targets": encoded(np.ones((2, 1)))}
    found = steps(layers, learning_rate=2.0, steps=4, **given)
    assert [step["loss"] for step in found["steps"]] == pytest.approx([1.0, 9.0, 81.0, 729.0, 6561.0])
    assert (found["verdict"], found["at"], found["layer"]) == ("explodes", 1, "w")
    assert [step["layers"][0]["forward"] for step in found["steps"][:3]] == pytest.approx([0.0, 4.0, 8.0])
    assert steps(layers, learning_rate=0.5, steps=1, **given)["steps"][1]["loss"] == pytest.approx(0.0)


def test_numbers_that_overflow_end_the_steps() -> None:
    linear = [{"name": f"fc{number}", "type": "dense", "shape": [32, 32]} for number in range(1, 9)]
    found = steps(linear, learning_rate=1000.0, steps=50)
    assert found["verdict"] == "explodes"
    assert len(found["steps"]) < 51
    assert found["steps"][-1]["loss"] is None or found["steps"][-1]["gradient_norm"] is None


@pytest.mark.parametrize("scheme", ["zeros", {"name": "random_normal", "stddev": 0.001}])
def test_starts_of_the_course_notes_that_do_not_learn_stand_still(scheme: Any) -> None:
    found = steps(stack(8, scheme, "tanh"))
    assert found["verdict"] == "stands still"
    assert "stays there" in found["summary"]


def test_zeros_name_the_layer_that_does_not_move() -> None:
    assert steps(stack(4, "zeros"))["layer"] == "fc1"


def test_a_last_layer_of_zeros_learns_from_the_second_step_on() -> None:
    found = steps(stack_with_zero_head())
    assert found["verdict"] == "steady"
    first, second = found["steps"][1]["layers"], found["steps"][2]["layers"]
    assert first[0]["update"] == 0.0
    assert second[0]["update"] > 0.0


def stack_with_zero_head() -> list[dict[str, Any]]:
    *hidden, head = stack()
    return [*hidden, head | {"scheme": "zeros"}]


def test_adam_moves_every_kernel_by_its_rate_at_the_first_step() -> None:
    found = steps(stack(), optimizer="adam", steps=2)
    assert found["learning_rate"] == 0.001
    he = (2.0 / 32.0) ** 0.5
    assert [layer["update"] for layer in found["steps"][1]["layers"][:4]] == pytest.approx([0.001 / he] * 4, rel=0.15)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_language_model_learns_its_tokens_by_heart(optimizer: str) -> None:
    rate = {"sgd": 1.0, "adam": 0.01}[optimizer]
    found = steps(LANGUAGE, input_shape=[6], batch=8, optimizer=optimizer, learning_rate=rate)
    assert (found["loss"], found["verdict"]) == ("cross_entropy", "steady")
    assert found["steps"][-1]["loss"] < found["steps"][0]["loss"]


def test_images_and_their_classes_can_be_posted() -> None:
    rng = np.random.default_rng(0)
    classes = np.arange(16) % 4
    images = rng.standard_normal((16, 8, 8, 1)) + classes[:, None, None, None]
    found = steps(
        IMAGES, inputs=encoded(images), targets=encoded(classes), steps=30, optimizer="adam", learning_rate=0.01
    )
    assert found["loss"] == "cross_entropy"
    assert found["steps"][-1]["loss"] < 0.3 * found["steps"][0]["loss"]


def test_a_step_is_one_pass_there_and_back_and_the_price_is_known_before() -> None:
    spec = Spec.model_validate({"seed": 3, "layers": stack()})
    network, shapes = Network(spec, PLENTY), {"input": (128, 32)}
    enough = -(-(network.price(shapes) + 11 * network.price_of_step(shapes)) // IN_ALL)
    assert diagnosis(stack(), enough, steps=10).answer()["steps"]["steps"][-1]["step"] == 10
    with pytest.raises(TooLarge, match="10 steps cost as much as") as refused:
        diagnosis(stack(), enough - 1, steps=10).answer()
    assert refused.value.pointer == "/steps"
    assert refused.value.remedy == {"steps": 9}
    assert diagnosis(stack(), enough - 1, steps=9).answer()["steps"]["steps"][-1]["step"] == 9


@pytest.mark.parametrize(("optimizer", "whole", "largest"), [("sgd", 0, 1), ("adam", 2, 3)])
def test_what_steps_hold_is_counted_before(optimizer: Any, whole: int, largest: int) -> None:
    """Adam's two moments of every weight, and one kernel's change in the making."""
    weights = 4 * (32 * 32 + 32) + 32 * 5 + 5
    plain, with_steps = diagnosis(stack()).memory, diagnosis(stack(), steps=1, optimizer=optimizer).memory
    assert with_steps - plain == 8 * (whole * weights + largest * 32 * 32)


def test_steps_hold_no_more_than_was_counted() -> None:
    layers = [{"name": f"fc{number}", "type": "dense", "shape": [512, 512]} for number in range(4)]
    request = DiagnoseRequest.model_validate({"seed": 1, "layers": layers, "steps": 2, "optimizer": "adam", "batch": 8})
    asked_for = Diagnosis(request, PLENTY)
    run = FirstSteps(asked_for.spec, request, 2, asked_for.inputs, 1, PLENTY)
    tracemalloc.start()
    run.take()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < asked_for.memory - BESIDE


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"optimizer": "adam"}, "/optimizer"),
        ({"learning_rate": 0.1}, "/learning_rate"),
        ({"loss": "squared_error"}, "/loss"),
        ({"targets": encoded([1.0])}, "/targets"),
        ({"steps": 3, "forecast_only": True}, "/steps"),
        ({"steps": 3, "targets": encoded([1.0])}, "/targets"),
        ({"steps": 3, "loss": "cross_entropy", "targets": encoded(np.full(128, 9))}, "/targets"),
    ],
)
def test_what_cannot_be_asked_of_steps_is_refused_at_its_place(more: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        diagnosis(stack(), **more).answer()
    assert refused.value.pointer == pointer


def test_every_remedy_of_a_refusal_is_answered() -> None:
    for more in ({"optimizer": "adam"}, {"steps": 3, "forecast_only": True}):
        with pytest.raises(InitserveError) as refused:
            diagnosis(stack(), **more).answer()
        diagnosis(stack(), **(more | dict(refused.value.remedy or {}))).answer()


def test_a_network_that_ends_in_a_split_is_trained_as_all_its_parts() -> None:
    layers: list[dict[str, Any]] = [*stack()[:-1], {"name": "parts", "type": "split", "sizes": [12, 20]}]
    found = steps(layers, input_shape=[32], steps=2)
    assert found["loss"] == "squared_error"
    assert found["steps"][2]["loss"] < found["steps"][0]["loss"]


def test_without_steps_none_are_told() -> None:
    assert diagnosis(stack()).answer()["steps"] is None
