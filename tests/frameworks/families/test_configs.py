"""The config.json that the transformers library itself writes is read without a warning, whatever else is in it."""

import json

import pytest
import transformers

from service.networks.families import FAMILIES
from service.specs.spec import Spec

KNOWN = [name for name, family in FAMILIES.items() if family.model_type in transformers.CONFIG_MAPPING]


@pytest.mark.parametrize("recipe", KNOWN)
def test_a_whole_config_is_read_without_a_warning(recipe: str) -> None:
    config = json.loads(transformers.AutoConfig.for_model(FAMILIES[recipe].model_type).to_json_string(use_diff=False))
    plan = Spec.model_validate({"recipe": recipe, "config": config, "seed": 1}).plan()
    assert plan.warnings == ()
