"""Published families of text: what a config plans is the real model's state_dict, what it draws the real weights."""

from typing import Any

import pytest
import torch

from service.errors import NotExact
from service.networks.families import FAMILIES
from tests.frameworks.families.oracle import (
    MAPPINGS,
    alike,
    described,
    drawn,
    planned,
    real,
    tied_in,
    units_apart,
    with_tied,
)
from tests.frameworks.families.texts import TEXTS

Config = dict[str, Any]

MODEL_TYPES = {"deberta_v2": "deberta-v2"}  # as a config.json has it, where that is not the family's name
# transformers refuses a question's two ends with other than two labels.
REFUSED = {("distilbert", "three labels", "question_answering")}
# Units in the last place by which torch's own may differ, by the ends of names.
INEXACT = {"mamba": {"dt_proj.bias": 2.0, "out_proj.weight": 1.0}}
KNOWN = {family: case for family, case in TEXTS.items() if family in FAMILIES}

CASES = [
    pytest.param(family, config, head, id=f"{family}, {word}, {head}")
    for family, case in KNOWN.items()
    for word, config in case.configs().items()
    for head in case.heads
    if (family, word, head) not in REFUSED
]


def model_type(family: str) -> str:
    return MODEL_TYPES.get(family, family)


@pytest.mark.parametrize(("family", "config", "head"), CASES)
def test_a_config_plans_the_real_state_dict(family: str, config: Config, head: str | None) -> None:
    theirs = real(model_type(family), config, head)
    plan = planned(family, config, head)
    assert plan.tied == tied_in(theirs)
    ours = {each.key: (each.shape, each.dtype) for each in plan.parameters}
    assert ours == described(theirs)
    assert list(ours) == list(described(theirs))
    arrays, before = drawn(plan), {name: value.clone() for name, value in theirs.state_dict().items()}
    theirs.load_state_dict(with_tied(arrays, plan.tied), strict=True)
    assert [name for name, value in arrays.items() if not alike(value, before[name])] == []


@pytest.mark.parametrize(("family", "config", "head"), CASES)
def test_under_torchs_stream_it_is_the_real_model_bit_for_bit(family: str, config: Config, head: str | None) -> None:
    theirs = real(model_type(family), config, head).state_dict()
    bounds = INEXACT.get(family, {})
    plan = planned(family, config, head, algorithm="torch-cpu/1", exact=not bounds)
    assert plan.exact == (not bounds)
    ours = with_tied(drawn(plan), plan.tied)
    assert ours.keys() == theirs.keys()
    others = [name for name, value in ours.items() if not torch.equal(value, theirs[name])]
    for name in others:
        assert units_apart(ours[name], theirs[name]) <= bounds.get(name.partition(".mixer.")[2], 0), name


def test_what_may_differ_from_torch_is_refused_unless_the_spec_says_so() -> None:
    with pytest.raises(NotExact, match=r"exp, log and expm1"):
        planned("mamba", TEXTS["mamba"].config, None, algorithm="torch-cpu/1")


@pytest.mark.parametrize("family", KNOWN)
def test_a_family_has_the_heads_that_transformers_has_for_it(family: str) -> None:
    kind = KNOWN[family].config.get("model_type", model_type(family))
    theirs = {head: names[kind] for head, names in MAPPINGS.items() if kind in names}
    assert set(KNOWN[family].heads) == theirs.keys()


@pytest.mark.parametrize("family", KNOWN)
def test_its_best_known_size_is_the_real_one(family: str) -> None:
    case = KNOWN[family]
    config = FAMILIES[family].sizes[case.size]
    theirs = real(model_type(family), config, case.head, device="meta")
    plan = planned(family, None, case.head, size=case.size)
    assert {each.key: (each.shape, each.dtype) for each in plan.parameters} == described(theirs)
    assert plan.tied == tied_in(theirs)
    buffers = sum(value.numel() for name, value in theirs.state_dict().items() if name in dict(theirs.named_buffers()))
    assert plan.elements - buffers == case.elements
