"""keras-…/1 against values that the real Keras made on each backend; what each layer takes of the sequence of seeds."""

import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from service.errors import InitserveError, InvalidSpec, NotExact, UnsupportedCombination
from service.specs.spec import Spec

ALL = json.loads((Path(__file__).parents[1] / "golden" / "frameworks.json").read_text())["cases"]
CASES = [case for case in ALL if case["framework"].startswith("keras[")]
SCHEMES: dict[str, Any] = {
    "RandomNormal": "random_normal",
    "RandomUniform": "random_uniform",
    "TruncatedNormal": "truncated_normal",
    "GlorotNormal": "glorot_normal",
    "GlorotUniform": "glorot_uniform",
    "HeNormal": "he_normal",
    "VarianceScaling": {
        "name": "variance_scaling", "scale": 1.3, "mode": "fan_out", "distribution": "untruncated_normal"
    },
    "Orthogonal": "keras:orthogonal",
}  # fmt: skip
MODEL: list[dict[str, Any]] = [
    {"type": "conv2d", "shape": [3, 3, 3, 6]},
    {"type": "batch_norm", "shape": [6]},
    {"type": "depthwise_conv2d", "shape": [3, 3, 6, 1]},
    {"type": "conv2d_transpose", "shape": [3, 3, 6, 5]},
    {"type": "dropout"},
    {"type": "dense", "shape": [180, 33]},
    {"type": "dense", "shape": [33, 10], "scheme": "he_normal"},
    {"type": "embedding", "shape": [11, 3]},
]
BACKENDS = ["numpy", "torch", "jax", "tensorflow"]


def planned(layers: list[dict[str, Any]], backend: str = "tensorflow", **more: Any) -> Any:
    return Spec.model_validate({"algorithm": f"keras-{backend}/1", "seed": 3, "layers": layers, **more}).plan()


def data(parameter: Any) -> bytes:
    return b"".join(block.tobytes() for block in parameter.blocks())


def backend_of(case: dict[str, Any]) -> str:
    return str(case["framework"]).removeprefix("keras[").removesuffix("]")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']} {case['framework']} {case['primitive']}")
def test_golden(case: dict[str, Any]) -> None:
    backend = backend_of(case)
    if case["primitive"] == "whole model":
        plan = planned(MODEL, backend, seed=case["seed"])
        parameters = plan.parameters
        assert [list(each.shape) for each in parameters] == [shape for _, shape in case["tensors"]]
        assert hashlib.sha256(b"".join(map(data, parameters))).hexdigest() == case["sha256"]
        return
    layer = {"type": "tensor", "shape": case["shape"], "seed": case["seed"], "scheme": SCHEMES[case["primitive"]]}
    if case["primitive"] == "Orthogonal":
        with pytest.raises(NotExact, match="LAPACK"):
            planned([layer], backend)
        plan = planned([layer], backend, exact=False)
        assert [(each.code, each.pointer) for each in plan.warnings] == [("not-exact", "/layers/0/scheme")]
        found = np.frombuffer(data(plan.parameters[0]), np.float32)[:4]
        np.testing.assert_allclose(found, [float.fromhex(x) for x in case["first4"]], rtol=0, atol=2e-6)
    else:
        (parameter,) = planned([layer], backend).parameters
        assert hashlib.sha256(data(parameter)).hexdigest() == case["sha256"]


NORMAL = {"name": "random_normal", "stddev": 1.0}
ALL_NORMAL = {"scheme": NORMAL, "recurrent_scheme": NORMAL, "bias": NORMAL}
# The place in the sequence of the seed of each array, in the layer's order; the last row's is of the layer behind.
TAKEN: list[tuple[dict[str, Any], list[int]]] = [
    ({"type": "dense", "shape": [2, 3], "scheme": NORMAL}, [0, 1]),
    ({"type": "dense", "shape": [2, 3], "scheme": NORMAL, "bias": NORMAL}, [0, 1, 2]),
    ({"type": "dense", "shape": [2, 3], "scheme": "ones"}, [0]),
    ({"type": "batch_norm", "shape": [4], "scheme": NORMAL, "bias": NORMAL}, [1, 0, 2]),
    ({"type": "simple_rnn", "shape": [2, 3], **ALL_NORMAL}, [1, 2, 3, 4]),
    ({"type": "lstm", "shape": [2, 3], **ALL_NORMAL}, [0, 1, 2, 4]),
    ({"type": "gru", "shape": [2, 3], "bidirectional": True, **ALL_NORMAL}, [4, 5, 6, 8, 9, 10, 12]),
    ({"type": "lstm", "shape": [2, 3], "num_layers": 2, **ALL_NORMAL, "bias": "zeros"}, [0, 1, 3, 4, 6]),
    (
        {"type": "multi_head_attention", "shape": [4, 2, 3], "scheme": NORMAL, "output_scheme": NORMAL},
        [1, 2, 3, 4, 5],
    ),
    ({"type": "lstm", "shape": [2, 3], "seed": 9, **ALL_NORMAL}, [-9, -9, -9, 0]),
    ({"type": "simple_rnn", "shape": [2, 3], "bidirectional": True, "seed": 9, **ALL_NORMAL}, [-9] * 6 + [2]),
]


@pytest.mark.parametrize(("layer", "places"), TAKEN, ids=lambda value: str(value)[:60])
def test_seeds_in_the_order_of_construction(layer: dict[str, Any], places: list[int]) -> None:
    behind = {"type": "tensor", "shape": [3], "scheme": NORMAL, "name": "behind"}
    sequence = Random(3)
    seeds = [sequence.randint(1, 10**9) for _ in range(20)]
    drawn = [each for each in planned([layer, behind]).parameters if each.source.distribution.deviation]
    assert len(drawn) == len(places)
    for parameter, place in zip(drawn, places, strict=True):
        seed = 9 if place < 0 else seeds[place]
        alone = {"type": "tensor", "shape": list(parameter.shape), "scheme": NORMAL, "seed": seed}
        assert data(parameter) == data(planned([alone]).parameters[0]), parameter.key


@pytest.mark.parametrize(
    ("layer", "pointer", "says"),
    [
        ({"type": "bilinear", "shape": [2, 3, 4]}, "/layers/0/type", "no layer like bilinear"),
        ({"type": "transformers_conv1d", "shape": [2, 3]}, "/layers/0/type", "dense"),
        ({"type": "embedding", "shape": [5, 2], "padding_index": 1}, "/layers/0/padding_index", "no row"),
        ({"type": "dense", "shape": [2, 3], "scheme": "sparse"}, "/layers/0/scheme", "no initialiser like sparse"),
        ({"type": "rms_norm", "shape": [2], "scheme": "zeros"}, "/layers/0/scheme", "starts at 1"),
        ({"type": "tensor", "shape": [4, 3], "fan_in": 2}, "/layers/0/fan_in", "fan_in is 4"),
        ({"type": "lstm", "shape": [2, 3], "projection": 2}, "/layers/0/projection", "projection"),
        (
            {"type": "multi_head_attention", "shape": [4, 2, 2], "scheme": "he_normal"},
            "/layers/0/output_scheme",
            "one for all four",
        ),
        (
            {"type": "multi_head_attention", "shape": [4, 2, 2], "bias_kv": True},
            "/layers/0/bias_kv",
            "no bias_kv",
        ),
        (
            {"type": "tensor", "shape": [4, 3], "scheme": {"name": "truncated_normal", "upper": 3.0}},
            "/layers/0/scheme",
            "keras:truncated_normal",
        ),
        (
            {"type": "tensor", "shape": [4, 3], "scheme": {"name": "he_normal", "mode": "fan_geo_avg"}},
            "/layers/0/scheme",
            "glorot_uniform",
        ),
        (
            {"type": "lstm", "shape": [2, 3], "recurrent_scheme": "orthogonal"},
            "/layers/0/recurrent_scheme",
            "keras:orthogonal",
        ),
        (
            {"type": "einsum_dense", "equation": "ab,bc->ca", "shape": [2, 3]},
            "/layers/0/equation",
            "batch first",
        ),
        ({"type": "tensor", "shape": [4], "seed": str(2**63)}, "/layers/0/seed", "at most 9223372036854775807"),
    ],
)
def test_what_keras_does_not_have_is_refused(layer: dict[str, Any], pointer: str, says: str) -> None:
    with pytest.raises(InitserveError, match=says) as refused:
        planned([layer], exact=False)
    assert refused.value.pointer == pointer
    assert isinstance(refused.value, UnsupportedCombination | InvalidSpec)


def test_seeds_that_set_random_seed_refuses() -> None:
    layer = {"type": "dense", "shape": [2, 3]}
    assert planned([layer], seed=2**32 - 1).seed == 2**32 - 1
    with pytest.raises(UnsupportedCombination, match="4294967296") as refused:
        planned([layer], seed=2**32 + 5)
    assert (refused.value.pointer, refused.value.remedy) == ("/seed", {"seed": 5})
    assert all(planned([layer], seed=None).seed < 2**32 for _ in range(20))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_lora_of_another_dtype_is_not_exact(backend: str) -> None:
    layer = {"type": "dense", "shape": [4, 3], "lora_rank": 2}
    in_float32 = {each.name: data(each) for each in planned([layer], backend).parameters}
    with pytest.raises(NotExact, match="LoRA"):
        planned([layer], backend, dtype="float16")
    plan = planned([layer], backend, dtype="float16", exact=False)
    found = next(each for each in plan.parameters if each.name == "lora_kernel_a")
    wanted = np.frombuffer(in_float32["lora_kernel_a"], np.float32).astype(np.float16)
    assert data(found) == wanted.tobytes()


def test_other_layouts_hold_the_same_values() -> None:
    layer = {"type": "conv2d", "shape": [3, 2, 4, 5], "scheme": "he_normal"}
    for backend in BACKENDS:
        own = np.frombuffer(data(planned([layer], backend).parameters[0]), np.float32).reshape(3, 2, 4, 5)
        turned = planned([layer], backend, layout="pytorch").parameters[0]
        assert np.array_equal(
            np.frombuffer(data(turned), np.float32).reshape(turned.shape), own.transpose(3, 2, 0, 1)
        ), backend


def test_a_negative_identity_has_negative_zeros() -> None:
    for backend in BACKENDS:
        (parameter,) = planned(
            [{"type": "tensor", "shape": [2, 2], "scheme": {"name": "identity", "gain": -0.5}}], backend
        ).parameters
        assert data(parameter) == np.array([-0.5, -0.0, -0.0, -0.5], np.float32).tobytes()
