"""Training: what the course notes claim of starts; gradients against differences; limits, and remedies that work."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from service.analysis import training
from service.analysis.descent import DenseLayer, DenseStack, started, there_and_back
from service.analysis.tasks import TASKS, TaskName
from service.analysis.trainable import TrainRequest, operations
from service.analysis.training import Event, Run, answer, train
from service.errors import InitserveError, InvalidSpec, TooLarge, UnsupportedCombination
from service.specs.spec import Spec

SMALL = {"name": "random_normal", "stddev": 0.001}
LARGE = {"name": "random_normal", "stddev": 1.0}
FIVE = {"name": "constant", "value": 5.0}
# Twenty layers of 64 neurons: where Glorot and He learn by far and both other scales do not, whatever the seed.
DEEP = {"steps": 400, "learning_rate": 0.02, "batch": 32}
SHORT = {"steps": 60, "learning_rate": 0.05}


def stack(task: TaskName, depth: int, width: int = 16, activation: str = "relu") -> list[dict[str, Any]]:
    sizes = [TASKS[task].features, *[width] * (depth - 1), TASKS[task].outputs]
    layers = [{"name": f"fc{i}", "type": "dense", "shape": [a, b]} for i, (a, b) in enumerate(pairwise(sizes), 1)]
    return [*({**layer, "activation": activation} for layer in layers[:-1]), layers[-1]]


def request(task: TaskName, layers: list[dict[str, Any]], **more: Any) -> TrainRequest:
    return TrainRequest.model_validate({"seed": 0, "task": task, "layers": layers, **more})


def runs(task: TaskName, layers: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    asked = request(task, layers, **more)
    found: list[dict[str, Any]] = answer(asked, train(asked))["runs"]
    return found


def layers_of(run: Run) -> list[DenseLayer]:
    assert isinstance(run.learner, DenseStack)
    return run.learner.layers


# What the notes claim


def test_the_convex_case_converges_from_every_start() -> None:
    starts = ["zeros", "ones", FIVE, SMALL, LARGE, "glorot_uniform", "he_normal"]
    found = runs("quadratic", stack("quadratic", 1), schemes=starts[:6], restarts=2, batch=0)
    found += runs("quadratic", stack("quadratic", 1), schemes=starts[6:], restarts=2, batch=0)
    assert len(found) == 14
    assert all(run["learnt"] for run in found)
    assert np.ptp([run["loss"][-1] for run in found]) < 1e-12  # one minimum
    assert max(run["gradient_norm"][-1] for run in found) < 1e-9


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_zeros_do_not_learn(activation: str, depth: int) -> None:
    for task in TASKS:
        [run] = runs(task, stack(task, depth, activation=activation), schemes=["zeros"], **SHORT)
        assert not run["learnt"]
        assert "gradients of 0 in fc1 changed nothing" in run["reason"]


@pytest.mark.parametrize("scheme", ["zeros", "small_normal"])
def test_what_a_run_is_said_to_end_at_is_the_loss_of_all_its_examples(scheme: str) -> None:
    asked = request("moons", stack("moons", 8), schemes=[scheme], steps=40, learning_rate=10.0)
    [start] = asked.schemes or []
    run = Run(asked, 0, start, seed=42)
    told = list(run.events())[-1].data
    inputs, targets = TASKS["moons"].data()
    assert (
        told["final_loss"] == there_and_back(layers_of(run), TASKS["moons"], inputs, targets).loss != told["loss"][-1]
    )
    assert f"the loss ended at {told['final_loss']:.3g}" in told["reason"]
    assert "in fc1 changed nothing there; the rest of the gradient is in later layers" in told["reason"]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("value", [0.1, 5.0])
@pytest.mark.parametrize("width", [7, 16])
def test_a_constant_keeps_neurons_the_same_for_ever(activation: str, value: float, width: int) -> None:
    layers = stack("digits", 3, width, activation)
    [scheme] = request("digits", layers, schemes=[{"name": "constant", "value": value}]).schemes or []
    run = Run(request("digits", layers, steps=500), 0, scheme, seed=3)
    events = list(run.events())
    assert not events[-1].data["learnt"]
    assert events[-1].data["reason"].startswith("every neuron of fc1 stayed the same")
    before = started(run.spec)
    for layer, start in list(zip(layers_of(run), before, strict=True))[:-1]:
        assert np.ptp(layer.kernel, axis=1).max() <= 1e-9 * abs(layer.kernel).max()
        assert (layer.kernel != start.kernel).any() or activation != "relu"
    assert (layers_of(run)[-1].kernel != before[-1].kernel).any()  # it did train


@pytest.mark.long
@pytest.mark.parametrize(("activation", "good"), [("tanh", "glorot_normal"), ("relu", "he_normal")])
def test_glorot_and_he_learn_at_twenty_layers_where_other_scales_do_not(activation: str, good: str) -> None:
    layers = stack("digits", 20, 64, activation)
    found = runs("digits", layers, schemes=[good, SMALL, LARGE], restarts=3, **DEEP)
    assert [run["learnt"] for run in found] == [True] * 3 + [False] * 6
    assert min(run["accuracy"] for run in found[:3]) > 0.6
    assert all("gradients of" in run["reason"] and "changed nothing" in run["reason"] for run in found[3:6])
    steep = "a jump elsewhere" if activation == "tanh" else "overflowed at step"
    assert all(steep in run["reason"] for run in found[6:])
    assert all(run["accuracy"] is None or run["accuracy"] < 0.25 for run in found[3:])


def test_a_restart_is_another_run() -> None:
    found = runs("moons", stack("moons", 2), restarts=3, **SHORT)
    assert [run["seed"] for run in found] == ["0", "1", "2"]
    assert len({run["loss"][0] for run in found}) == 3
    [alone] = runs("moons", stack("moons", 2), seed=1, **SHORT)
    assert alone == found[1]


def test_after_the_last_seed_comes_the_first() -> None:
    found = runs("moons", stack("moons", 1), seed=str(2**64 - 1), restarts=2, steps=1)
    assert [run["seed"] for run in found] == ["18446744073709551615", "0"]


def test_without_a_seed_one_is_drawn() -> None:
    [one], [other] = (runs("moons", stack("moons", 2), seed=None, **SHORT) for _ in range(2))
    assert one["seed"] != other["seed"]
    [again] = runs("moons", stack("moons", 2), seed=one["seed"], **SHORT)
    assert again == one


# The same to the last bit


def test_the_same_request_gives_the_same_answer_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request("spirals", stack("spirals", 3), schemes=["he_normal", LARGE], restarts=2, steps=450)
    whole = list(train(asked))
    assert list(train(asked)) == whole
    monkeypatch.setattr(training, "PACE", 1)
    fine = list(train(asked))
    assert len(fine) > len(whole)
    assert answer(asked, fine) == answer(asked, whole)


def test_interleaved_requests_do_not_touch_each_other() -> None:
    asked = [request("moons", stack("moons", 2), seed=seed, **SHORT) for seed in (1, 2)]
    alone = [list(train(one)) for one in asked]
    together = list(zip(train(asked[0]), train(asked[1]), strict=True))
    assert [list(events) for events in zip(*together, strict=True)] == alone


def test_it_starts_from_the_weights_that_init_returns() -> None:
    for layout in ("keras", "pytorch"):
        asked = request("digits", stack("digits", 2), layout=layout)
        planned = asked.model_copy(update={"layout": "keras"}).plan().parameters[0]
        values = np.concatenate(list(planned.blocks())).reshape(planned.shape)
        assert (started(asked)[0].kernel == values).all()


# Events


def test_events_tell_what_happens_as_it_happens() -> None:
    asked = request("moons", stack("moons", 2), schemes=["he_normal", LARGE], steps=450)
    events = list(train(asked))
    names = [event.name for event in events]
    assert names == (["progress"] * 150 + ["run"]) * 2 + ["end"]
    assert events[-1] == Event("end", {})
    run, progress = events[150].data, [event.data for event in events[:150]]
    assert run["every"] == 3
    assert [one["step"] for one in progress] == list(range(0, 450, 3))
    assert [one["loss"] for one in progress] == run["loss"]
    assert [one["gradient_norm"] for one in progress] == run["gradient_norm"]
    assert {key: progress[0][key] for key in ("run", "scheme", "seed")} == {
        "run": 0,
        "scheme": "he_normal",
        "seed": "0",
    }
    assert events[151].data["run"] == 1
    assert list(run) == [
        "scheme",
        "seed",
        "every",
        "loss",
        "gradient_norm",
        "final_loss",
        "accuracy",
        "learnt",
        "reason",
    ]
    assert answer(asked, events) == {"task": "moons", "runs": [run, events[301].data]}


@pytest.mark.parametrize(("steps", "every", "entries"), [(1, 1, 1), (200, 1, 200), (201, 2, 101), (2000, 10, 200)])
def test_curves_have_at_most_200_entries(steps: int, every: int, entries: int) -> None:
    [run] = runs("quadratic", stack("quadratic", 1), steps=steps)
    assert (run["every"], len(run["loss"]), len(run["gradient_norm"])) == (every, entries, entries)


def test_a_run_stops_where_it_overflows_and_its_answer_is_still_json() -> None:
    [run] = runs("quadratic", stack("quadratic", 1), learning_rate=1000.0, batch=0)
    assert not run["learnt"]
    assert run["accuracy"] is None
    assert "overflowed at step" in run["reason"]
    assert 1 < len(run["loss"]) < 200
    json.dumps(run, allow_nan=False)


def test_what_overflows_at_once_has_empty_curves() -> None:
    huge = {"name": "constant", "value": 1e30}
    [run] = runs("digits", stack("digits", 20), schemes=[huge])
    assert (run["loss"], run["gradient_norm"], run["learnt"]) == ([], [], False)
    assert run["reason"] == "the loss overflowed at step 0"


def test_dead_neurons_are_named() -> None:
    layers = stack("moons", 3)
    layers[1]["bias"] = {"name": "constant", "value": -100.0}
    [run] = runs("moons", layers, **SHORT)
    assert run["reason"].startswith("every neuron of fc2 is dead")


def test_what_is_only_short_of_learnt_is_told_so() -> None:
    [run] = runs("spirals", stack("spirals", 1))
    assert not run["learnt"]
    assert "more steps" in run["reason"]


def test_schemes_are_called_what_they_are() -> None:
    asked = ["auto", "xavier_normal", "random_normal", LARGE, {"name": "he_normal", "scale": 3.0}]
    found = runs("moons", stack("moons", 1), schemes=asked, steps=1)
    assert [run["scheme"] for run in found] == [
        "auto", "glorot_normal", "random_normal", "random_normal(stddev=1)", "he_normal(scale=3)"
    ]  # fmt: skip
    [run] = runs("moons", stack("moons", 1), steps=1)
    assert run["scheme"] == "as in the spec"


def test_a_scheme_is_put_on_weights_over_layers_and_rules_but_not_on_biases() -> None:
    layers = [{**layer, "scheme": "ones", "bias": "ones"} for layer in stack("moons", 2)]
    rules = [{"match": "*", "scheme": "ones"}]
    asked = request("moons", layers, rules=rules, schemes=["zeros"])
    trained = started(Run(asked, 0, (asked.schemes or [])[0], 0).spec)
    assert all((layer.kernel == 0.0).all() and (layer.bias == 1.0).all() for layer in trained)  # type: ignore[union-attr]


# Gradients


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid", "gelu", "selu", "softsign"])
@pytest.mark.parametrize("task", ["quadratic", "moons"])
def test_gradients_are_slopes(task: TaskName, activation: str) -> None:
    layers = stack(task, 3, 5, activation)
    layers[0]["bias"], layers[1]["bias"] = "small_normal", None
    stacked = started(request(task, layers))
    inputs, targets = (part[:20] for part in TASKS[task].data())
    found = there_and_back(stacked, TASKS[task], inputs, targets)
    step = 1e-6
    for layer, (of_kernel, of_bias) in zip(stacked, found.gradients, strict=True):
        for values, gradient in ((layer.kernel, of_kernel), (layer.bias, of_bias)):
            if values is None or gradient is None:
                assert values is gradient
                continue
            assert values.shape == gradient.shape
            for place in np.ndindex(values.shape):
                kept, sides = values[place], []
                for moved in (kept + step, kept - step):
                    values[place] = moved
                    sides.append(there_and_back(stacked, TASKS[task], inputs, targets).loss)
                values[place] = kept
                assert gradient[place] == pytest.approx((sides[0] - sides[1]) / (2.0 * step), rel=1e-4, abs=1e-7)


def test_the_gradients_norm_is_over_every_parameter_there_is() -> None:
    task = TASKS["moons"]
    for layers in (stack("moons", 2), [{**layer, "bias": None} for layer in stack("moons", 2)]):
        stacked = started(request("moons", layers))
        found = there_and_back(stacked, task, *task.data())
        squares = sum((one * one).sum() for pair in found.gradients for one in pair if one is not None)
        assert found.norm == pytest.approx(squares**0.5)


# What is refused


def refused(asked: TrainRequest, kind: type[InitserveError], pointer: str) -> InitserveError:
    with pytest.raises(kind) as caught:
        train(asked)
    assert caught.value.pointer == pointer
    return caught.value


def mended(asked: TrainRequest, error: InitserveError) -> None:
    """Assert that the error's remedy, put into the request, works."""
    assert error.remedy is not None
    document = {**asked.model_dump(mode="json", exclude_unset=True), **error.remedy, "seed": str(asked.seed or 0)}
    next(train(TrainRequest.model_validate(document)))


WRONG: list[tuple[str, TaskName, list[dict[str, Any]], type[InitserveError], str]] = [
    ("first", "digits", stack("moons", 3), InvalidSpec, "/layers/0/shape/0"),
    ("last", "moons", [*stack("moons", 2)[:1], {"type": "dense", "shape": [16, 3]}], InvalidSpec, "/layers/1/shape/1"),
    ("middle", "moons", [*stack("moons", 2)[:1], {"type": "dense", "shape": [8, 2]}], InvalidSpec, "/layers/1/shape/0"),
    ("conv", "digits", [{"type": "conv2d", "shape": [3, 3, 1, 9]}, *stack("digits", 2)], InvalidSpec,
     "/layers/1/shape"),
    ("only conv", "digits", [{"type": "conv2d", "shape": [3, 3, 1, 8]}], InvalidSpec, "/layers/0"),
    ("conv on points", "moons", [{"type": "conv2d", "shape": [3, 3, 1, 8]}], InvalidSpec, "/layers/0/shape"),
    ("nothing to train", "moons", [{"type": "activation", "activation": "linear"}], InvalidSpec, "/layers"),
    ("tokens", "moons", [{"type": "embedding", "shape": [3, 2]}], UnsupportedCombination, "/layers"),
    ("last activation of a graph", "moons", [*stack("moons", 2), {"type": "activation", "activation": "tanh"}],
     UnsupportedCombination, "/layers/2/activation"),
    ("too wide a graph", "moons", [{"type": "dense", "shape": [2, 400]}, {"type": "layer_norm", "shape": [400]},
     {"type": "dense", "shape": [400, 600]}, {"type": "dense", "shape": [600, 2]}], TooLarge, "/layers"),
    ("last activation", "moons", [{**layer, "activation": "tanh"} for layer in stack("moons", 2)],
     UnsupportedCombination, "/layers/1/activation"),
    ("softmax of a number", "quadratic", [{**stack("quadratic", 1)[0], "activation": "softmax"}],
     UnsupportedCombination, "/layers/0/activation"),
    ("softmax within", "moons", stack("moons", 3, activation="softmax"), UnsupportedCombination,
     "/layers/0/activation"),
    ("too deep", "moons", stack("moons", 33), TooLarge, "/layers"),
    ("too many parameters", "digits", stack("digits", 3, 500), TooLarge, "/layers"),
    ("too wide", "moons", stack("moons", 2, 3000), TooLarge, "/layers"),
    ("beyond counting", "moons", stack("moons", 32, 2**53 - 1), TooLarge, "/layers"),
    ("a large seed", "digits", [{**layer, "seed": str(2**64 - 1)} for layer in stack("moons", 2)], InvalidSpec,
     "/layers/0/shape/0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "layers", "kind", "pointer"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_what_cannot_be_trained_is_refused_with_a_remedy_that_works(
    task: TaskName, layers: list[dict[str, Any]], kind: type[InitserveError], pointer: str
) -> None:
    asked = request(task, layers, steps=1)
    mended(asked, refused(asked, kind, pointer))


def test_remedies_change_no_more_than_they_must() -> None:
    layers = stack("moons", 3, 24, "tanh")
    error = refused(request("digits", layers), InvalidSpec, "/layers/0/shape/0")
    shapes = [[64, 24], [24, 24], [24, 10]]
    assert error.remedy is not None
    wanted = [{**layer, "shape": shape} for layer, shape in zip(layers, shapes, strict=True)]
    wanted[-1]["activation"] = "linear"
    assert error.remedy["layers"] == wanted


def test_softmax_after_the_last_layer_is_what_the_loss_does_anyway() -> None:
    layers = stack("moons", 2)
    with_softmax = [layers[0], {**layers[1], "activation": "softmax"}]
    assert runs("moons", layers, **SHORT) == runs("moons", with_softmax, **SHORT)


def test_a_recipe_that_is_not_dense_is_refused_with_a_remedy() -> None:
    asked = TrainRequest.model_validate({"seed": 0, "task": "digits", "recipe": "gpt2"})
    with pytest.raises(InitserveError) as caught:
        train(asked)
    remedy = caught.value.remedy
    assert remedy is not None
    next(train(TrainRequest.model_validate({"seed": 0, "task": "digits", "recipe": "gpt2", **remedy})))


def test_a_request_may_not_cost_more_than_is_allowed() -> None:
    asked = request("moons", stack("moons", 2), steps=100, restarts=3)
    cost = 300 * operations(asked)
    next(train(asked, most_operations=cost))
    with pytest.raises(TooLarge, match="3 runs") as caught:
        train(asked, most_operations=cost - 1)
    assert (caught.value.pointer, caught.value.remedy) == ("/steps", {"steps": 99})


def test_the_largest_square_stacks_are_allowed() -> None:
    next(train(request("digits", stack("digits", 32, 78), steps=1)))
    next(train(request("digits", stack("digits", 3, 400), steps=1)))


def test_a_scheme_that_does_not_fit_is_pointed_at() -> None:
    rules = [{"match": "*/bias", "scheme": "zeros"}]
    refused(request("moons", stack("moons", 2), schemes=["zeros", "dirac"], rules=rules), InvalidSpec, "/schemes/1")
    refused(request("moons", [{**stack("moons", 1)[0], "scheme": "dirac"}]), InvalidSpec, "/layers/0/scheme")


def test_names_are_unique_as_everywhere() -> None:
    layers = [{**layer, "name": "a"} for layer in stack("moons", 2)]
    refused(request("moons", layers, schemes=["zeros"]), InvalidSpec, "/layers/1/name")


@pytest.mark.parametrize(
    "wrong",
    [
        {"task": "mnist"},
        {"task": None},
        {"schemes": []},
        {"schemes": ["zeros"] * 7},
        {"schemes": ["zero s"]},
        {"schemes": "zeros"},
        {"restarts": 0},
        {"restarts": 11},
        {"steps": 0},
        {"steps": 2001},
        {"steps": 10.0},
        {"steps": "10"},
        {"steps": True},
        {"learning_rate": 0.0},
        {"learning_rate": -0.1},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"batch": -1},
        {"batch": 513},
        {"momentum": 0.9},
    ],
)
def test_the_request_is_strict(wrong: dict[str, Any]) -> None:
    document = {"seed": 0, "task": "moons", "layers": stack("moons", 2), **wrong}
    with pytest.raises(ValidationError):
        TrainRequest.model_validate(document)


def test_every_field_of_the_request_is_described() -> None:
    properties = TrainRequest.model_json_schema()["properties"]
    added = set(TrainRequest.model_fields) - set(Spec.model_fields)
    assert added == {"task", "schemes", "restarts", "steps", "learning_rate", "batch", "watch"}
    assert all(properties[name]["description"] for name in added)


@pytest.mark.parametrize(
    "asked",
    [
        {"tensors": {"conv.weight": [4, 3, 3, 3], "fc.weight": [5, 7]}},
        {"recipe": "bert", "config": {"num_hidden_layers": 1}, "head": "token_classification"},
    ],
)
def test_a_remedy_has_nothing_of_the_shorter_form_that_it_replaces(asked: dict[str, Any]) -> None:
    request = {"seed": 0, "task": "digits", **asked}
    with pytest.raises(InitserveError) as refused:
        next(train(TrainRequest.model_validate(request)))
    assert refused.value.remedy is not None
    next(train(TrainRequest.model_validate({**request, **refused.value.remedy})))
