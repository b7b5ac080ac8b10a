"""Listings of real models: what each tensor is taken for, held against what it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from service.networks.telling.kinds import KINDS
from service.networks.telling.listing import tell
from service.networks.telling.told import Listed
from service.specs.spec import Spec

FILE = Path(__file__).parent / "listings.txt"
TURNED = "dense (in, out)"
# What is told more closely than by the class of a module alone.
CLOSER = {"dense": {"dense", "gate", "expert"}, "attention": {"attention", "dense"}}


class Model(NamedTuple):
    layout: str
    tensors: dict[str, object]
    kinds: dict[str, str]


def models() -> Iterator[tuple[str, Model]]:
    name, model = "", Model("", {}, {})
    for line in FILE.read_text().splitlines():
        if line.startswith("["):
            name, _, layout = line[1:].partition("] ")
            model = Model(layout, {}, {})
            yield name, model
        elif line and not line.startswith("#"):
            said, _, kind = line.partition(" : ")
            tensor, sizes, *dtype = said.split(" ")
            shape = [] if sizes == "-" else [int(size) for size in sizes.split("x")]
            model.tensors[tensor] = {"shape": shape, "dtype": dtype[0]} if dtype else shape
            model.kinds[tensor] = kind


MODELS = dict(models())


@pytest.mark.parametrize("name", MODELS)
def test_no_tensor_of_a_real_model_is_taken_for_another_kind_without_a_warning(name: str) -> None:
    model = MODELS[name]
    spec = Spec.model_validate({"tensors": model.tensors, "layout": model.layout, "seed": 0})
    plan, listing = spec.plan(), spec.tensors
    assert listing is not None
    taken = listing.told.taken | dict(listing.told.left_alone)
    assert taken.keys() == model.tensors.keys()
    assert {each.key for each in plan.parameters} == taken.keys() - listing.told.left_alone.keys()
    doubtful = {tensor for doubt in listing.told.doubts for tensor in doubt.names}
    types = {each.key: layer.type for layer in plan.layers for each in layer.parameters}
    wrong = {}
    for tensor, kind in model.kinds.items():
        if kind == TURNED:
            right = (taken[tensor].kind, types[tensor]) == ("dense", "transformers_conv1d")
        else:
            turned = kind == "dense" and types[tensor] == "transformers_conv1d"
            right = taken[tensor].kind in CLOSER.get(kind, {kind}) and not turned
        if not right:
            wrong[tensor] = (kind, taken[tensor])
    assert wrong.keys() <= doubtful, wrong
    assert len(wrong) <= 0.02 * len(model.kinds)


def test_every_kind_that_is_told_is_a_row_of_the_table() -> None:
    told = {kind for model in MODELS.values() for kind in model.kinds.values()} - {TURNED}
    assert told <= KINDS.keys()


@pytest.mark.parametrize(
    ("model_type", "starts"),
    [
        (None, None),
        ("llama", False),
        ("gemma2", True),
        ("qwen3_next", True),
        ("olmo2", False),
        ("gemma3n", False),
        ("gemma3_text", True),
    ],
)
def test_whether_normalisations_start_at_0_is_the_models_own(model_type: str | None, starts: bool | None) -> None:
    listed = {
        "model.layers.0.pre_feedforward_layernorm.weight": Listed((8,)),
        "model.layers.0.mlp.up_proj.weight": Listed((16, 8)),
    }
    told = tell(listed, "pytorch", model_type)
    (norm,) = (layer for layer in told.layers if layer.type == "rms_norm")
    assert (norm.scheme is not None) == (starts is True)
    assert [doubt.doubt.code for doubt in told.doubts] == (["unknown-start"] if starts is None else [])


@pytest.mark.parametrize(
    ("gate_up", "down", "turned"),
    [([4, 24, 16], [4, 16, 12], False), ([4, 16, 24], [4, 12, 16], True), ([4, 32, 16], [4, 16, 16], False)],
)
def test_the_orientation_of_experts_is_told_by_their_widths(gate_up: list[int], down: list[int], turned: bool) -> None:
    tensors = {"mlp.experts.gate_up_proj": gate_up, "mlp.experts.down_proj": down}
    for more in ({}, {"embed_tokens.weight": [100, 16]}):
        spec = Spec.model_validate({"tensors": tensors | more, "seed": 0})
        fans = {each.key: each.source.fans for each in spec.plan().parameters}
        assert fans["mlp.experts.gate_up_proj"].fan_in == gate_up[1 if turned else 2]
        assert fans["mlp.experts.down_proj"].fan_in == down[1 if turned else 2]
        assert spec.tensors is not None
        assert spec.tensors.told.doubts == ()
