"""What the Hub serves of a family is what save_pretrained writes, and from_pretrained makes the model of it."""

from pathlib import Path

import pytest
import torch
import transformers
from safetensors import safe_open

from service.api.snapshots import files_of
from service.networks.plan import Plan
from service.specs.published import as_in_a_checkpoint, config_of
from tests.frameworks.families.oracle import COUNT, builder, drawn, planned, state, with_tied
from tests.frameworks.families.test_families import INEXACT, KNOWN, model_type

CASES = [(family, head) for family, case in KNOWN.items() for head in case.heads]


def of(family: str, head: str | None, **more: object) -> Plan:
    return planned(family, KNOWN[family].config, head, **more)


def written(plan: Plan, folder: Path) -> None:
    """Write the files that the Hub serves of a plan."""
    for file in files_of(plan).values():
        content = b"".join(file.lay_out().chunks()) if file.content is None else file.content
        (folder / file.name).write_bytes(content)


@pytest.mark.parametrize(("family", "head"), CASES)
def test_files_have_what_the_library_writes_of_the_model_that_it_makes_of_our_config(
    family: str, head: str | None, tmp_path: Path
) -> None:
    plan = of(family, head, algorithm="torch-cpu/1", exact=False)
    config = config_of(plan)
    assert config is not None
    transformers.set_seed(plan.seed)
    model = builder(model_type(family), head).from_config(transformers.AutoConfig.for_model(**config))
    assert [type(model).__name__] == config["architectures"]
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        theirs = {name: file.get_tensor(name) for name in file.keys() if not name.endswith(COUNT)}  # noqa: SIM118
    ours = drawn(as_in_a_checkpoint(plan))
    assert ours.keys() == theirs.keys()
    different = [name for name, value in ours.items() if not torch.equal(value, theirs[name])]
    inexact = tuple(INEXACT.get(family, ()))
    assert [name for name in different if not inexact or not name.endswith(inexact)] == []


@pytest.mark.parametrize(("family", "head"), CASES)
def test_the_library_loads_the_model_from_the_files(family: str, head: str | None, tmp_path: Path) -> None:
    plan = of(family, head)
    written(plan, tmp_path)
    model, info = builder(model_type(family), head).from_pretrained(tmp_path, output_loading_info=True)
    assert {name: found for name, found in info.items() if found} == {}
    loaded, ours = state(model), with_tied(drawn(plan), plan.tied)
    assert loaded.keys() == ours.keys()
    assert [name for name, value in ours.items() if not torch.equal(value, loaded[name])] == []


def test_dinov2s_gated_layers_load_from_the_names_in_memory(tmp_path: Path) -> None:
    """save_pretrained writes two of them as one; what it reads may have them apart."""
    plan = planned("dinov2", {**KNOWN["dinov2"].config, "use_swiglu_ffn": True}, None)
    written(plan, tmp_path)
    model, info = transformers.AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert {name: found for name, found in info.items() if found} == {}
    loaded = state(model)
    assert all(torch.equal(value, loaded[name]) for name, value in drawn(plan).items())
