"""Descent over graphs: what it moves, by how much, and what it leaves; tests/frameworks holds it against PyTorch's."""

import itertools
from typing import Any

import numpy as np
import pytest

from service.analysis.losses import LOSSES, LossName
from service.analysis.network import Network
from service.analysis.optimizers import OPTIMIZERS, OptimizerName
from service.analysis.steps.descent import Step, descend
from service.specs.spec import Spec

PLENTY = 2**34
RNG = np.random.default_rng(0)
X = RNG.standard_normal((16, 6))
LABELS = RNG.integers(0, 3, 16)
RESIDUAL: list[dict[str, Any]] = [
    {"name": "first", "type": "dense", "shape": [6, 8], "activation": "tanh", "inputs": ["input"]},
    {"name": "norm", "type": "layer_norm", "shape": [8]},
    {"name": "second", "type": "dense", "shape": [8, 8], "activation": "relu"},
    {"name": "sum", "type": "add", "inputs": ["first", "second"]},
    {"name": "head", "type": "dense", "shape": [8, 3]},
]


def network(layers: list[dict[str, Any]], **more: Any) -> Network:
    return Network(Spec.model_validate({"seed": 5, "layers": layers, **more}), PLENTY)


def steps(
    layers: list[dict[str, Any]],
    optimizer: OptimizerName = "sgd",
    rate: float = 0.1,
    count: int = 3,
    inputs: Any = X,
    targets: Any = LABELS,
    loss: LossName = "cross_entropy",
    factors: dict[str, float] | None = None,
) -> list[tuple[Step, dict[str, Any]]]:
    """Steps, each with the weights that it had."""
    found = []
    for step in descend(
        network(layers), {"input": inputs}, targets, LOSSES[loss], OPTIMIZERS[optimizer](), rate, count, factors
    ):
        weights = {
            f"{stage.place.name}/{name}": (node.value.copy(), node.gradient)
            for stage in step.stages
            for name, node in stage.weights.items()
        }
        found.append((step, weights))
    return found


def test_the_start_is_what_init_returns_and_every_step_goes_down_the_gradient() -> None:
    found = steps(RESIDUAL)
    assert [step.number for step, _ in found] == [0, 1, 2, 3]
    first = {name: node.value for name, node in network(RESIDUAL).run({"input": X})[0].weights.items()}
    assert np.array_equal(found[0][1]["first/kernel"][0], first["kernel"])
    for (_, before), (_, after) in itertools.pairwise(found):
        for path, (value, gradient) in before.items():
            assert after[path][0] == pytest.approx(value - 0.1 * gradient, rel=1e-12, abs=1e-15)
    losses = [step.loss for step, _ in found]
    assert losses == sorted(losses, reverse=True)


def test_a_gradient_is_that_of_small_differences() -> None:
    [(start, weights)] = steps(RESIDUAL, count=0)
    path, (value, gradient) = "second/kernel", weights["second/kernel"]
    away = RNG.standard_normal(value.shape)
    net, losses = network(RESIDUAL), []
    for size in (1e-5, -1e-5):
        own = [dict(stage.weights) for stage in net.run({"input": X})]
        own[2]["kernel"].value = value + size * away
        losses.append(LOSSES["cross_entropy"].value(net.run({"input": X}, own)[-1].out.value, LABELS)[0])
    assert (gradient * away).sum() == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-5)
    squares = sum(float((g * g).sum()) for _, g in weights.values())
    assert start.gradient_norm == pytest.approx(squares**0.5)
    assert path in weights


def test_changes_are_told_in_parts_of_the_weights() -> None:
    (_, before), (step, after) = steps(RESIDUAL, count=1)
    moved = after["second/kernel"][0] - before["second/kernel"][0]
    rms = [float(np.sqrt((each * each).mean())) for each in (moved, before["second/kernel"][0])]
    assert step.changes[2] == pytest.approx(rms[0] / rms[1])
    assert 3 not in step.changes  # a sum has nothing to change


def test_weights_of_zero_have_no_part_to_change_by() -> None:
    layers = [RESIDUAL[0], {"name": "head", "type": "dense", "shape": [8, 3], "scheme": "zeros"}]
    _, (step, after) = steps(layers, count=1)
    assert step.changes[1] is None
    assert after["head/kernel"][0].any()


def test_arrays_that_no_gradient_reaches_stay() -> None:
    layers: list[dict[str, Any]] = [
        RESIDUAL[0],
        {"name": "norm", "type": "batch_norm", "shape": [8]},
        {"name": "head", "type": "dense", "shape": [8, 3]},
    ]
    (_, before), *_, (_, after) = steps(layers, "adam", count=3)
    assert {path for path in before if np.array_equal(before[path][0], after[path][0])} == {
        "norm/moving_mean",
        "norm/moving_variance",
    }


def test_weights_that_two_layers_share_move_once_by_both_gradients() -> None:
    layers: list[dict[str, Any]] = [
        {"name": "embed", "type": "embedding", "shape": [9, 4], "inputs": ["input"]},
        {"name": "back", "type": "tied", "to": "embed", "transposed": True},
    ]
    tokens = RNG.integers(0, 9, (5, 7))
    targets = RNG.integers(0, 9, (5, 7))
    (_, before), (_, after) = steps(layers, count=1, inputs=tokens, targets=targets)
    table, gradient = before["embed/embeddings"]
    assert after["embed/embeddings"][0] == pytest.approx(table - 0.1 * gradient)
    assert np.array_equal(after["back/embeddings"][0], after["embed/embeddings"][0])
    out = table[tokens] @ table.T
    shares = np.exp(out) / np.exp(out).sum(-1, keepdims=True)
    back = (shares - np.eye(9)[targets]) / targets.size
    expected = np.einsum("btv,btd->vd", back, table[tokens])
    np.add.at(expected, tokens, back @ table)
    assert gradient == pytest.approx(expected)


def test_adapters_are_trained_alone() -> None:
    layers: list[dict[str, Any]] = [
        {"name": "first", "type": "dense", "shape": [6, 8], "activation": "tanh"},
        {"name": "head", "type": "dense", "shape": [8, 3], "lora_rank": 2},
    ]
    (_, before), *_, (_, after) = steps(layers, count=2)
    moved = {path for path in before if not np.array_equal(before[path][0], after[path][0])}
    assert moved == {"head/lora_kernel_a", "head/lora_kernel_b"}


def test_a_rate_has_a_factor_for_each_array() -> None:
    plain = steps(RESIDUAL, count=1)[1][1]
    slow = steps(RESIDUAL, count=1, factors={"first/kernel": 0.0, "head/kernel": 0.5})[1][1]
    start = steps(RESIDUAL, count=0)[0][1]
    assert np.array_equal(slow["first/kernel"][0], start["first/kernel"][0])
    half = (plain["head/kernel"][0] + start["head/kernel"][0]) / 2
    assert slow["head/kernel"][0] == pytest.approx(half)
    assert np.array_equal(slow["second/kernel"][0], plain["second/kernel"][0])


def test_a_step_lets_go_of_its_pass_before_the_next_one() -> None:
    run = descend(network(RESIDUAL), {"input": X}, LABELS, LOSSES["cross_entropy"], OPTIMIZERS["sgd"](), 0.1, 2)
    first = next(run)
    assert len(first.stages) == 5
    next(run)
    assert first.stages == []


def test_squared_error_goes_to_its_targets() -> None:
    wanted = RNG.standard_normal((16, 3))
    losses = [step.loss for step, _ in steps(RESIDUAL, "adam", 0.02, 40, targets=wanted, loss="squared_error")]
    assert losses[-1] < 0.3 * losses[0]
