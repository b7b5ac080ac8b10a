"""Whole networks: what theory expects of every layer, beside what many seeds' weights do."""

from typing import Any

import numpy as np
import pytest

from service.analysis import tape
from service.analysis.diagnosable import (
    DiagnoseRequest,
    batch_shapes,
    batches_of,
    drawn_shapes,
    standard_normal,
)
from service.analysis.diagnosis import Diagnosis
from service.analysis.forecast import forecast
from service.analysis.network import Network
from service.specs.recipes import networks
from service.specs.spec import Spec

PLENTY = 2**40
SEEDS = 12
# Means over twelve seeds within five of their standard errors: one comparison in 2,500 fails by chance (Student's t of
# 11 degrees). Beyond it theory is of infinitely wide layers: each of n units may put a moment off by some 2 / n.
ERRORS, FINITE = 5.0, 2.0


def dense(name: str, came: int, given: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "dense", "shape": [came, given], **more}


def conv(name: str, size: int, came: int, given: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "conv2d", "shape": [size, size, came, given], "padding": "same", **more}


def transformer(width: int, blocks: int, causal: bool) -> dict[str, Any]:
    """Return blocks with norms before, over words and positions."""
    drawn = {"name": "random_normal", "mean": 0.0, "stddev": 1.0}
    layers: list[dict[str, Any]] = [
        {"name": "words", "type": "embedding", "shape": [200, width], "scheme": drawn, "inputs": ["input"]},
        {"name": "places", "type": "embedding", "shape": [8, width], "scheme": drawn, "inputs": ["positions"]},
        {"name": "stream", "type": "add", "inputs": ["words", "places"]},
    ]
    stream = "stream"
    for number in range(blocks):
        at = f"block_{number}."
        shape = [width, 4, width // 4]
        layers += [
            {"name": f"{at}norm_1", "type": "layer_norm", "shape": [width], "inputs": [stream]},
            {"name": f"{at}attention", "type": "multi_head_attention", "shape": shape, "causal": causal},
            {"name": f"{at}add_1", "type": "add", "inputs": [stream, f"{at}attention"]},
            {"name": f"{at}norm_2", "type": "layer_norm", "shape": [width]},
            dense(f"{at}mlp_in", width, 2 * width, activation="gelu"), dense(f"{at}mlp_out", 2 * width, width),
            {"name": f"{at}add_2", "type": "add", "inputs": [f"{at}add_1", f"{at}mlp_out"]},
        ]  # fmt: skip
        stream = f"{at}add_2"
    layers += [{"name": "norm", "type": "layer_norm", "shape": [width]}, dense("head", width, 50)]
    return {"input_shape": {"input": [8], "positions": [8]}, "layers": layers}


def resnet(width: int, blocks: int) -> dict[str, Any]:
    layers: list[dict[str, Any]] = [
        conv("stem", 3, 3, width), {"name": "norm", "type": "batch_norm", "shape": [width], "activation": "relu"},
        {"name": "stream", "type": "max_pool", "window": 3, "strides": 2, "padding": 1},
    ]  # fmt: skip
    stream = "stream"
    for number in range(blocks):
        at = f"block_{number}."
        layers += [
            conv(f"{at}conv_1", 3, width, width, bias=None) | {"inputs": [stream]},
            {"name": f"{at}norm_1", "type": "batch_norm", "shape": [width], "activation": "relu"},
            conv(f"{at}conv_2", 3, width, width, bias=None),
            {"name": f"{at}norm_2", "type": "batch_norm", "shape": [width]},
            {"name": f"{at}add", "type": "add", "inputs": [stream, f"{at}norm_2"]},
            {"name": f"{at}relu", "type": "activation", "activation": "relu"},
        ]
        stream = f"{at}relu"
    return {
        "input_shape": [12, 12, 3],
        "layers": [*layers, {"name": "mean", "type": "global_average_pool"}, dense("head", width, 10)],
    }


def lenet(channels: int) -> dict[str, Any]:
    """Return LeNet-5's layers (LeCun et al. 1998) with so many times as many channels, so that theory is near."""
    first, second = 6 * channels, 16 * channels
    return {"input_shape": [20, 20, 1], "layers": [
        conv("c1", 5, 1, first, activation="tanh"), {"name": "s2", "type": "average_pool", "window": 2},
        conv("c3", 5, first, second, activation="tanh") | {"padding": "valid"},
        {"name": "s4", "type": "average_pool", "window": 2}, {"name": "flat", "type": "flatten"},
        dense("f5", 9 * second, 120, activation="tanh"), dense("f6", 120, 84, activation="tanh"), dense("head", 84, 10),
    ]}  # fmt: skip


def mixer(width: int, blocks: int) -> dict[str, Any]:
    layers: list[dict[str, Any]] = [
        {"name": "patches", "type": "conv2d", "shape": [2, 2, 3, width], "strides": 2, "padding": "valid"},
        {"name": "stream", "type": "reshape", "shape": [64, width]},
    ]
    stream = "stream"
    for number in range(blocks):
        at = f"block_{number}."
        layers += [
            {"name": f"{at}norm_1", "type": "layer_norm", "shape": [width], "inputs": [stream]},
            {"name": f"{at}turned", "type": "transpose", "axes": [2, 1]},
            dense(f"{at}in_1", 64, 128, activation="gelu"), dense(f"{at}out_1", 128, 64),
            {"name": f"{at}back", "type": "transpose", "axes": [2, 1]},
            {"name": f"{at}add_1", "type": "add", "inputs": [stream, f"{at}back"]},
            {"name": f"{at}norm_2", "type": "layer_norm", "shape": [width]},
            dense(f"{at}in_2", width, 2 * width, activation="gelu"), dense(f"{at}out_2", 2 * width, width),
            {"name": f"{at}add_2", "type": "add", "inputs": [f"{at}add_1", f"{at}out_2"]},
        ]  # fmt: skip
        stream = f"{at}add_2"
    layers += [
        {"name": "norm", "type": "layer_norm", "shape": [width]},
        {"name": "mean", "type": "global_average_pool"},
    ]
    return {"input_shape": [16, 16, 3], "layers": [*layers, dense("head", width, 10)]}


WIDTH, BATCH = 96, 8
NETWORKS = {
    "transformer": transformer(WIDTH, 2, causal=False),
    "decoder": transformer(WIDTH, 2, causal=True),
    "resnet": resnet(WIDTH, 2),
    "lenet": lenet(8),
    "mixer": mixer(WIDTH, 2),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_theory_is_what_seeds_do_in_every_layer(name: str) -> None:
    measured: list[list[tuple[float, float, float]]] = []
    for seed in range(1, SEEDS + 1):
        request = DiagnoseRequest.model_validate({"seed": seed, "batch": BATCH, **NETWORKS[name]})
        network = Network(request, PLENTY)
        inputs = batches_of(request, request, seed, batch_shapes(request, request))
        stages = network.run(inputs)
        outputs = stages[-1].out.value
        tape.backward(stages[-1].out, standard_normal(outputs.shape, seed, "gradient").astype(outputs.dtype))
        rows = []
        for stage in stages:
            out, back = stage.out.value.astype(np.float64), stage.out.gradient
            assert back is not None
            rows.append(
                (float((out * out).mean()), float((out[1:] * out[:-1]).mean()), float((np.float64(back) ** 2).mean()))
            )
        measured.append(rows)
    expected = forecast(network, {key: batch.shape for key, batch in inputs.items()}, inputs)
    table = np.array(measured)
    means, errors = table.mean(axis=0), table.std(axis=0, ddof=1) / np.sqrt(SEEDS)
    for depth, (place, told, mean, error) in enumerate(
        zip(network.graph.places, expected, means, errors, strict=True), 1
    ):
        assert told is not None, place.name
        assert told.backward is not None, place.name
        second, finite = told.rms**2, FINITE * depth / WIDTH
        assert mean[0] == pytest.approx(second, abs=ERRORS * error[0] + finite * second), place.name
        assert mean[1] == pytest.approx(told.correlation * second, abs=ERRORS * error[1] + finite * second), place.name
        finite = FINITE * (len(expected) + 1 - depth) / WIDTH
        assert mean[2] == pytest.approx(told.backward**2, abs=ERRORS * error[2] + finite * told.backward**2), place.name


QUICK = ["gpt2", "bert", "lenet5", "lstm_lm"]
SLOW = [pytest.param(recipe, marks=pytest.mark.long) for recipe in networks() if recipe not in QUICK]


@pytest.mark.parametrize("recipe", [*QUICK, *SLOW])
def test_a_recipes_network_is_forecast_whole_without_a_number_drawn(
    recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.analysis.network.load", None)
    monkeypatch.setattr("service.analysis.diagnosable.standard_normal", None)
    spec = Spec.model_validate({"seed": 1, "recipe": recipe})
    network = Network(spec, PLENTY)
    found = forecast(network, drawn_shapes(spec, 1), {})
    names = [place.name for place in network.graph.places]
    assert [name for name, one in zip(names, found, strict=True) if one is None or one.backward is None] == []
    assert all(np.isfinite(one.rms) for one in found if one is not None)


def test_windows_over_windows_of_what_is_normal_have_slopes_wherever_they_lie() -> None:
    # A maximum of maxima is wider than the table by which its slope is read: that ended beyond its last row.
    pool = {"type": "max_pool", "window": 3, "strides": 1, "padding": "same"}
    layers = [
        {"type": "depthwise_conv2d", "shape": [3, 3, 4, 1], "padding": "same", "name": "c"},
        pool | {"name": "once"},
        {"type": "add", "inputs": ["once", "once"], "name": "twice"},
        pool | {"name": "again"},
        {"type": "rms_norm", "shape": [4]},
        {"type": "max_pool", "window": 3, "strides": 2},
    ]
    request = DiagnoseRequest.model_validate({"seed": 1, "input_shape": [10, 8, 4], "layers": layers})
    found = Diagnosis(request, 2**33).answer()["layers"]
    assert all(0.0 < layer["forecast"]["backward"] < np.inf for layer in found)
