"""Listings of real models, built without memory: what each tensor is taken for, held against its module's class."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import pytest
import torch
import transformers
from flax import linen
from flax.traverse_util import flatten_dict

from service.specs.spec import Spec

# Model types of transformers, in their default sizes: text, images, sound, several at once; dense and mixtures.
TYPES = (
    "llama", "mistral", "mixtral", "qwen2", "qwen3_moe", "gemma", "gemma2", "phi3", "gpt2", "gpt_neox", "opt", "bloom",
    "bert", "roberta", "distilbert", "deberta-v2", "albert", "electra", "xlm-roberta", "t5", "bart", "mbart", "pegasus",
    "whisper", "wav2vec2", "hubert", "clip", "siglip", "vit", "dinov2", "beit", "swin", "convnext", "resnet",
    "mobilenet_v2", "segformer", "yolos", "mamba", "deepseek_v3", "gpt_oss", "falcon", "codegen", "olmo2", "speecht5",
)  # fmt: skip
NORMS = "Norm"
OF_TORCH: tuple[tuple[type[torch.nn.Module], str], ...] = (
    (torch.nn.Linear, "dense"),
    (torch.nn.Embedding, "embedding"),
    (torch.nn.modules.conv._ConvTransposeNd, "transposed convolution"),
    (torch.nn.modules.conv._ConvNd, "convolution"),
    (torch.nn.RNNBase, "recurrent"),
    (torch.nn.MultiheadAttention, "attention"),
)
CLOSER = {"dense": {"dense", "gate", "expert"}, "attention": {"attention", "bias"}}
STATISTICS = ("running_mean", "running_var")


def truth(model: torch.nn.Module) -> dict[str, str | None]:
    """Return what each tensor is by the class of its module; None for parameters of modules of a model's own."""
    modules, buffers = dict(model.named_modules(remove_duplicate=False)), dict(model.named_buffers())
    found: dict[str, str | None] = {}
    for name in model.state_dict():
        path, _, own = name.rpartition(".")
        module = modules.get(path)
        kind = next((kind for of, kind in OF_TORCH if isinstance(module, of)), None)
        if NORMS in type(module).__name__:
            kind = "running statistic" if own in STATISTICS else None if own == "num_batches_tracked" else "norm"
        elif own == "bias" and kind is not None:
            kind = "bias"
        found[name] = None if name in buffers and own not in STATISTICS else kind
    return found


def told(tensors: Mapping[str, Any], layout: str) -> tuple[dict[str, str], set[str]]:
    """Return what each tensor of a listing is taken for, and those of which a warning speaks."""
    spec = Spec.model_validate({"tensors": tensors, "layout": layout, "seed": 0})
    listing = spec.tensors
    assert listing is not None
    shapes = {each.key: list(each.shape) for each in spec.plan().parameters}
    left = {name: taken.kind for name, taken in listing.told.left_alone.items()}
    assert shapes.keys() | left.keys() == tensors.keys()
    assert all(shape == tensors[name]["shape"] for name, shape in shapes.items())
    doubtful = {name for doubt in listing.told.doubts for name in doubt.names}
    return {name: taken.kind for name, taken in listing.told.taken.items()} | left, doubtful


def judged(kinds: Mapping[str, str | None], taken: Mapping[str, str], doubtful: set[str]) -> Counter[str]:
    verdicts: Counter[str] = Counter()
    for name, kind in kinds.items():
        if kind is not None:
            right = taken[name] in CLOSER.get(kind, {kind})
            verdicts["right" if right else "warned" if name in doubtful else f"{name}: {taken[name]}"] += 1
    return verdicts


def built(model_type: str) -> torch.nn.Module:
    config = transformers.CONFIG_MAPPING[model_type]()
    kinds = (transformers.AutoModelForCausalLM, transformers.AutoModelForSeq2SeqLM, transformers.AutoModel)
    with torch.device("meta"):
        for kind in kinds:
            if type(config) in kind._model_mapping:
                return kind.from_config(config)
    raise AssertionError(model_type)


def listed(model: torch.nn.Module) -> dict[str, Any]:
    return {name: {"shape": list(each.shape), "dtype": str(each.dtype)} for name, each in model.state_dict().items()}


@pytest.fixture(scope="module")
def all_of_them() -> Iterator[Counter[str]]:
    verdicts: Counter[str] = Counter()
    yield verdicts
    assert verdicts["right"] >= 0.98 * verdicts.total(), verdicts
    assert set(verdicts) <= {"right", "warned"}, verdicts


@pytest.mark.parametrize("model_type", TYPES)
def test_each_tensor_of_a_model_of_transformers_is_told_or_warned_of(
    model_type: str, all_of_them: Counter[str]
) -> None:
    model = built(model_type)
    verdicts = judged(truth(model), *told(listed(model), "pytorch"))
    assert set(verdicts) <= {"right", "warned"}, verdicts
    all_of_them.update(verdicts)


def test_torchs_own_modules_are_told() -> None:
    with torch.device("meta"):
        model = torch.nn.ModuleDict(
            {
                "block": torch.nn.TransformerEncoderLayer(16, 4, 32),
                "rnn": torch.nn.LSTM(8, 5, num_layers=2, bidirectional=True),
                "cell": torch.nn.GRUCell(8, 5),
                "plain": torch.nn.RNN(8, 5, bias=False),
                "narrow": torch.nn.LSTM(8, 6, proj_size=3),
                "up": torch.nn.ConvTranspose2d(8, 4, 2),
                "depthwise": torch.nn.Conv2d(8, 8, 3, groups=8),
                "slope": torch.nn.PReLU(8),
                "cross": torch.nn.MultiheadAttention(16, 4, kdim=12, vdim=10, add_bias_kv=True),
                "bilinear": torch.nn.Bilinear(3, 4, 5),
                "normed": torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(4, 6)),
                "group": torch.nn.GroupNorm(2, 8),
            }
        )
    taken, _ = told(listed(model), "pytorch")
    assert {taken[f"{name}.weight"] for name in ("block.linear1", "block.self_attn.out_proj", "bilinear")} == {"dense"}
    assert taken["block.self_attn.in_proj_weight"] == taken["cross.k_proj_weight"] == "attention"
    assert {taken[name] for name in taken if name.split(".")[0] in ("rnn", "cell", "plain", "narrow")} == {"recurrent"}
    assert (taken["up.weight"], taken["depthwise.weight"]) == ("transposed convolution", "convolution")
    assert (taken["slope.weight"], taken["group.weight"]) == ("slope", "norm")
    assert taken["normed.parametrizations.weight.original0"] == "magnitude"
    assert taken["normed.parametrizations.weight.original1"] == "dense"


class Network(linen.Module):
    """A layer of each kind that Flax has."""

    @linen.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        x = linen.Embed(50, 16)(tokens)
        x = linen.MultiHeadDotProductAttention(4)(linen.LayerNorm()(x), x)
        x = linen.BatchNorm(use_running_average=False)(linen.Conv(12, (3,))(x))
        x = linen.ConvTranspose(8, (2,))(linen.PReLU()(x))
        x = linen.RNN(linen.OptimizedLSTMCell(6))(linen.RNN(linen.GRUCell(7))(x))
        x = linen.RMSNorm()(linen.RNN(linen.SimpleCell(6))(x))
        return linen.DenseGeneral((3, 2))(linen.GroupNorm(2)(linen.Dense(4)(x)))


EXPECTED = {
    "Embed": "embedding", "LayerNorm": "norm", "RMSNorm": "norm", "GroupNorm": "norm",
    "ConvTranspose": "transposed convolution", "Conv": "convolution", "PReLU": "slope", "Cell": "recurrent",
    "MultiHead": "attention", "DenseGeneral": "attention", "Dense": "dense",
}  # fmt: skip


@pytest.mark.parametrize("whole", [True, False])
def test_a_tree_of_flax_is_told_with_its_collections_and_without(whole: bool) -> None:
    variables = jax.eval_shape(Network().init, jax.random.key(0), jnp.zeros((1, 16), int))
    tree = variables if whole else variables["params"]
    leaves = flatten_dict(tree, sep="/")
    taken, doubtful = told({name: {"shape": list(leaf.shape)} for name, leaf in leaves.items()}, "flax")
    assert not doubtful
    for name, kind in taken.items():
        if name.startswith("batch_stats"):
            expected = "running statistic"
        elif "BatchNorm" in name:
            expected = "norm"
        else:
            expected = next(kind for word, kind in EXPECTED.items() if word in name)
        assert kind == expected or (name.endswith("/bias") and kind == "bias"), name
