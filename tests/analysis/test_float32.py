"""What is told of a network in float32, as large ones run, is what is told of it in float64."""

from typing import Any

import pytest

from service.analysis import sizes
from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis


def dense(activation: str, depth: int = 6, width: int = 48, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "dense", "shape": [width, width], "activation": activation, **more}] * depth


ENDS = [{"type": "dense", "shape": [48, 48], "activation": "relu"}, {"type": "dense", "shape": [48, 10]}]
NETWORKS: dict[str, dict[str, Any]] = {
    "a stack": {"layers": dense("relu")},
    "a deep stack": {"layers": dense("tanh", 30)},
    "sigmoids": {"layers": dense("sigmoid", 8)},
    "tiny weights": {"layers": dense("tanh", scheme={"name": "random_normal", "mean": 0.0, "stddev": 1e-3})},
    "large weights": {"layers": dense("relu", scheme={"name": "random_normal", "mean": 0.0, "stddev": 1.0})},
    "zeros": {"layers": dense("tanh", scheme="zeros")},
    "ones": {"layers": dense("tanh", scheme="ones")},
    "one constant in the middle": {
        "layers": [ENDS[0], {**ENDS[0], "scheme": {"name": "constant", "value": 0.02}}, ENDS[1]]
    },
    "a last layer of zeros": {"layers": [ENDS[0], ENDS[0], {**ENDS[1], "scheme": "zeros"}]},
    "wide": {
        "layers": [{"type": "dense", "shape": [32, 3000], "activation": "relu"}, {"type": "dense", "shape": [3000, 10]}]
    },
    "norms": {"layers": [one for _ in range(4) for one in (ENDS[0], {"type": "batch_norm", "shape": [48]})]},
    "images": {
        "layers": [
            {"type": "conv2d", "shape": [3, 3, 4, 8], "activation": "relu"},
            {"type": "conv2d", "shape": [3, 3, 8, 8]},
        ]
    },
    "words": {
        "layers": [
            {"type": "embedding", "shape": [50, 16]},
            {"type": "lstm", "shape": [16, 16]},
            {"type": "dense", "shape": [16, 50]},
        ]
    },
    "attention": {
        "layers": [
            {"type": "multi_head_attention", "shape": [32, 4, 8], "causal": True},
            {"type": "layer_norm", "shape": [32]},
        ]
    },
}


def told(document: dict[str, Any]) -> dict[str, Any]:
    return Diagnosis(DiagnoseRequest.model_validate({"seed": 5, "batch": 16, **document}), 2**40).answer()


@pytest.mark.parametrize("name", NETWORKS)
def test_float32_tells_what_float64_tells(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = told(NETWORKS[name])
    monkeypatch.setattr(sizes, "MANY", 0)
    found = told(NETWORKS[name])
    assert (found["verdict"], found["code"]) == (exact["verdict"], exact["code"])
    for one, other in zip(found["layers"], exact["layers"], strict=True):
        assert (one["verdict"], one["also"], one["code"]) == (other["verdict"], other["also"], other["code"])
        for part in ("forward", "backward"):
            for member in ("rms", "std"):
                assert one[part][member] == pytest.approx(other[part][member], rel=2e-3, abs=1e-7)
        assert one["forward"]["distinct"] == other["forward"]["distinct"]
        assert one["forward"]["dead"] == other["forward"]["dead"]
