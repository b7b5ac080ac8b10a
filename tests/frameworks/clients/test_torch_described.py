"""`initserve.torch.fill_` fills a model with a spec's arrays by their names, or refuses and changes nothing."""

import json
from typing import Any

import pytest
import torch
import transformers
from initserve import Client, InitserveError, Local
from initserve.torch import fill_
from torch import nn

from tests.frameworks.families.oracle import builder, drawn, planned, real, state, with_tied
from tests.frameworks.families.test_families import KNOWN, model_type
from tests.frameworks.families.texts import TEXTS

LAYERS: list[dict[str, Any]] = [
    {"name": "0", "type": "conv2d", "shape": [3, 3, 2, 4]},
    {"name": "1", "type": "batch_norm", "shape": [4]},
    {"name": "4", "type": "dense", "shape": [4, 3]},
]
SPEC: dict[str, Any] = {"seed": 11, "layers": LAYERS}


def net(classes: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes)
    )


def published(family: str, head: str = "causal_lm", **more: Any) -> dict[str, Any]:
    return {"recipe": family, "config": TEXTS[family].config, "head": head, "seed": 3, **more}


def on_meta(spec: dict[str, Any]) -> Any:
    config = transformers.AutoConfig.for_model(spec["recipe"], **spec["config"])
    dtype = getattr(torch, spec.get("dtype", "float32"))
    with torch.device("meta"):
        return builder(spec["recipe"], spec["head"]).from_config(config, dtype=dtype)


@pytest.mark.parametrize(("family", "head"), [(family, head) for family, case in KNOWN.items() for head in case.heads])
def test_every_published_model_is_filled_and_its_buffers_are_computed(family: str, head: str | None) -> None:
    """What has no array in a spec (masks, tables of angles) is what the model's own constructor makes."""
    plan = planned(family, KNOWN[family].config, head)
    config = transformers.AutoConfig.for_model(model_type(family), **KNOWN[family].config)
    with torch.device("meta"):
        model = builder(model_type(family), head).from_config(config)
    fill_(model, json.loads(plan.canonical_json()))
    found, wanted = state(model), with_tied(drawn(plan), plan.tied)
    assert found.keys() == wanted.keys()
    assert [name for name, value in wanted.items() if not torch.equal(value, found[name])] == []
    buffers = dict(model.named_buffers())
    theirs = dict(builder(model_type(family), head).from_config(config).named_buffers())
    assert [name for name, value in theirs.items() if not torch.equal(value, buffers[name])] == []


@pytest.mark.parametrize(("family", "head"), [("gpt2", "causal_lm"), ("mixtral", "causal_lm"), ("t5", "seq2seq_lm")])
def test_a_published_model_has_its_recipes_arrays_and_its_ties(family: str, head: str) -> None:
    spec = published(family, head)
    model = on_meta(spec)
    report = fill_(model, spec)
    wanted = Local().init(spec)
    tied = wanted.plan.get("tied", {})
    found = model.state_dict()
    assert found.keys() == wanted.keys() | tied.keys()
    for name, value in found.items():
        assert (value.numpy() == wanted[tied.get(name, name)]).all(), name
    assert {each.name for each in report.filled} == wanted.keys()
    assert report.tied.keys() == tied.keys()
    assert report.seed == 3


def test_what_the_library_itself_would_have_made_is_filled_too() -> None:
    """Its order of drawing is not the order of names, and buffers that no file has are computed."""
    spec = published("llama", algorithm="torch-cpu/1")
    model, theirs = on_meta(spec), real("llama", spec["config"], "causal_lm")
    fill_(model, spec)
    assert all(torch.equal(value, state(model)[name]) for name, value in state(theirs).items())
    tokens = torch.arange(8)[None]
    assert torch.equal(model.eval()(input_ids=tokens).logits, theirs.eval()(input_ids=tokens).logits)


def test_bfloat16_is_filled_in_its_own_bits() -> None:
    spec = published("gpt2", dtype="bfloat16")
    model = on_meta(spec)
    fill_(model, spec)
    for name, value in Local().init(spec).items():  # as float32, with the same values
        assert (model.state_dict()[name].float().numpy() == value).all(), name


@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: torch.compile(model, backend="eager")])
def test_statistics_are_filled_where_the_spec_has_them_and_counters_stay(wrap: Any) -> None:
    model = net()
    model[1].running_var.fill_(7.0)
    model[1].num_batches_tracked.fill_(5)
    fill_(wrap(model), SPEC)
    wanted = Local().init({**SPEC, "layout": "pytorch"})
    assert {"1.running_mean", "1.running_var"} < wanted.keys()
    assert all((model.state_dict()[name].numpy() == value).all() for name, value in wanted.items())
    assert int(model[1].num_batches_tracked) == 5


def test_a_client_fetches_the_same_numbers(server: str) -> None:
    one, two = net(), net()
    with Client(server) as client:
        fill_(one, SPEC, client=client)
    fill_(two, SPEC)
    assert all(torch.equal(value, two.state_dict()[name]) for name, value in one.state_dict().items())


def tied() -> nn.Module:
    model = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})
    model["b"].weight = model["a"].weight
    return model


PAIR = [{"name": name, "type": "dense", "shape": [4, 4]} for name in "ab"]
REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no seed": (net, {"layers": LAYERS}, "no seed"),
    "names of another layout": (net, {**SPEC, "layout": "keras"}, 'layout "keras"'),
    "an array that is missing": (net, {**SPEC, "layers": LAYERS[:2]}, "no array for 4.weight, 4.bias: it has 0.bias"),
    "an array too many": (lambda: net()[:4], SPEC, "nothing that is called 4.weight, 4.bias"),
    "another shape": (lambda: net(5), SPEC, r"4.weight has shape \(5, 4\), and the spec's array \(3, 4\)"),
    "another dtype": (net, {**SPEC, "dtype": "bfloat16"}, "0.weight is torch.float32, and the spec's array bfloat16"),
    "one tensor of several arrays": (tied, {"seed": 1, "layers": PAIR}, "a.weight and b.weight are one tensor"),
}


@pytest.mark.parametrize("word", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_changed(word: str) -> None:
    make, spec, why = REFUSED[word]
    model = make()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=why):
        fill_(model, spec)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_spec_that_is_refused_is_the_services_word() -> None:
    with pytest.raises(InitserveError, match="dens"):
        fill_(net(), {**SPEC, "layers": [{"name": "0", "type": "dens", "shape": [4, 3]}]})
