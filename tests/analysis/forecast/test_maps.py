"""Each map of theory against brute force: layers written once more in NumPy, their weights drawn many times over."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from service.analysis.forecast import Forecast, forecast
from service.analysis.network import Network
from service.specs.spec import Spec
from tests.analysis.forecast.cases import CASES, LORA, PLACES, WIDTH, gaussian
from tests.analysis.forecast.chance import tried

BATCH = 8
# Means over sixty trials within four standard errors: one comparison in five thousand fails by chance. Beyond it theory
# is of infinitely many features, and there are 64: a moment is off by some 1 / 64, and by more where layers follow.
ERRORS, FINITE = 4.0, 0.04
# What is said to be left out (see the maps), as a share of the gradient's second moment.
LEFT_OUT = {"gate of itself": 0.25, "squeeze and excitation": 0.1}


def expected(
    layers: list[dict[str, Any]], places: int = PLACES, batch: int = BATCH, rules: Sequence[dict[str, Any]] = ()
) -> dict[str, Forecast | None]:
    first = {
        "name": "x", "type": "dense", "shape": [WIDTH, WIDTH], "activation": "relu", "bias": None,
        "scheme": gaussian((2.0 / WIDTH) ** 0.5), "inputs": ["input"],
    }  # fmt: skip
    spec = Spec.model_validate(
        {"seed": 1, "input_shape": [places, WIDTH], "layers": [first, *layers], "rules": [*rules]}
    )
    network = Network(spec, 2**40)
    inputs = {"input": np.random.default_rng(0).normal(size=(batch, places, WIDTH))}
    found = forecast(network, {"input": (batch, places, WIDTH)}, inputs)
    return dict(zip((place.name for place in network.graph.places), found, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_map_is_what_chance_does(name: str) -> None:
    layers, draw = CASES[name]
    told = expected(layers, rules=LORA if name == "low-rank update" else [])
    out, x = list(told.values())[-1], told["x"]
    assert out is not None
    assert x is not None
    assert x.backward is not None
    found = tried(draw, BATCH, (PLACES,), WIDTH, seed=5)
    second = out.rms**2
    for (measured, error), theory, scale, left in (
        (found.second, second, second, 0.0),
        (found.cross, out.correlation * second, second, 0.0),
        (found.back, x.backward**2, x.backward**2, LEFT_OUT.get(name, 0.0)),
    ):
        assert measured == pytest.approx(theory, abs=ERRORS * error + (FINITE + left) * scale)


MANY, FEW_TRIALS = 300, 6  # more places than theory follows one by one
OF_MANY = [
    "convolution, same", "convolution, strides and numbers", "layer norm", "instance norm", "batch norm",
    "mean of windows", "largest of windows", "largest of windows that overlap", "mean over all places",
    "attention, small logits", "causal attention, small logits", "gated linear unit", "nearest places",
]  # fmt: skip


@pytest.mark.parametrize("name", OF_MANY)
def test_two_places_stand_for_many(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.analysis.forecast.cases.PLACES", MANY)
    layers, draw = CASES[name]
    told = expected(layers, places=MANY, batch=2)
    out, x = list(told.values())[-1], told["x"]
    assert out is not None
    assert x is not None
    assert x.backward is not None
    found = tried(draw, 2, (MANY,), WIDTH, seed=5, trials=FEW_TRIALS)
    second = out.rms**2
    for (measured, error), theory, scale in (
        (found.second, second, second),
        (found.cross, out.correlation * second, second),
        (found.back, x.backward**2, x.backward**2),
    ):
        # Six trials: Student's t of 5 degrees is beyond 8 once in two thousand times.
        assert measured == pytest.approx(theory, abs=8.0 * error + FINITE * scale)
