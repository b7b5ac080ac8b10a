"""Data-dependent starts: gains found by a pass through the stack, written down as an ordinary spec.

`lsuv` has orthogonal weights scaled so that each layer's outputs have variance 1 for these inputs (Mishkin and Matas
2016); `gains` keeps the distribution that the activation recommends and scales it likewise. What comes out needs no
data any more: /init gives these weights for ever.
"""

from copy import deepcopy
from math import isfinite
from typing import Any, Literal, TypeAlias

import numpy as np

from service.analysis import tape
from service.analysis.network import Batches, Network, Stage, activated
from service.analysis.sizes import FIELDS
from service.errors import UnsupportedCombination
from service.networks.description import LARGEST
from service.networks.layers.convolution import SeparableConvolution
from service.networks.layers.dense import Dense
from service.networks.layers.layer import PlacedSpec
from service.specs.spec import Spec

Tuning: TypeAlias = Literal["lsuv", "gains"]
DIGITS = 9  # of a gain: as many as float32 has


def has_one_kernel(layer: PlacedSpec) -> bool:
    return isinstance(layer, (Dense, *FIELDS)) and not isinstance(layer, SeparableConvolution)


def with_gain(layer: dict[str, Any], kind: Tuning, gain: float) -> dict[str, Any]:
    """Return a layer of a spec whose kernel has this gain, and whose bias, where it has one, is 0."""
    kept = {key: value for key, value in layer.items() if key not in ("scheme", "gain")}
    if "bias" not in layer or layer["bias"] is not None:
        kept["bias"] = "zeros"
    return kept | ({"scheme": {"name": "orthogonal", "gain": gain}} if kind == "lsuv" else {"gain": gain})


def tune(document: dict[str, Any], kind: Tuning, inputs: Batches, most_operations: int) -> dict[str, Any]:
    """Return the spec with a gain for every dense and convolution layer; rules, which would win over it, are gone."""
    if "layers" not in document:
        detail = "gains are written to layers, and this request states none: name its layers instead"
        raise UnsupportedCombination(detail, "/tune", {"tune": None})
    tuned = deepcopy(document)
    tuned.pop("rules", None)
    layers = tuned["layers"]
    tunable = [has_one_kernel(layer) for layer in Spec.model_validate(document).layers]
    tuned["layers"] = layers = [
        with_gain(layer, kind, 1.0) if may else layer for layer, may in zip(layers, tunable, strict=True)
    ]
    network = Network(Spec.model_validate(tuned), most_operations)
    with np.errstate(all="ignore"):  # what overflows has no deviation, and keeps its gain
        stages: list[Stage] = []
        for stage in network.stages(inputs, stages):
            index = stage.place.index
            deviation = float(stage.fed.value.std())
            if tunable[index] and deviation > 0.0 and isfinite(deviation):
                gain = float(f"{1.0 / deviation:.{DIGITS}g}")
                if gain > LARGEST:
                    detail = f"{stage.place.name} would need a gain of {gain:g}; none above {LARGEST:g} can be given"
                    raise UnsupportedCombination(detail, f"/layers/{index}", {"tune": None})
                layers[index] = with_gain(layers[index], kind, gain)
                stage.fed = tape.scaled(stage.fed, gain)
                stage.out = activated(stage.place, stage.fed)
                stage.parts = (stage.out,)
    return tuned
