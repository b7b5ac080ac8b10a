"""Negative seeds: what they mean in torch, JAX, Flax and Keras's initialisers, and where there are none."""

import json
from typing import Any

import numpy as np
import pytest

from service.errors import InitserveError
from service.replay import ALGORITHMS
from service.specs.spec import Spec

UNIFORM = {"type": "tensor", "shape": [4, 2], "scheme": {"name": "random_uniform", "minval": 0.0, "maxval": 1.0}}
DENSE = {"type": "dense", "shape": [4, 2], "bias": None, "name": "Dense_0"}
NORMAL = {"type": "tensor", "shape": [4, 2], "scheme": "keras:random_normal"}
# The first three values that the real frameworks made of these seeds.
MADE: list[tuple[str, int, dict[str, Any], str]] = [
    ("torch-cpu/1", -1, UNIFORM, "0x1.fcd346p-1 0x1.248244p-1 0x1.23d818p-1"),
    ("torch-cpu/1", -(2**63), UNIFORM, "0x1.fc2abp-2 0x1.89545ep-1 0x1.6a675p-4"),
    ("jax-threefry/1", -1, UNIFORM, "0x1.09718p-1 0x1.180084p-1 0x1.dd6938p-2"),
    ("flax-nnx/1", -1, DENSE, "0x1.6a6588p-1 -0x1.27bbd2p-1 0x1.1a666ep-4"),
    ("flax-linen/1", -1, DENSE, "0x1.48c308p-2 0x1.20c212p-2 0x1.50605p-2"),
    ("flax-linen/1", -(2**63), DENSE, "-0x1.a6dc56p-1 0x1.825492p-2 -0x1.60b43cp-1"),
]
# With these as an initialiser's own seed.
OF_A_LAYER: list[tuple[str, int, dict[str, Any], str]] = [
    ("keras-torch/1", -1, NORMAL, "0x1.f39d6cp-5 -0x1.41edc6p-6 0x1.a30d34p-5"),
    ("keras-torch/1", -(2**31), NORMAL, "-0x1.285c7ep-6 0x1.b6409ap-5 0x1.2bb3f6p-8"),
    ("keras-tensorflow/1", -1, NORMAL, "-0x1.2f95f2p-5 -0x1.3a7f72p-4 0x1.1445fep-5"),
    ("keras-tensorflow/1", -(2**31), NORMAL, "-0x1.c15c6p-5 0x1.863376p-5 0x1.81cb3cp-5"),
    *MADE,
]


def first(spec: dict[str, Any]) -> str:
    (parameter,) = Spec.model_validate(spec).plan().parameters
    return " ".join(float(value).hex() for value in next(parameter.blocks()).view(np.float32)[:3])


def same(found: str, made: str) -> bool:
    return [float.fromhex(word) for word in found.split()] == [float.fromhex(word) for word in made.split()]


@pytest.mark.parametrize(("algorithm", "seed", "layer", "made"), MADE)
def test_a_negative_seed_is_the_frameworks(algorithm: str, seed: int, layer: dict[str, Any], made: str) -> None:
    spec = {"algorithm": algorithm, "layers": [layer]}
    assert same(first({**spec, "seed": str(seed)}), made)
    plan = Spec.model_validate({**spec, "seed": str(seed)}).plan()
    assert plan.seed == seed
    assert same(first(json.loads(plan.canonical_json())), made)


@pytest.mark.parametrize(("algorithm", "seed", "layer", "made"), OF_A_LAYER)
def test_so_is_that_of_a_layer(algorithm: str, seed: int, layer: dict[str, Any], made: str) -> None:
    assert same(first({"algorithm": algorithm, "seed": 5, "layers": [{**layer, "seed": str(seed)}]}), made)


@pytest.mark.parametrize("algorithm", ["initserve/1", "numpy-pcg64/1", "keras-numpy/1", "keras-jax/1"])
@pytest.mark.parametrize("place", ["/seed", "/layers/0/seed"])
def test_other_streams_have_none_and_say_what_works(algorithm: str, place: str) -> None:
    spec = {"algorithm": algorithm, "seed": 1, "layers": [UNIFORM]}
    wrong = {**spec, "seed": -7} if place == "/seed" else {**spec, "layers": [{**UNIFORM, "seed": -7}]}
    with pytest.raises(InitserveError, match="0 or more, not -7; torch's and JAX's") as refused:
        Spec.model_validate(wrong).plan()
    assert (refused.value.pointer, refused.value.remedy) == (place, {"seed": "7"})


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name.startswith("keras-")])
def test_set_random_seed_takes_none_on_any_backend(algorithm: str) -> None:
    with pytest.raises(InitserveError) as refused:
        Spec.model_validate({"algorithm": algorithm, "seed": -1, "layers": [NORMAL]}).plan()
    assert refused.value.pointer == "/seed"


def test_a_seed_generator_of_torch_holds_32_bits() -> None:
    layer = {"type": "lstm", "shape": [2, 3], "recurrent_scheme": "zeros", "seed": -(2**31) - 1}
    with pytest.raises(InitserveError, match="from -2147483648 to 2147483647"):
        Spec.model_validate({"algorithm": "keras-torch/1", "seed": 1, "layers": [layer]}).plan()
    Spec.model_validate({"algorithm": "keras-tensorflow/1", "seed": 1, "layers": [layer]}).plan()


@pytest.mark.parametrize("seed", [-(2**53), "-9223372036854775809", "-0", "--1", "-01", "−1"])
def test_what_is_no_seed_at_all(seed: object) -> None:
    with pytest.raises(ValueError, match="seed is"):
        Spec.model_validate({"algorithm": "torch-cpu/1", "seed": seed, "layers": [UNIFORM]})
