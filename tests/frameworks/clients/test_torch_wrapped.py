"""Models that are wrapped, parametrised, adapted, or on the meta device are filled as they are without all this."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from initserve import Local
from initserve.torch import init_
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.nn.utils import parametrizations, parametrize, weight_norm
from torch.optim.swa_utils import AveragedModel

from tests.frameworks.clients.test_torch import net, reference, small


class Inner(nn.Module):
    """Has a part called `module`, which is no wrapper's."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Linear(4, 3)
        self.model = nn.Linear(3, 5)


WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "torch.compile": lambda model: torch.compile(model),  # type: ignore[dict-item, return-value]
    "DataParallel": lambda model: nn.DataParallel(model),
    "checkpoint": checkpoint_wrapper,
    "AveragedModel": AveragedModel,
    "several": lambda model: nn.DataParallel(torch.compile(checkpoint_wrapper(model))),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapped_model_is_filled_as_the_one_within(wrapper: str) -> None:
    plain, wrapped = Inner(), WRAPPERS[wrapper](Inner())
    outer = nn.ModuleDict({"a": Inner(), "b": WRAPPERS[wrapper](Inner())})
    init_(plain, seed=3)
    report = init_(wrapped, seed=3)
    names = {each.name.replace("_checkpoint_wrapped_module.", "") for each in report.filled}
    assert names == {name.replace("_checkpoint_wrapped_module.", "") for name, _ in wrapped.named_parameters()}
    assert all(torch.equal(one, two) for one, two in zip(plain.parameters(), wrapped.parameters(), strict=True))
    both = nn.ModuleDict({"a": Inner(), "b": Inner()})
    init_(both)
    init_(outer)
    assert all(torch.equal(one, two) for one, two in zip(both.parameters(), outer.parameters(), strict=True))


class Adapted(nn.Module):
    """A layer of PEFT's: the one that was there, and beside it the adapter."""

    __module__ = "peft.tuners.lora.layer"

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.base_layer = layer
        self.lora_A = nn.ModuleDict({"default": nn.Linear(layer.in_features, 2, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(2, layer.out_features, bias=False)})


class Tuner(nn.Module):
    __module__ = "peft.tuners.lora.model"

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model


class Peft(nn.Module):
    __module__ = "peft.peft_model"

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.base_model = Tuner(model)


def test_an_adapter_changes_neither_names_nor_what_the_model_computes_at_first() -> None:
    plain, adapted = Inner(), Inner()
    init_(plain)
    adapted.module = Adapted(adapted.module)  # type: ignore[assignment]
    init_(Peft(adapted))
    layer: Any = adapted.module
    assert torch.equal(layer.base_layer.weight, plain.module.weight)
    assert torch.equal(adapted.model.weight, plain.model.weight)
    assert not layer.lora_B["default"].weight.any()
    assert layer.lora_A["default"].weight.std() > 0


@pytest.mark.parametrize("way", [parametrizations.weight_norm, weight_norm, parametrizations.spectral_norm])
def test_what_a_module_computes_of_parameters_comes_to_what_it_would_be_without(way: Callable[..., nn.Module]) -> None:
    """weight_norm: length and direction of the very weight; the module then gives what the plain one gives."""
    plain, other = nn.Conv1d(4, 6, 3), nn.Conv1d(4, 6, 3)
    init_(nn.ModuleDict({"a": plain}), seed=5)
    made = way(other)
    report = init_(nn.ModuleDict({"a": made}), seed=5)
    assert {each.name for each in report.filled} == {"a.weight", "a.bias"}
    x = torch.randn(2, 4, 9)
    if way is parametrizations.spectral_norm:
        assert torch.equal(made.parametrizations.weight.original, plain.weight)  # type: ignore[union-attr, union-attr, union-attr]
    else:
        torch.testing.assert_close(made(x), plain(x), rtol=1e-5, atol=1e-6)


def test_a_parametrization_that_cannot_be_set_keeps_its_own_parameter() -> None:
    class Doubled(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

    model = nn.Linear(4, 3)
    parametrize.register_parametrization(model, "weight", Doubled())
    report = init_(nn.ModuleDict({"a": model}))
    assert {each.name for each in report.filled} == {"a.bias", "a.parametrizations.weight.original"}


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embedding.weight
        self.head.weight.note = "kept"  # type: ignore[attr-defined]
        self.embedding.weight.requires_grad_(False)


def test_a_model_on_the_meta_device_gets_memory_ties_and_the_buffers_of_torchs_layers() -> None:
    with torch.device("meta"):
        model, plain = Tied(), net()
    report = init_(model)
    assert model.head.weight is model.embedding.weight
    assert model.head.weight.note == "kept"  # type: ignore[attr-defined]
    assert not model.head.weight.requires_grad
    assert report.tied == {"head.weight": "embedding.weight"}
    assert model.norm.running_mean.tolist() == [0.0] * 4  # type: ignore[union-attr]
    assert model.norm.running_var.tolist() == [1.0] * 4  # type: ignore[union-attr]
    assert not any(each.is_meta for each in (*model.parameters(), *model.buffers()))
    init_(plain)
    assert all(torch.equal(each, reference(0)[name]) for name, each in plain.named_parameters())


def test_what_stands_in_memory_beside_is_left_alone() -> None:
    model = net()
    model.register_buffer("table", torch.full((3,), 5.0))
    model[1].to("meta")
    init_(model)
    assert all(torch.equal(each, reference(0)[name]) for name, each in model.named_parameters())
    assert model.table.tolist() == [5.0] * 3


def test_a_buffer_whose_values_nothing_tells_is_refused_and_nothing_is_changed() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(2, 2))
        model.register_buffer("positions", torch.arange(4.0))
    with pytest.raises(ValueError, match="positions is a buffer on the meta device"):
        init_(model)
    assert all(each.is_meta for each in model.parameters())


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "gemma2", "whisper", "t5", "mamba"])
def test_buffers_of_transformers_models_are_as_built(kind: str) -> None:
    """On meta throughout: init_ alone gives every parameter and buffer its values, and moves no generator."""
    from transformers import AutoConfig, AutoModel

    config = small(kind) if kind not in ("whisper", "t5", "mamba") else AutoConfig.for_model(kind, **SMALL[kind])
    wanted = AutoModel.from_config(config)
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    before = torch.get_rng_state()
    init_(model)
    assert torch.equal(torch.get_rng_state(), before)
    found = dict(model.named_buffers())
    assert found.keys() == dict(wanted.named_buffers()).keys()
    assert all(torch.equal(found[name], each) for name, each in wanted.named_buffers())
    assert all(torch.isfinite(each).all() for each in model.parameters())
    again = init_(model)
    assert not again.kept


SMALL: dict[str, dict[str, Any]] = {
    "whisper": {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2}
    | {"decoder_attention_heads": 2, "vocab_size": 50, "decoder_ffn_dim": 8, "encoder_ffn_dim": 8, "pad_token_id": 0}
    | {"bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 50},
    "mamba": {"hidden_size": 16, "num_hidden_layers": 1, "state_size": 4, "vocab_size": 50},
}


def test_the_streams_of_wrapped_layers_are_those_of_their_specs() -> None:
    model = nn.DataParallel(nn.Sequential(nn.Linear(4, 3)))
    init_(model)
    layers = [{"name": "0", "type": "dense", "shape": [4, 3]}]
    wanted = Local().init({"seed": 0, "layout": "pytorch", "layers": layers})["0.weight"]
    assert model.module[0].weight.detach().numpy().tobytes() == wanted.tobytes()  # type: ignore[index]
