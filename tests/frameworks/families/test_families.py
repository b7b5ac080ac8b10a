"""Published families: what a config plans is the real model's state_dict, what it draws the real weights."""

import math
from typing import Any

import pytest
import torch

from service.errors import NotExact
from service.networks.families import FAMILIES
from tests.frameworks.families.oracle import (
    alike,
    described,
    drawn,
    heads_of,
    planned,
    real,
    state,
    tied_in,
    units_apart,
    with_tied,
)
from tests.frameworks.families.sights import SIGHTS
from tests.frameworks.families.texts import TEXTS

Config = dict[str, Any]

MODEL_TYPES = {"deberta_v2": "deberta-v2"}  # as a config.json has it, where that is not the family's name
# What transformers refuses: a question's two ends with other than two labels, classes of what is made shorter.
REFUSED = {
    ("distilbert", "three labels", "question_answering"),
    ("wav2vec2", "an adapter behind", "sequence_classification"),
    ("wav2vec2", "a narrower adapter behind", "sequence_classification"),
}
# Units in the last place by which torch's own may differ, by the ends of names; tables of angles have a test below.
INEXACT = {
    "mamba": {"dt_proj.bias": 2.0, "out_proj.weight": 1.0},
    "whisper": {"encoder.embed_positions.weight": math.inf},
}
LENGTHS = ".weight.original0"  # of columns: initserve's own stream has their mean, of 324 numbers or more
KNOWN = {**TEXTS, **SIGHTS}

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
    arrays, before = drawn(plan), {name: value.clone() for name, value in state(theirs).items()}
    theirs.load_state_dict(with_tied(arrays, plan.tied), strict=True)
    lengths = {name for name in arrays if name.endswith(LENGTHS)}
    assert all(torch.allclose(arrays[name], before[name], rtol=0.15, atol=0.0) for name in lengths)
    assert [name for name in arrays.keys() - lengths if not alike(arrays[name], before[name])] == []


@pytest.mark.parametrize(("family", "config", "head"), CASES)
def test_under_torchs_stream_it_is_the_real_model_bit_for_bit(family: str, config: Config, head: str | None) -> None:
    theirs = state(real(model_type(family), config, head))
    within = {name: bound for end, bound in INEXACT.get(family, {}).items() for name in theirs if name.endswith(end)}
    plan = planned(family, config, head, algorithm="torch-cpu/1", exact=not within)
    assert plan.exact == (not within)
    ours = with_tied(drawn(plan), plan.tied)
    assert ours.keys() == theirs.keys()
    others = [name for name, value in ours.items() if not torch.equal(value, theirs[name])]
    for name in others:
        assert units_apart(ours[name], theirs[name]) <= within.get(name, 0.0), name


def test_what_may_differ_from_torch_is_refused_unless_the_spec_says_so() -> None:
    with pytest.raises(NotExact, match=r"exp, log and expm1"):
        planned("mamba", TEXTS["mamba"].config, None, algorithm="torch-cpu/1")


def test_whispers_positions_are_as_near_to_torchs_as_is_said() -> None:
    config = {**SIGHTS["whisper"].config, "d_model": 384, "max_source_positions": 1500}
    with pytest.raises(NotExact, match=r"n / 2\^23"):
        planned("whisper", config, None, algorithm="torch-cpu/1")
    ours = drawn(planned("whisper", config, None, select="encoder.embed_positions.weight"))
    theirs = state(real("whisper", config, None))["encoder.embed_positions.weight"]
    away = (ours["encoder.embed_positions.weight"] - theirs).abs()
    bounds = (torch.arange(1500) + 1.0) / 2**23
    assert bool((away <= bounds[:, None]).all())
    assert float(away.max()) > 2.0**-15  # so that saying it is needed


@pytest.mark.parametrize("family", KNOWN)
def test_a_family_has_the_heads_that_transformers_has_for_it(family: str) -> None:
    kind = KNOWN[family].config.get("model_type", model_type(family))
    assert set(KNOWN[family].heads) == heads_of(kind)
    assert set(KNOWN[family].heads) == FAMILIES[family].heads.keys()


@pytest.mark.parametrize("family", KNOWN)
def test_its_best_known_size_is_the_real_one(family: str) -> None:
    case = KNOWN[family]
    config = FAMILIES[family].sizes[case.size]
    theirs = real(model_type(family), config, case.head, device="meta")
    plan = planned(family, None, case.head, size=case.size)
    assert {each.key: (each.shape, each.dtype) for each in plan.parameters} == described(theirs)
    assert plan.tied == tied_in(theirs)
    buffers = sum(value.numel() for name, value in state(theirs).items() if name in dict(theirs.named_buffers()))
    assert plan.elements - buffers == case.elements
