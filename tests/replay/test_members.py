"""Where a refusal under a framework's stream points: at the member without which the layer is answered."""

from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

from service.api.entries import layer_example
from service.errors import InitserveError
from service.networks.layers import LAYERS
from service.specs.spec import Spec

STREAMS = ("torch-cpu/1", "jax-threefry/1", "flax-linen/1", "flax-nnx/1", "keras-numpy/1", "numpy-pcg64/1")
SCHEMES = ("random_normal", "orthogonal", "sparse")
# Values of members other than their defaults; those that the layer itself does not take are left out.
VALUES: dict[str, tuple[Any, ...]] = {
    "lora_rank": (2,),
    "groups": (2, 4),
    "strides": (2,),
    "depth_multiplier": (2,),
    "padding_index": (1,),
    "num_layers": (2,),
    "bidirectional": (True,),
    "projection": (2,),
    "fused": (True, False),
    "key_width": (5,),
    "value_width": (5,),
    "bias_kv": (True,),
    "bias_axes": ("d", "e", "de"),
    "fan_in": (7,),
    "fan_out": (7,),
    "bare": (True,),
    "kv_heads": (1,),
    "gain": (2.0,),
    "seed": (3, str(2**64 - 1)),
    "bias": (None, *SCHEMES),
    "scheme": SCHEMES,
    "recurrent_scheme": SCHEMES,
    "pointwise_scheme": SCHEMES,
    "output_scheme": SCHEMES,
}
FIELDS = {"conv1d": [3], "conv2d": [3, 3], "conv3d": [3, 3, 3]}


@cache
def example(kind: str) -> dict[str, Any]:
    """Return the catalogue's example of a layer; of convolutions, one whose channels fall into groups."""
    (layer,) = layer_example(kind)["layers"]
    field = FIELDS.get(kind.removesuffix("_transpose"))
    return {**layer, "shape": [*field, 4, 8]} if field else layer


def refusal(stream: str, layer: dict[str, Any]) -> InitserveError | None:
    try:
        Spec.model_validate({"algorithm": stream, "seed": 0, "exact": False, "layers": [layer]}).plan()
    except InitserveError as error:
        return error
    return None


def ends_well(stream: str, layer: dict[str, Any]) -> bool:
    """Whether what refusals say would work leads to an answer; two faults take two steps, or one more."""
    for _ in range(4):
        refused = refusal(stream, layer)
        if refused is None or refused.remedy is None:
            return refused is None
        layer = {**layer, **refused.remedy}
    return False


def members(kind: str) -> list[tuple[str, Any]]:
    own = LAYERS[kind].model_fields
    return [(member, value) for member, values in VALUES.items() if member in own for value in values]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("kind", LAYERS)
def test_a_refusal_points_at_the_member_at_fault_and_what_it_says_works(kind: str, stream: str) -> None:
    plain = refusal(stream, example(kind))
    if plain is not None:  # the framework has no such layer
        assert plain.pointer in ("/layers/0/type", "/layers/0/shape")
        assert plain.remedy is None or ends_well(stream, example(kind))
        return
    for member, value in members(kind):
        layer = {**example(kind), member: value}
        try:
            refused = refusal(stream, layer)
        except ValidationError:
            continue
        if refused is None:
            continue
        # What Keras starts alike is refused where the other scheme is to be stated.
        alike = refused.remedy is not None and "start alike" in refused.detail
        assert refused.pointer == f"/layers/0/{'output_scheme' if alike else member}", (member, value, refused)
        assert refused.remedy is None or ends_well(stream, layer), (member, value, refused, refused.remedy)


@pytest.mark.parametrize(
    ("stream", "layer", "pointer"),
    [
        ("torch-cpu/1", {"type": "multi_head_attention", "shape": [8, 2, 3]}, "/layers/0/shape"),
        ("keras-numpy/1", {"type": "einsum_dense", "equation": "ab,bc->ca", "shape": [2, 3]}, "/layers/0/equation"),
        (
            "flax-nnx/1",
            {"type": "multi_head_attention", "shape": [8, 2, 4], "key_width": 5, "value_width": 6},
            "/layers/0/value_width",
        ),
    ],
)
def test_shapes_and_pairs_of_members(stream: str, layer: dict[str, Any], pointer: str) -> None:
    refused = refusal(stream, layer)
    assert refused is not None
    assert refused.pointer == pointer


@pytest.mark.parametrize(
    ("stream", "layer", "name"),
    [
        ("torch-cpu/1", {"type": "tensor", "bare": True, "shape": [5], "scheme": "torch:kaiming_uniform"}, "a"),
        ("torch-cpu/1", {"type": "tensor", "bare": True, "shape": [5], "scheme": "torch:orthogonal"}, "a"),
        ("torch-cpu/1", {"type": "tensor", "bare": True, "shape": [5], "scheme": "torch:eye"}, "a"),
        ("torch-cpu/1", {"type": "tensor", "bare": True, "shape": [5], "scheme": "torch:dirac"}, "a"),
        ("torch-cpu/1", {"type": "tensor", "bare": True, "shape": [5], "scheme": "torch:sparse"}, "a"),
        ("torch-cpu/1", {"type": "dense", "shape": [3, 2], "bias": "torch:xavier_normal"}, "a.bias"),
        ("jax-threefry/1", {"type": "dense", "shape": [3, 2], "bias": "jax:he_normal"}, "a/bias"),
        ("jax-threefry/1", {"type": "dense", "shape": [3, 2], "bias": "jax:orthogonal"}, "a/bias"),
        ("flax-nnx/1", {"type": "tensor", "shape": [3], "scheme": "jax:delta_orthogonal"}, "a/value"),
        ("keras-jax/1", {"type": "dense", "shape": [3, 2], "bias": "keras:orthogonal"}, "a/bias"),
    ],
)
def test_a_refusal_names_the_array(stream: str, layer: dict[str, Any], name: str) -> None:
    refused = refusal(stream, {**layer, "name": "a"})
    assert refused is not None
    assert f" {name}," in f"{refused.detail},".replace(";", ",")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("stream", ["jax-threefry/1", "flax-linen/1", "keras-torch/1", "keras-tensorflow/1"])
def test_a_dtype_without_orthogonal_is_refused_with_all_that_it_takes(stream: str, dtype: str) -> None:
    layer = {"type": "tensor", "shape": [4, 4], "scheme": "orthogonal"}
    document = {"algorithm": stream, "seed": 0, "dtype": dtype, "layers": [layer]}
    with pytest.raises(InitserveError) as caught:
        Spec.model_validate(document).plan()
    assert caught.value.remedy is not None
    Spec.model_validate({**document, **caught.value.remedy}).plan()
