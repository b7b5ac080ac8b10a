"""A config.json makes the model that its recipe is of, and arrays are named as transformers writes them."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from safetensors import safe_open

from service.networks.families import FAMILIES
from service.networks.plan import Plan
from service.specs.published import as_in_a_checkpoint, config_of
from service.specs.spec import Spec

# Those of the transformers library; torchvision, timm and diffusers have no such config.
LIBRARYS = {recipe: each for recipe, each in FAMILIES.items() if each.model_type in transformers.CONFIG_MAPPING}
SIZES = [(recipe, size) for recipe, family in LIBRARYS.items() for size in family.sizes]
NARROW: dict[str, dict[str, object]] = {
    "gpt2": {"n_embd": 60, "n_layer": 2},
    "bert": {"hidden_size": 60, "num_hidden_layers": 2},
    "t5": {"d_model": 64, "num_layers": 2},
    "vit": {"hidden_size": 60, "num_hidden_layers": 2},
    "llama": {"hidden_size": 64, "num_hidden_layers": 2},
}


def planned(recipe: str, **more: object) -> Plan:
    return Spec.model_validate({"recipe": recipe, "seed": 1, **more}).plan()


def shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    return {parameter.key: parameter.shape for parameter in plan.parameters}


@pytest.mark.parametrize(("recipe", "size"), SIZES)
def test_a_config_makes_the_model_of_its_recipe(recipe: str, size: str) -> None:
    plan = planned(recipe, size=size)
    config = config_of(plan)
    assert config is not None
    assert config["model_type"] == FAMILIES[recipe].model_type
    with torch.device("meta"):
        model = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**config))
    assert type(model).__name__ == config["architectures"][0]
    values = model.state_dict().items()
    theirs = {name: tuple(value.shape) for name, value in values if value.is_floating_point()}  # no counters
    assert theirs == shapes(plan) | {name: shapes(plan)[source] for name, source in plan.tied.items()}


# What a decoder begins with, which T5's own checkpoints state and its class leaves open; members that DeBERTa's class
# does not have, and takes where they are stated; a word that stands for a number; what is written by another name.
OWN = {
    "t5": {"decoder_start_token_id"},
    "deberta_v2": {"position_buckets", "share_att_key", "norm_rel_ebd", "conv_kernel_size", "conv_groups"},
    "mamba": {"time_step_rank"},
    "qwen3_moe": {"num_experts"},
    "bart": {"num_labels"},
}


@pytest.mark.parametrize("recipe", LIBRARYS)
def test_what_a_config_leaves_out_is_what_the_library_takes_for_it(recipe: str) -> None:
    family = FAMILIES[recipe]
    usual = json.loads(transformers.AutoConfig.for_model(family.model_type).to_json_string(use_diff=False))
    own = OWN.get(recipe, set())
    stated = {name: value for name, value in family.defaults.items() if value is not None and name not in own}
    assert {name: usual.get(name) for name in stated} == stated


@pytest.mark.parametrize("recipe", NARROW)
def test_a_checkpoint_has_the_names_that_the_library_writes(recipe: str, tmp_path: Path) -> None:
    plan = planned(recipe, config=NARROW[recipe])
    config = config_of(plan)
    assert config is not None
    transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**config)).save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as written:
        theirs = {name: tuple(written.get_slice(name).get_shape()) for name in written.keys()}  # noqa: SIM118
    assert theirs == shapes(as_in_a_checkpoint(plan))
