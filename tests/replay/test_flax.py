"""flax-linen/1 and flax-nnx/1 against values that the real Flax made, and what they refuse."""

from typing import Any

import numpy as np
import pytest

from service.errors import InitserveError
from service.replay.flax.algorithm import key_at
from service.replay.jax.random import JaxDraws, Normal, fold_in, key_of
from service.specs.spec import Spec
from service.stream.addresses import Runs
from tests.replay.jax_golden import arrays_of, cases_of, digest, folded_normal, name_of

# The golden linen model: Embed; a block of Conv, BatchNorm and a named Conv in groups; Dense, LayerNorm, Dense.
LINEN: list[dict[str, Any]] = [
    {"type": "embedding", "shape": [11, 5]},
    {"type": "conv2d", "shape": [3, 3, 3, 6], "name": "Blk_0.Conv_0"},
    {"type": "batch_norm", "shape": [6], "name": "Blk_0.BatchNorm_0"},
    {"type": "conv2d", "shape": [3, 2, 6, 4], "groups": 2, "name": "Blk_0.cc"},
    {"type": "dense", "shape": [261, 33]},
    {"type": "layer_norm", "shape": [33]},
    {"type": "dense", "shape": [33, 7], "bias": None},
]
# The golden nnx model; its Dropout has a stream of its own, and its weights alone were kept.
NNX: list[dict[str, Any]] = [
    {"type": "conv2d", "shape": [3, 3, 3, 6], "name": "c1"},
    {"type": "batch_norm", "shape": [6]},
    {"type": "dense", "shape": [20, 33], "name": "l1"},
    {"type": "dense", "shape": [33, 7], "bias": None, "name": "l2"},
    {"type": "embedding", "shape": [11, 5], "name": "e"},
    {"type": "layer_norm", "shape": [7]},
    {"type": "dense", "shape": [7, 2], "name": "l3"},
]


@pytest.mark.parametrize("case", cases_of("flax.linen"), ids=name_of)
def test_golden_linen(case: dict[str, Any]) -> None:
    made = arrays_of(algorithm="flax-linen/1", seed=case["seed"], layers=LINEN)
    made = {name.replace("Blk_0.", "Blk_0/"): data for name, data in made.items()}
    if "jit" in case["call"]:
        key = key_at(key_of(case["seed"]), ["Embed_0"], 1)
        deviation = np.sqrt(np.float32(1.0 / (11 * (5 / 11))))
        made["Embed_0/embedding"] = folded_normal(key, 55, deviation).tobytes()
    names = [name for name, _ in case["tensors"]]
    assert digest(*[made[name] for name in names]) == case["sha256"]
    assert sorted(made) == sorted([*names, "Blk_0/BatchNorm_0/mean", "Blk_0/BatchNorm_0/var"])


@pytest.mark.parametrize("case", cases_of("flax.nnx"), ids=name_of)
def test_golden_nnx(case: dict[str, Any]) -> None:
    made = arrays_of(algorithm="flax-nnx/1", seed=case["seed"], layers=NNX)
    assert digest(*[made[name.replace(".", "/")] for name, _ in case["tensors"]]) == case["sha256"]


def test_a_layer_more_leaves_linens_others_alone() -> None:
    dense = {"type": "dense", "shape": [5, 4], "name": "d"}
    alone = arrays_of(algorithm="flax-linen/1", seed=3, layers=[dense])
    both = arrays_of(algorithm="flax-linen/1", seed=3, layers=[{"type": "conv1d", "shape": [3, 2, 4]}, dense])
    assert both["d/kernel"] == alone["d/kernel"]


def test_names_by_class_and_order() -> None:
    layers = [{"type": kind, "shape": [4, 4]} for kind in ("dense", "lstm", "dense")]
    layers += [{"type": "dense", "shape": [4, 4], "name": "head"}, {"type": "conv1d", "shape": [1, 2, 2]}]
    plan = Spec.model_validate({"algorithm": "flax-linen/1", "seed": 1, "exact": False, "layers": layers}).plan()
    assert [layer.name for layer in plan.layers] == ["Dense_0", "LSTMCell_0", "Dense_1", "head", "Conv_0"]


@pytest.mark.parametrize("algorithm", ["flax-linen/1", "flax-nnx/1"])
def test_a_layers_own_seed_is_that_of_its_own_keys(algorithm: str) -> None:
    dense = {"type": "dense", "shape": [5, 4], "name": "d"}
    first = {"type": "dense", "shape": [5, 4], "name": "first"}
    alone = arrays_of(algorithm=algorithm, seed=3, layers=[dense])["d/kernel"]
    spec = {"algorithm": algorithm, "seed": 9}
    assert arrays_of(**spec, layers=[first, {**dense, "seed": 3}])["d/kernel"] == alone
    after = arrays_of(**spec, layers=[{**first, "seed": 3}, dense])["d/kernel"]
    assert after == arrays_of(**spec, layers=[dense])["d/kernel"]


def test_nnx_gives_each_array_a_key_in_order() -> None:
    """The keys that a layer takes: bias and scale of a norm one each, statistics none, dropout one for its masks."""
    normal = {"name": "random_normal", "stddev": 1.0}
    layers: list[dict[str, Any]] = [
        {"type": "tensor", "shape": [3], "scheme": "zeros"},
        {"type": "batch_norm", "shape": [4]},
        {"type": "dense", "shape": [5, 4], "scheme": normal, "bias": normal, "name": "d"},
        {"type": "dense", "shape": [4, 6], "scheme": normal, "bias": None, "name": "n"},
        {"type": "dropout"},
        {"type": "embedding", "shape": [7, 3], "scheme": normal, "name": "e"},
        {"type": "tensor", "shape": [5], "scheme": normal, "name": "w"},
    ]
    made = arrays_of(algorithm="flax-nnx/1", seed=1, layers=layers)
    numbers = {"d/kernel": 3, "d/bias": 4, "n/kernel": 5, "e/embedding": 7, "w/value": 8}
    for name, number in numbers.items():
        expected = np.empty(len(made[name]) // 4, np.float32)
        drawn = JaxDraws(fold_in(key_of(1), number), Normal.free("float32"), "float32", expected.size)
        drawn.open()(Runs.one(0, expected.size), expected)
        assert made[name] == expected.tobytes(), name


@pytest.mark.parametrize(
    ("algorithm", "layer", "pointer"),
    [
        ("flax-linen/1", {"type": "bilinear", "shape": [2, 3, 4]}, "type"),
        ("flax-linen/1", {"type": "moe_dense", "shape": [2, 3, 4]}, "type"),
        ("flax-linen/1", {"type": "grouped_query_attention", "shape": [8, 4, 2], "kv_heads": 2}, "type"),
        ("flax-linen/1", {"type": "dense", "shape": [8, 4], "lora_rank": 2}, "lora_rank"),
        ("flax-linen/1", {"type": "prelu", "shape": [8]}, "shape"),
        ("flax-linen/1", {"type": "prelu", "shape": [1], "scheme": "random_normal"}, "scheme"),
        ("flax-linen/1", {"type": "gru", "shape": [8, 4], "bias": None}, "bias"),
        ("flax-linen/1", {"type": "dense", "shape": [8, 4], "seed": str(2**63)}, "seed"),
        ("flax-linen/1", {"type": "dense", "shape": [8, 4], "scheme": "siren"}, "scheme"),
        ("flax-linen/1", {"type": "dense", "shape": [8, 4], "bias": "lecun_normal"}, "bias"),
        (
            "flax-linen/1",
            {"type": "einsum_dense", "shape": [4, 2, 3], "equation": "abc,cde->abde", "bias_axes": "e"},
            "bias_axes",
        ),
        ("flax-nnx/1", {"type": "conv1d_transpose", "shape": [3, 4, 4], "groups": 2}, "groups"),
        ("flax-nnx/1", {"type": "lstm", "shape": [8, 4]}, "recurrent_scheme"),
    ],
)
def test_what_flax_does_not_have(algorithm: str, layer: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InitserveError) as caught:
        Spec.model_validate({"algorithm": algorithm, "seed": 1, "layers": [layer]}).plan()
    assert caught.value.pointer == f"/layers/0/{pointer}"


def test_nnx_gru_is_columns_of_its_own_matrices() -> None:
    layer = {"type": "gru", "shape": [6, 300], "recurrent_scheme": "lecun_normal", "name": "g"}
    plan = Spec.model_validate({"algorithm": "flax-nnx/1", "seed": 1, "layers": [layer]}).plan()
    arrays = {each.name: each for each in plan.parameters}
    kernel = {"type": "tensor", "shape": [6, 900], "scheme": "lecun_normal"}
    (whole,) = Spec.model_validate({"algorithm": "flax-nnx/1", "seed": 1, "layers": [kernel]}).plan().parameters
    matrix = np.concatenate(list(whole.blocks())).reshape(6, 900)
    for place, gate in enumerate("rzn"):
        found = arrays[f"i{gate}/kernel"]
        expected = matrix[:, 300 * place : 300 * (place + 1)].ravel()
        np.testing.assert_array_equal(np.concatenate(list(found.blocks())), expected)
        np.testing.assert_array_equal(found.open().draw(295, 611), expected[295:906])
