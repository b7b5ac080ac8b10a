"""numpy-pcg64/1 against NumPy at random: schemes, shapes, dtypes, seeds, whole models; by bytes."""

import math
import os
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.specs.spec import Spec

CASES = int(os.environ.get("REPLAY_CASES", "150"))

seeds = st.integers(0, 2**64 - 1) | st.integers(0, 3)
numbers = st.floats(-3, 3) | st.sampled_from([0.0, 0.5, 1.0, 1e-3])
deviations = st.floats(1e-4, 3) | st.sampled_from([0.0, 0.02, 0.05, 1.0])
normals = st.fixed_dictionaries({"name": st.just("random_normal"), "mean": numbers, "stddev": deviations})
uniforms = st.tuples(numbers, st.floats(1e-3, 3)).map(
    lambda ends: {"name": "random_uniform", "minval": ends[0], "maxval": ends[0] + ends[1]}
)
scaled = st.fixed_dictionaries({
    "name": st.just("variance_scaling"),
    "scale": st.floats(0.1, 8),
    "mode": st.sampled_from(["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]),
    "distribution": st.sampled_from(["untruncated_normal", "uniform"]),
})  # fmt: skip
siren = st.just({"name": "siren", "omega": 30.0})
schemes = st.one_of(normals, uniforms, scaled, siren, st.sampled_from(["zeros", "ones"]))
shapes = st.lists(st.integers(1, 12), max_size=4) | st.integers(1, 3000).map(lambda size: [size])
own_seed: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.integers(0, 2**53 - 1).map(lambda seed: {"seed": seed})


def tensors() -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(shapes, schemes, own_seed).map(
        lambda parts: {"type": "tensor", "shape": parts[0], "scheme": parts[1], **parts[2]}
    )


def denses() -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(st.integers(1, 90), st.integers(1, 90), schemes, schemes, own_seed).map(
        lambda parts: {"type": "dense", "shape": list(parts[:2]), "scheme": parts[2], "bias": parts[3], **parts[4]}
    )


layers = st.deferred(tensors) | st.deferred(denses)


def arrays_of(layer: dict[str, Any]) -> list[tuple[list[int], Any, tuple[int, int]]]:
    """Return shape, scheme and fans of each array of a layer."""
    shape = layer["shape"]
    if layer["type"] == "dense":
        fans = (shape[0], shape[1])
        return [(shape, layer["scheme"], fans), (shape[1:], layer["bias"], fans)]
    field = math.prod(shape[:-2])
    fans = (shape[-2] * field, shape[-1] * field) if len(shape) > 1 else tuple((shape or [1]) * 2)
    return [(shape, layer["scheme"], fans)]


def draw(rng: np.random.Generator, shape: list[int], scheme: Any, fans: tuple[int, int]) -> Any:
    name = scheme if isinstance(scheme, str) else scheme["name"]
    if name in ("zeros", "ones"):
        return np.full(shape, float(name == "ones"))
    if name == "random_normal":
        return rng.normal(scheme["mean"], scheme["stddev"], shape)
    if name == "random_uniform":
        return rng.uniform(scheme["minval"], scheme["maxval"], shape)
    if name == "siren":
        limit = math.sqrt(6.0 / fans[0]) / scheme["omega"]
        return rng.uniform(-limit, limit, shape)
    modes = {"fan_in": float(fans[0]), "fan_out": float(fans[1]), "fan_avg": sum(fans) / 2.0}
    variance = scheme["scale"] / max(1.0, {**modes, "fan_geo_avg": math.sqrt(fans[0] * fans[1])}[scheme["mode"]])
    if scheme["distribution"] == "uniform":
        limit = math.sqrt(3.0 * variance)
        return rng.uniform(-limit, limit, shape)
    return rng.normal(0.0, math.sqrt(variance), shape)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seeds, st.sampled_from(["float32", "float64", "float16"]), st.lists(layers, min_size=1, max_size=6))
def test_at_random(seed: int, dtype: str, layers: list[dict[str, Any]]) -> None:
    spec = {"algorithm": "numpy-pcg64/1", "seed": str(seed), "dtype": dtype, "layers": layers}
    found = [np.concatenate(list(each.blocks())).tobytes() for each in Spec.model_validate(spec).plan().parameters]
    shared = np.random.default_rng(seed)
    wanted = []
    for layer in layers:
        rng = np.random.default_rng(layer["seed"]) if "seed" in layer else shared
        wanted += [np.asarray(draw(rng, *array)).astype(dtype).tobytes() for array in arrays_of(layer)]
    assert found == wanted
