"""Recipes under torch-cpu/1: the very weights that the transformers library's models have after set_seed."""

import numpy as np
import pytest
import torch
import transformers

from service.specs.spec import Spec
from tests.frameworks.test_recipes import MODELS


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize(("recipe", "size"), MODELS)
def test_a_recipe_is_the_real_model_bit_for_bit(recipe: str, size: str, seed: int) -> None:
    transformers.set_seed(seed)
    theirs = MODELS[recipe, size]().state_dict()
    spec = Spec.model_validate({"algorithm": "torch-cpu/1", "recipe": recipe, "size": size, "seed": seed})
    plan = spec.plan()
    assert plan.exact
    for parameter in plan.parameters:
        ours = np.concatenate(list(parameter.blocks())).reshape(parameter.shape)
        assert torch.equal(theirs[parameter.key], torch.from_numpy(ours)), parameter.key
    again = Spec.model_validate_json(plan.canonical_json()).plan()
    assert [parameter.key for parameter in again.parameters] == [parameter.key for parameter in plan.parameters]
