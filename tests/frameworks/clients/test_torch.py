"""`initserve.torch.init_` fills real modules: with the bytes of equivalent layers, on any number of ranks."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from initserve import Client, InitserveError, Local
from initserve.torch import init_
from torch import nn
from torch.nn.utils import parametrizations

from tests.conftest import ROOT, free_port

MODULES: list[tuple[nn.Module, dict[str, Any]]] = [
    (nn.Linear(5, 7), {"type": "dense", "shape": [5, 7]}),
    (nn.Linear(5, 7, bias=False), {"type": "dense", "shape": [5, 7], "bias": None}),
    (nn.Bilinear(3, 4, 5), {"type": "bilinear", "shape": [3, 4, 5]}),
    (nn.Conv1d(4, 6, 3), {"type": "conv1d", "shape": [3, 4, 6]}),
    (nn.Conv2d(4, 6, (3, 5), groups=2), {"type": "conv2d", "shape": [3, 5, 4, 6], "groups": 2}),
    (nn.Conv3d(2, 3, 2, bias=False), {"type": "conv3d", "shape": [2, 2, 2, 2, 3], "bias": None}),
    (nn.ConvTranspose1d(4, 6, 3), {"type": "conv1d_transpose", "shape": [3, 4, 6]}),
    (nn.ConvTranspose2d(4, 6, 3, 2), {"type": "conv2d_transpose", "shape": [3, 3, 4, 6], "strides": 2}),
    (nn.ConvTranspose3d(2, 4, 2, groups=2), {"type": "conv3d_transpose", "shape": [2, 2, 2, 2, 4], "groups": 2}),
    (nn.Embedding(9, 4, padding_idx=2), {"type": "embedding", "shape": [9, 4], "padding_index": 2}),
    (nn.EmbeddingBag(9, 4), {"type": "embedding", "shape": [9, 4]}),
    (nn.LayerNorm((3, 4)), {"type": "layer_norm", "shape": [3, 4]}),
    (nn.LayerNorm(4, bias=False), {"type": "layer_norm", "shape": [4], "bias": None}),
    (nn.RMSNorm(4), {"type": "rms_norm", "shape": [4]}),
    (nn.GroupNorm(2, 4), {"type": "group_norm", "shape": [4]}),
    (nn.BatchNorm1d(4), {"type": "batch_norm", "shape": [4]}),
    (nn.SyncBatchNorm(4), {"type": "batch_norm", "shape": [4]}),
    (nn.InstanceNorm2d(4, affine=True), {"type": "instance_norm", "shape": [4]}),
    (nn.PReLU(3), {"type": "prelu", "shape": [3]}),
    (nn.RNN(3, 4, nonlinearity="relu"), {"type": "simple_rnn", "shape": [3, 4], "activation": "relu"}),
    (
        nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2),
        {"type": "lstm", "shape": [3, 4], "num_layers": 2, "bidirectional": True, "projection": 2},
    ),
    (nn.GRU(3, 4, bias=False), {"type": "gru", "shape": [3, 4], "bias": None}),
    (nn.MultiheadAttention(6, 2), {"type": "multi_head_attention", "shape": [6, 2, 3]}),
    (
        nn.MultiheadAttention(6, 2, kdim=3, vdim=5, add_bias_kv=True),
        {"type": "multi_head_attention", "shape": [6, 2, 3], "key_width": 3, "value_width": 5, "bias_kv": True},
    ),
    (nn.MultiheadAttention(6, 2, bias=False), {"type": "multi_head_attention", "shape": [6, 2, 3], "bias": None}),
]


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_parameters()]


@pytest.mark.parametrize(("module", "layer"), MODULES, ids=lambda each: str(each)[:40])
@pytest.mark.parametrize("defaults", ["recommended", "pytorch"])
def test_a_module_gets_the_bytes_of_its_layer(module: nn.Module, layer: dict[str, Any], defaults: str) -> None:
    model = nn.ModuleDict({"a": nn.Sequential(nn.ReLU(), module)})
    report = init_(model, seed=7, defaults=defaults)
    spec = {"seed": 7, "layout": "pytorch", "defaults": defaults, "layers": [{"name": "a.1", **layer}]}
    wanted = Local().init(spec)
    state = dict(model.named_parameters())
    assert state
    assert {name: each.detach().numpy().tobytes() for name, each in state.items()} == {
        name: wanted[name].tobytes() for name in state
    }
    assert wanted.keys() - state.keys() <= {"a.1.running_mean", "a.1.running_var"}
    assert {each.name for each in report.filled} == state.keys()
    assert all(each.scheme and each.formula and each.reason and each.name in str(report) for each in report.filled)


def net(dtype: torch.dtype = torch.float32) -> nn.Sequential:
    return nn.Sequential(
        nn.Embedding(11, 8), nn.Linear(8, 6), nn.LayerNorm(6), nn.BatchNorm1d(6), nn.LSTM(6, 5), nn.Linear(5, 3)
    ).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_each_parameter_keeps_its_dtype_and_is_rounded_once(dtype: torch.dtype) -> None:
    """To nearest, ties to even: torch's own rounding is the oracle."""
    model, single = net(dtype), net()
    init_(model)
    init_(single)
    for one, other in zip(model.parameters(), single.parameters(), strict=True):
        assert one.dtype is dtype
        assert torch.equal(one, other.to(dtype))
    mixed = net()
    mixed[1].bias = nn.Parameter(torch.zeros(6, dtype=dtype))
    init_(mixed)
    assert torch.equal(mixed[1].weight, single[1].weight)


def test_float64_has_the_bytes_of_a_spec_in_float64() -> None:
    model = net(torch.float64)
    init_(model)
    wanted = reference(0, dtype="float64")
    assert all(torch.equal(each, wanted[name]) for name, each in model.named_parameters())
    assert not torch.equal(model[1].weight, model[1].weight.float().double())


def test_only_parameters_are_changed_and_they_stay_the_same_objects() -> None:
    model = net()
    model[1].weight.requires_grad_(False)
    model[3].running_mean.fill_(5.0)
    before = list(model.parameters())
    init_(model, seed=2**64 - 1)
    assert all(one is other for one, other in zip(before, model.parameters(), strict=True))
    assert [each.requires_grad for each in before].count(False) == 1
    assert all(each.grad_fn is None for each in before)
    assert model[3].running_mean.tolist() == [5.0] * 6
    assert torch.equal(model[1].weight, reference(2**64 - 1)["1.weight"])


def reference(seed: int, **more: Any) -> dict[str, torch.Tensor]:
    layers = [
        {"name": "0", "type": "embedding", "shape": [11, 8]},
        {"name": "1", "type": "dense", "shape": [8, 6]},
        {"name": "2", "type": "layer_norm", "shape": [6]},
        {"name": "3", "type": "batch_norm", "shape": [6]},
        {"name": "4", "type": "lstm", "shape": [6, 5]},
        {"name": "5", "type": "dense", "shape": [5, 3]},
    ]
    found = Local().init({"seed": seed, "layout": "pytorch", "layers": layers, **more})
    return {name: torch.from_numpy(each) for name, each in found.items()}


def test_rules_overrule() -> None:
    rules = [{"match": "*.weight", "scheme": {"name": "normal", "stddev": 0.02}}]
    model = net()
    report = init_(model, rules=rules)
    wanted = reference(0, rules=rules)
    assert all(torch.equal(each, wanted[name]) for name, each in model.named_parameters())
    assert {each.scheme for each in report.filled if each.name == "1.weight"} == {"random_normal"}


def test_the_root_may_be_a_layer_itself() -> None:
    model = nn.Linear(4, 3)
    assert [each.name for each in init_(model).filled] == ["weight", "bias"]
    wanted = Local().init(
        {"seed": 0, "layout": "pytorch", "layers": [{"name": "model", "type": "dense", "shape": [4, 3]}]}
    )
    assert model.weight.detach().numpy().tobytes() == wanted["model.weight"].tobytes()


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((), 9.0))
        self.table = nn.Parameter(torch.full((6, 4), 9.0))
        self.query_bias = nn.Parameter(torch.full((4,), 9.0))
        self.normed = parametrizations.weight_norm(nn.Linear(4, 3))
        self.head = nn.Linear(4, 6)
        self.head.weight = self.table
        self.norm = MyRMSNorm()


class MyRMSNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((4,), 9.0))


def test_modules_that_no_layer_stands_for_have_bare_tensors() -> None:
    model = Odd()
    report = init_(model)
    layers = [{"name": "table", "type": "tensor", "shape": [6, 4], "bare": True}]
    wanted = Local().init({"seed": 0, "layout": "pytorch", "layers": layers})["table"]
    assert model.table.detach().numpy().tobytes() == wanted.tobytes()
    assert model.query_bias.tolist() == [0.0] * 4
    assert model.norm.weight.tolist() == [1.0] * 4
    assert report.tied == {"head.weight": "table"}
    normed = "normed.parametrizations.weight.original"
    assert {each.name for each in report.filled} | {"head.weight", f"{normed}0", f"{normed}1"} == {
        name for name, _ in model.named_parameters(remove_duplicate=False)
    } | {"normed.weight"}
    assert not any((each == 9.0).any() for each in model.parameters())


def test_what_transformers_has_loaded_is_kept() -> None:
    model = net()
    model[1].weight._is_hf_initialized = True  # type: ignore[assignment]
    before = model[1].weight.detach().clone()
    report = init_(model)
    assert torch.equal(model[1].weight, before)
    assert list(report.kept) == ["1.weight"]
    assert torch.equal(model[1].bias, reference(0)["1.bias"])


def test_what_cannot_be_filled_is_said_and_nothing_is_changed() -> None:
    model = net()
    init_(model)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(InitserveError) as refused:
        init_(model, rules=[{"match": "*", "scheme": "he_norml"}])
    assert refused.value.code == "invalid-spec"
    model.append(nn.LazyLinear(3))
    with pytest.raises(ValueError, match="call the model once"):
        init_(model, seed=1)
    model[6] = nn.Linear(2, 2).to(torch.complex64)
    with pytest.raises(ValueError, match="complex64"):
        init_(model, seed=1)
    assert all(torch.equal(each, before[name]) for name, each in model[:6].state_dict().items())


def test_more_modules_than_one_address_holds_are_filled_over_http(server: str) -> None:
    model = nn.ModuleList(nn.Linear(3 + index % 7, 5 + index % 11) for index in range(150))
    other = copy.deepcopy(model)
    with Client(server) as client:
        init_(model, seed=3, client=client)
    init_(other, seed=3)
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), other.parameters(), strict=True))
    spec = {"seed": 3, "layout": "pytorch", "layers": [{"name": "149", "type": "dense", "shape": [5, 11]}]}
    assert model[149].weight.detach().numpy().tobytes() == Local().init(spec)["149.weight"].tobytes()


def test_large_parameters_come_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("initserve.torch.filling.BLOCK", 100)
    model, other = net(), net()
    init_(model)
    monkeypatch.undo()
    init_(other)
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), other.parameters(), strict=True))


def small(kind: str) -> Any:
    from transformers import AutoConfig

    sizes = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    more = {"intermediate_size": 32, "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2}
    return AutoConfig.for_model(kind, **sizes, **more, pad_token_id=0)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "gemma2", "gpt_neox"])
def test_models_of_transformers_begin_as_norms_and_layers_do(kind: str) -> None:
    """Made on the meta device, as the page says; every parameter is filled, and every norm begins as transformers'."""
    from transformers import AutoModelForCausalLM

    wanted = AutoModelForCausalLM.from_config(small(kind))
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(small(kind))
    model.to_empty(device="cpu")
    model.tie_weights()
    for each in model.parameters():
        each.data.fill_(9.0)
    report = init_(model)
    assert {each.name for each in report.filled} == {name for name, _ in model.named_parameters()}
    for (name, one), two in zip(wanted.named_parameters(), model.parameters(), strict=True):
        assert not (two == 9.0).any(), name
        if one.ndim == 1:
            assert torch.equal(one, two), name
        else:
            assert two.std() > 0, name


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_together_hold_what_one_process_gives(ranks: int, tmp_path: Path) -> None:
    """FSDP2, tensor parallel, and one over the other; sizes that no number of ranks divides."""
    program = Path(__file__).with_name("ranks.py")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/clients/python", "MASTER_ADDR": "127.0.0.1"}
    environment |= {"MASTER_PORT": str(free_port()), "WORLD_SIZE": str(ranks), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(program), str(tmp_path)]
    started = [
        subprocess.Popen(command, env=environment | {"RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in range(ranks)
    ]
    failures = [process.communicate(timeout=240)[1] for process in started]
    assert [process.returncode for process in started] == [0] * ranks, failures
    model = net()
    init_(model, seed=9)
    for way in ("fsdp", "tensor", "meta", "both")[: 4 if ranks == 4 else 3]:
        found = torch.load(tmp_path / f"{way}.pt")
        assert found.keys() == dict(model.named_parameters()).keys()
        for name, each in model.named_parameters():
            assert torch.equal(found[name], each.detach()), (way, name)
    assert np.isfinite(model[1].weight.detach().numpy()).all()
