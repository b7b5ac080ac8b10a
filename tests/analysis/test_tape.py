"""Gradients against finite differences, for every layer that runs; functions against their own slopes and gains."""

from typing import Any

import numpy as np
import pytest

from service.analysis import tape
from service.analysis.functions import FUNCTIONS
from service.analysis.loading import load
from service.analysis.network import Network
from service.analysis.tape import Node
from service.networks.activations import ACTIVATIONS
from service.specs.spec import Spec
from service.stopping import Stop, Stopped, stoppable

LAYERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "dense": ({"type": "dense", "shape": [5, 4], "activation": "tanh"}, (5,)),
    "dense with LoRA": ({"type": "dense", "shape": [5, 4], "lora_rank": 2}, (5,)),
    "softmax inside": ({"type": "dense", "shape": [5, 4], "activation": "softmax"}, (5,)),
    "conv1d": ({"type": "conv1d", "shape": [4, 3, 2]}, (6, 3)),
    "conv2d in groups": ({"type": "conv2d", "shape": [3, 2, 4, 6], "groups": 2}, (4, 3, 4)),
    "conv2d_transpose": ({"type": "conv2d_transpose", "shape": [3, 4, 4, 2], "strides": 2, "groups": 2}, (3, 2, 4)),
    "depthwise_conv2d": ({"type": "depthwise_conv2d", "shape": [3, 3, 2, 2]}, (4, 3, 2)),
    "separable_conv1d": ({"type": "separable_conv1d", "shape": [3, 2, 3], "depth_multiplier": 2}, (5, 2)),
    "embedding and dense": ({"type": "embedding", "shape": [7, 5]}, ()),
    "batch_norm": ({"type": "batch_norm", "shape": [4]}, (4,)),
    "layer_norm": ({"type": "layer_norm", "shape": [4]}, (3, 4)),
    "group_norm": ({"type": "group_norm", "shape": [4]}, (3, 4)),
    "rms_norm": ({"type": "rms_norm", "shape": [4]}, (3, 4)),
    "prelu": ({"type": "prelu", "shape": [4]}, (4,)),
    "simple_rnn": ({"type": "simple_rnn", "shape": [3, 2]}, (4, 3)),
    "lstm both ways, twice": ({"type": "lstm", "shape": [3, 2], "bidirectional": True, "num_layers": 2}, (3, 3)),
    "gru": ({"type": "gru", "shape": [3, 2]}, (4, 3)),
    "attention": ({"type": "multi_head_attention", "shape": [6, 2, 3]}, (4, 6)),
    "grouped attention": ({"type": "grouped_query_attention", "shape": [6, 4, 2], "kv_heads": 2}, (3, 6)),
}
RESTLESS = [{"match": "*", "scheme": {"name": "random_normal", "mean": 0.1, "stddev": 0.4}}]
STEP = 1e-6


@pytest.mark.parametrize("name", LAYERS)
def test_every_gradient_is_the_slope(name: str) -> None:
    layer, shape = LAYERS[name]
    layers = [layer, {"type": "dense", "shape": [5, 3]}] if layer["type"] == "embedding" else [layer]
    if layer.get("activation") == "softmax":
        layers = [layer, {"type": "dense", "shape": [4, 3]}]
    spec = Spec.model_validate({"seed": 11, "dtype": "float64", "layers": layers, "rules": RESTLESS})
    network, rng = Network(spec, 2**40), np.random.default_rng(3)
    batch: Any = rng.integers(0, 7, (4, 5)) if layer["type"] == "embedding" else rng.standard_normal((4, *shape))
    inputs = {"input": batch}
    stages = list(network.run(inputs))
    gradient = rng.standard_normal(stages[-1].out.value.shape)
    tape.backward(stages[-1].out, gradient)
    for stage in stages:
        for parameter, node in stage.weights.items():
            if node.gradient is None:
                assert parameter.startswith("moving"), parameter
                continue
            away = rng.standard_normal(node.value.shape)
            found = float((node.gradient * away).sum())
            assert found == pytest.approx(
                slope(network, inputs, gradient, stage.place.name, parameter, away), rel=1e-5, abs=1e-7
            )


def slope(network: Network, inputs: Any, gradient: Any, layer: str, parameter: str, away: Any) -> float:
    """The change of sum(gradient x outputs) when a parameter moves along `away`: central differences."""

    def value(step: float) -> float:
        moved = Moved(network, layer, parameter, step * away)
        last = list(moved.run(inputs))[-1]
        return float((gradient * last.out.value).sum())

    return (value(STEP) - value(-STEP)) / (2.0 * STEP)


class Moved:
    """The network with one parameter elsewhere."""

    def __init__(self, network: Network, layer: str, parameter: str, by: Any) -> None:
        self.network, self.layer, self.parameter, self.by = network, layer, parameter, by

    def run(self, inputs: Any) -> Any:

        def moved(planned: Any, *exactness: Any) -> dict[str, Node]:
            weights = load(planned, *exactness)
            if planned.name == self.layer:
                weights[self.parameter] = Node(weights[self.parameter].value + self.by)
            return weights

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("service.analysis.network.load", moved)
            return list(self.network.run(inputs))


def test_every_activation_has_a_function() -> None:
    assert FUNCTIONS.keys() == ACTIVATIONS.keys() - {"softmax"} | {"gelu_tanh"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_slope_is_the_functions(name: str) -> None:
    x = np.linspace(-7.3, 7.7, 997)  # meets no kink
    function = FUNCTIONS[name]
    differences = (function.value(x + STEP) - function.value(x - STEP)) / (2 * STEP)
    assert function.slope(x) == pytest.approx(differences, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() & ACTIVATIONS.keys()))
def test_a_function_has_the_gains_of_its_activation(name: str) -> None:
    z = np.linspace(-12.0, 12.0, 200_000)  # meets no kink
    weights = np.exp(-0.5 * z * z) / np.exp(-0.5 * z * z).sum()
    value, steep = FUNCTIONS[name].value(z), FUNCTIONS[name].slope(z)
    second, mean = weights @ (value * value), weights @ value
    row = ACTIVATIONS[name]
    assert row.gain == pytest.approx(second**-0.5, rel=2e-5)
    assert row.gain_std == pytest.approx((second - mean * mean) ** -0.5, rel=2e-5)
    assert row.gain_back == pytest.approx((weights @ (steep * steep)) ** -0.5, rel=2e-5)


def test_a_value_used_twice_gets_both_gradients() -> None:
    a = Node(np.array([2.0, 3.0]))
    last = tape.add(tape.multiply(a, a), a)
    tape.backward(last, np.array([1.0, 1.0]))
    assert a.gradient is not None
    assert a.gradient.tolist() == [5.0, 7.0]


@pytest.mark.parametrize(
    ("equation", "first", "second"),
    [("bi,io->bo", (30, 7), (7, 5)), ("bi,bo->io", (9, 30), (9, 4)), ("bgi,gio->bgo", (3, 2, 5), (2, 5, 40))],
)
def test_a_product_in_parts_is_the_product(
    monkeypatch: pytest.MonkeyPatch, equation: str, first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    generator = np.random.default_rng(0)
    a, b = generator.standard_normal(first), generator.standard_normal(second)
    monkeypatch.setattr("service.analysis.tape.products.PRODUCT", 64)
    monkeypatch.setattr("service.analysis.tape.products.LEAST", 1)
    assert np.allclose(tape.product(equation, a, b), np.einsum(equation, a, b), rtol=1e-14, atol=1e-14)


def test_a_function_in_parts_is_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.analysis.tape.elementwise.ELEMENTS", 16)
    x = np.random.default_rng(0).standard_normal((5, 7, 3))
    assert np.array_equal(tape.mapped(np.tanh, x), np.tanh(x))


def test_a_pass_that_nobody_waits_for_ends_at_its_next_step() -> None:
    stop = Stop()
    with stoppable(stop):
        node = tape.scaled(Node(np.ones(3)), 2.0)
        stop.ask()
        with pytest.raises(Stopped):
            tape.backward(node, np.ones(3))
        with pytest.raises(Stopped):
            tape.scaled(node, 2.0)
