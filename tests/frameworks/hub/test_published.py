"""A config.json makes the model that its recipe is of, and arrays are named as transformers writes them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from safetensors import safe_open

from service.networks.plan import Plan
from service.specs.published import PUBLISHED, as_in_a_checkpoint, config_of
from service.specs.recipes import RECIPES
from service.specs.spec import Spec

TIED = "embed_tokens.weight"  # T5's, with shared.weight
SIZES = [(recipe, size) for recipe in PUBLISHED for size in RECIPES[recipe].sizes]
DEFAULTS = {
    ("gpt2", "small"): transformers.GPT2Config,
    ("bert", "base"): transformers.BertConfig,
    ("t5", "small"): transformers.T5Config,
    ("vit", "base"): transformers.ViTConfig,
}


def planned(recipe: str, size: str) -> Plan:
    return Spec.model_validate({"recipe": recipe, "size": size, "seed": 1, "layout": "pytorch"}).plan()


def shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    return {parameter.key: parameter.shape for parameter in plan.parameters}


@pytest.mark.parametrize(("recipe", "size"), SIZES)
def test_a_config_makes_the_model_of_its_recipe(recipe: str, size: str) -> None:
    plan = planned(recipe, size)
    config = config_of(plan)
    assert config is not None
    assert config["model_type"] == recipe
    with torch.device("meta"):
        model = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**config))
    assert type(model).__name__ == config["architectures"][0]
    theirs = {name: tuple(value.shape) for name, value in model.state_dict().items() if not name.endswith(TIED)}
    assert theirs == shapes(plan)


@pytest.mark.parametrize(("recipe", "size"), DEFAULTS)
def test_a_config_says_nothing_but_what_the_library_takes_for_this_model(recipe: str, size: str) -> None:
    config = config_of(planned(recipe, size))
    assert config is not None
    usual = DEFAULTS[recipe, size]().to_dict() | {"architectures": config["architectures"], "dtype": "float32"}
    # What a decoder begins with: the pad token, which T5's own checkpoints state and its class leaves open.
    usual["decoder_start_token_id"] = usual.get("pad_token_id")
    assert {name: usual[name] for name in config} == config


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_a_checkpoint_has_the_names_that_the_library_writes(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = (64, 2, 1)[: len(next(iter(RECIPES[recipe].sizes.values())))]
    monkeypatch.setitem(RECIPES, recipe, replace(RECIPES[recipe], sizes={"narrow": narrow}))
    plan = planned(recipe, "narrow")
    config = config_of(plan)
    assert config is not None
    transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**config)).save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as written:
        theirs = {name: tuple(written.get_slice(name).get_shape()) for name in written.keys()}  # noqa: SIM118
    assert theirs == shapes(as_in_a_checkpoint(plan))
