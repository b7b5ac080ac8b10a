"""Recipes of published models: they load into the real models as they are, and are distributed as the real ones."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers

from service.specs.spec import Spec

MODELS: dict[tuple[str, str], Any] = {
    ("gpt2", "small"): lambda: transformers.GPT2Model(transformers.GPT2Config()),
    ("bert", "base"): lambda: transformers.BertModel(transformers.BertConfig()),
    ("t5", "small"): lambda: transformers.T5Model(transformers.T5Config()),
    ("vit", "base"): lambda: transformers.ViTModel(transformers.ViTConfig()),
}


@pytest.mark.parametrize(("recipe", "size"), MODELS)
def test_a_recipe_loads_into_the_real_model_and_is_distributed_as_it(recipe: str, size: str) -> None:
    torch.manual_seed(0)
    real = MODELS[recipe, size]()
    theirs = {name: value.clone() for name, value in real.state_dict().items()}
    plan = Spec.model_validate({"recipe": recipe, "size": size, "seed": 42}).plan()
    ours = {
        parameter.key: torch.from_numpy(np.concatenate(list(parameter.blocks())).reshape(parameter.shape))
        for parameter in plan.parameters
    }
    # T5's two stacks share one table, which a state_dict lists under three names.
    tied = {name: ours["shared.weight"] for name in theirs if name.endswith("embed_tokens.weight")}
    real.load_state_dict(ours | tied, strict=True)
    assert sum(parameter.numel() for parameter in real.parameters()) == plan.elements
    for name, mine in ours.items():
        real_std, real_mean = float(theirs[name].std()), float(theirs[name].mean())
        count = mine.numel()
        # Two samples of one normal law: standard deviations within 5.5 standard errors of each other.
        assert float(mine.std()) == pytest.approx(real_std, rel=5.5 / np.sqrt(count), abs=1e-8), name
        assert abs(float(mine.mean()) - real_mean) <= 5.5 * real_std * np.sqrt(2 / count) + 1e-8, name
