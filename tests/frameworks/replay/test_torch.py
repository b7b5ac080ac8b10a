"""torch-cpu/1 against the real torch, at random: networks of layers and tensors, compared by bytes."""

import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from service.errors import NotExact
from service.replay.torch.kernels.erfinv import erfinv
from service.replay.torch.ties import rounded_away
from service.specs.spec import Spec
from tests.golden.erfinv import differing

PLAIN = "ATEN_CPU_CAPABILITY" in os.environ
OLDER = torch.__version__ < "2.12"  # put before the environment's own by PYTHONPATH
ALGORITHM = "torch-cpu-default/1" if PLAIN else "torch-cpu-2.11/1" if OLDER else "torch-cpu/1"
CASES = int(os.environ.get("REPLAY_CASES", "250"))
DTYPES = {
    "float32": torch.float32, "float64": torch.float64, "float16": torch.float16, "bfloat16": torch.bfloat16
}  # fmt: skip
if OLDER:
    del DTYPES["float16"], DTYPES["bfloat16"]
SEEDS = st.one_of(st.integers(-(2**63), 2**64 - 1), st.integers(-9, 100), st.sampled_from([2**31, 2**32, 2**53]))
SIZES = st.integers(1, 9)
KINDS = [
    "dense",
    "conv",
    "back",
    "depthwise",
    "separable",
    "embedding",
    "recurrent",
    "attention",
    "bilinear",
    "norm",
    "block",
    "stack",
    "cell",
    "transformers",
]
Layer = dict[str, Any]
Made = tuple[Layer, Any]  # a layer, and what makes its tensors: dtype -> list of tensors


def parts(*modules: nn.Module) -> list[torch.Tensor]:
    return [value for module in modules for name, value in module.state_dict().items() if "num_batches" not in name]


@st.composite
def modules(draw: st.DrawFn) -> Made:
    a, b, c = draw(SIZES), draw(SIZES), draw(SIZES)
    bias = draw(st.booleans())
    own: Layer = {} if bias else {"bias": None}
    match draw(st.sampled_from(KINDS)):
        case "dense":
            a, b = a * draw(st.sampled_from([1, 40])), b * draw(st.sampled_from([1, 30]))
            return {"type": "dense", "shape": [a, b], **own}, lambda d: parts(nn.Linear(a, b, bias=bias, dtype=d))
        case "conv" | "back" as way:
            axes, groups = draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2, 3]))
            field, into, out = [draw(st.integers(1, 4)) for _ in range(axes)], a * groups, b * groups
            kind = f"conv{axes}d" if way == "conv" else f"conv{axes}d_transpose"
            make = getattr(nn, f"Conv{axes}d" if way == "conv" else f"ConvTranspose{axes}d")
            layer = {"type": kind, "shape": [*field, into, out], "groups": groups, **own}
            return layer, lambda d: parts(make(into, out, tuple(field), groups=groups, bias=bias, dtype=d))
        case "depthwise":
            layer = {"type": "depthwise_conv2d", "shape": [3, b, a, c], **own}
            return layer, lambda d: parts(nn.Conv2d(a, a * c, (3, b), groups=a, bias=bias, dtype=d))
        case "separable":
            layer = {"type": "separable_conv1d", "shape": [b, a, c], "depth_multiplier": 2, **own}
            return layer, lambda d: parts(
                nn.Conv1d(a, 2 * a, b, groups=a, bias=False, dtype=d), nn.Conv1d(2 * a, c, 1, bias=bias, dtype=d)
            )
        case "embedding":
            row = draw(st.none() | st.integers(0, a - 1))
            layer, make = {"type": "embedding", "shape": [a, b], "padding_index": row}, nn.Embedding
            if draw(st.booleans()):
                layer, make = {**layer, "type": "EmbeddingBag"}, nn.EmbeddingBag
            return layer, lambda d: parts(make(a, b, padding_idx=row, dtype=d))
        case "recurrent":
            kind, make = draw(st.sampled_from([("simple_rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)]))
            more = {"num_layers": draw(st.integers(1, 3)), "bidirectional": draw(st.booleans())}
            width = draw(st.integers(1, b - 1)) if kind == "lstm" and b > 1 and draw(st.booleans()) else None
            layer = {"type": kind, "shape": [a, b], **more, **own}
            if width:
                layer["projection"] = width
            return layer, lambda d: parts(
                make(a, b, bias=bias, dtype=d, **more, **({"proj_size": width} if width else {}))
            )
        case "attention":
            width, more = a * b, {}
            if draw(st.booleans()):
                more = {"kdim": draw(SIZES), "vdim": draw(SIZES)}
            extra = draw(st.booleans())
            layer = {"type": "multi_head_attention", "shape": [width, a, b], "bias_kv": extra, **own}
            layer |= {"key_width": more.get("kdim"), "value_width": more.get("vdim")}
            return layer, lambda d: parts(
                nn.MultiheadAttention(width, a, bias=bias, add_bias_kv=extra, dtype=d, **more)
            )
        case "bilinear":
            return {"type": "bilinear", "shape": [a, b, c], **own}, lambda d: parts(nn.Bilinear(a, b, c, bias, dtype=d))
        case "norm":
            return {"type": "batch_norm", "shape": [a]}, lambda d: parts(nn.BatchNorm1d(a, dtype=d))
        case "block" | "stack" as way:
            side = draw(st.sampled_from(["Encoder", "Decoder"]))
            block = getattr(nn, f"Transformer{side}Layer")
            layer = {"type": f"transformer_{side.lower()}_layer", "shape": [a * b, a, c], **own}
            if way == "block":
                return layer, lambda d: parts(block(a * b, a, c, bias=bias, dtype=d))
            count, last = draw(st.integers(1, 3)), draw(st.booleans())
            layer |= {"type": f"transformer_{side.lower()}", "num_layers": count, "norm": last}

            def stacked(d: torch.dtype) -> list[torch.Tensor]:
                norm = nn.LayerNorm(a * b, bias=bias, dtype=d) if last else None
                return parts(getattr(nn, f"Transformer{side}")(block(a * b, a, c, bias=bias, dtype=d), count, norm))

            return layer, stacked
        case "cell":
            kind, make = draw(st.sampled_from([("simple_rnn", nn.RNNCell), ("lstm", nn.LSTMCell), ("gru", nn.GRUCell)]))
            layer = {"type": kind, "shape": [a, b], "cell": True, **own}
            return layer, lambda d: parts(make(a, b, bias=bias, dtype=d))
        case _:
            layer = {"type": "transformers_conv1d", "shape": [a, b]}
            return layer, lambda d: [torch.empty(a, b, dtype=d).normal_(std=0.02), torch.zeros(b, dtype=d)]


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name in ("float32", "float64")])
@pytest.mark.parametrize("count", [3, 1000])
def test_what_rounds_to_the_end_of_an_interval(dtype: str, count: int) -> None:
    high = 1.0 + 2.0 ** (-22 if dtype == "float32" else -51)
    layers = [{"type": "tensor", "shape": [count], "scheme": {"name": "torch:uniform", "a": 1.0, "b": high}}]
    (parameter,) = (
        Spec.model_validate({"algorithm": ALGORITHM, "seed": 0, "dtype": dtype, "layers": layers}).plan().parameters
    )
    torch.manual_seed(0)
    theirs = torch.empty(count, dtype=DTYPES[dtype]).uniform_(1.0, high)
    assert b"".join(block.tobytes() for block in parameter.blocks()) == bytes_of(theirs)
    assert count < 9 or bool((theirs == high).any()) is OLDER


def floats(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, width=64)


@st.composite
def tensors(draw: st.DrawFn) -> Made:
    if draw(st.booleans()):
        shape = [draw(st.integers(1, 40)) for _ in range(draw(st.integers(2, 4)))]
    else:
        shape = draw(
            st.sampled_from([[1, 1], [3, 5], [4, 4], [15, 1], [16, 1], [17, 1], [31, 33], [4096, 49], [600, 600]])
        )
    kind = draw(st.sampled_from(["normal", "uniform", "trunc", "narrow", "kaiming", "xavier", "sparse", "constant"]))
    scheme: Any

    def layer(scheme: Any) -> Layer:
        return {"type": "tensor", "shape": shape, "scheme": scheme}

    def on(call: Any) -> Any:
        def make(dtype: torch.dtype) -> list[torch.Tensor]:
            tensor = torch.empty(shape, dtype=dtype)
            call(tensor)
            return [tensor]

        return make

    mean, std = draw(floats(-2, 2)), draw(floats(1e-3, 3))
    match kind:
        case "normal":
            return layer({"name": "random_normal", "mean": mean, "stddev": std}), on(
                lambda t: nn.init.normal_(t, mean, std)
            )
        case "uniform":
            high = mean + std
            scheme = {"name": "random_uniform", "minval": mean, "maxval": high}
            return layer(scheme), on(lambda t: nn.init.uniform_(t, mean, high))
        case "trunc" | "narrow":
            low, high = mean - draw(floats(0.3, 3)) * std, mean + draw(floats(0.8, 3)) * std
            if kind == "narrow":
                low = mean + draw(floats(-1, 2)) * std
                high = low + draw(floats(0.1, 0.8)) * std
            scheme = {"name": "torch:trunc_normal", "mean": mean, "stddev": std, "minval": low, "maxval": high}
            return layer(scheme), on(lambda t: nn.init.trunc_normal_(t, mean, std, low, high))
        case "kaiming":
            slope, mode = draw(floats(0, 3)), draw(st.sampled_from(["fan_in", "fan_out"]))
            shaped, fill = draw(st.sampled_from([("uniform", nn.init.kaiming_uniform_),
                                                 ("untruncated_normal", nn.init.kaiming_normal_)]))  # fmt: skip
            scheme = {"name": "variance_scaling", "scale": 2.0 / (1 + slope**2), "mode": mode, "distribution": shaped}
            return layer(scheme), on(lambda t: fill(t, slope, mode))
        case "xavier":
            gain = draw(floats(0.1, 3))
            shaped, fill = draw(st.sampled_from([("uniform", nn.init.xavier_uniform_),
                                                 ("untruncated_normal", nn.init.xavier_normal_)]))  # fmt: skip
            scheme = {"name": "variance_scaling", "scale": gain * gain, "mode": "fan_avg", "distribution": shaped}
            return layer(scheme), on(lambda t: fill(t, gain))
        case "sparse":
            shape = [shape[0], math.prod(shape[1:])]
            share = draw(floats(0.01, 0.99))
            return layer({"name": "torch:sparse", "sparsity": share, "stddev": std}), on(
                lambda t: nn.init.sparse_(t, share, std)
            )
        case _:
            return layer({"name": "constant", "value": mean}), on(lambda t: nn.init.constant_(t, mean))


def bytes_of(tensor: torch.Tensor) -> bytes:
    raw: bytes = tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.dim() else b""
    return raw


@pytest.mark.parametrize("threads", [1, 2])
@settings(max_examples=CASES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    networks=st.lists(
        st.tuples(st.one_of(modules(), tensors()), st.none() | st.sampled_from(list(DTYPES))), min_size=1, max_size=5
    ),
    seed=SEEDS,
    dtype=st.sampled_from(list(DTYPES)),
)
def test_networks_are_torchs_byte_for_byte(
    threads: int, networks: list[tuple[Made, str | None]], seed: int, dtype: str
) -> None:
    layers = [layer | {"dtype": own} for (layer, _), own in networks]
    spec = {"algorithm": ALGORITHM, "seed": str(seed), "dtype": dtype, "layers": layers}
    try:
        plan = Spec.model_validate(spec).plan()
    except NotExact:
        return
    torch.set_num_threads(threads)
    torch.manual_seed(seed - 2**64 if seed >= 2**63 else seed)
    theirs = [bytes_of(tensor) for (_, make), own in networks for tensor in make(DTYPES[own or dtype])]
    ours = [b"".join(block.tobytes() for block in parameter.blocks()) for parameter in plan.parameters]
    for parameter, mine, real in zip(plan.parameters, ours, theirs, strict=True):
        assert mine == real, parameter.key


@settings(max_examples=CASES // 4, deadline=None, suppress_health_check=list(HealthCheck))
@given(inputs=st.integers(1, 50), outputs=st.integers(1, 50), seed=SEEDS, kind=st.sampled_from(["normal", "uniform"]))
def test_stated_schemes_come_after_all_defaults(inputs: int, outputs: int, seed: int, kind: str) -> None:
    dense = {"type": "dense", "shape": [inputs, outputs]}
    layers = [dense | {"scheme": f"torch:kaiming_{kind}"}, dense | {"bias": "torch:normal"}, dense]
    plan = Spec.model_validate({"algorithm": ALGORITHM, "seed": str(seed), "layers": layers}).plan()
    torch.manual_seed(seed - 2**64 if seed >= 2**63 else seed)
    real = [nn.Linear(inputs, outputs) for _ in layers]
    getattr(nn.init, f"kaiming_{kind}_")(real[0].weight)
    nn.init.normal_(real[1].bias)
    for parameter, theirs in zip(plan.parameters, parts(*real), strict=True):
        ours = np.concatenate(list(parameter.blocks())).reshape(parameter.shape)
        assert torch.equal(theirs, torch.from_numpy(ours)), parameter.key


@pytest.mark.parametrize("weight", DTYPES)
@pytest.mark.parametrize("bias", DTYPES)
@pytest.mark.parametrize("width", [3, 5, 40])
def test_a_rules_dtype_is_that_of_the_parameter_before_it_is_drawn(weight: str, bias: str, width: int) -> None:
    """As where a module's parameters are of several dtypes when its initialisation comes to them."""
    dense = {"name": "a", "type": "dense", "shape": [3, width], "scheme": "torch:normal", "bias": "torch:normal"}
    last = {"name": "b", "type": "dense", "shape": [7, 5], "scheme": "torch:normal"}
    rules = [{"match": "a/kernel", "dtype": weight}, {"match": "a/bias", "dtype": bias}]
    plan = Spec.model_validate({"algorithm": ALGORITHM, "seed": 3, "layers": [dense, last], "rules": rules}).plan()
    modules = [nn.Linear(3, width), nn.Linear(7, 5)]
    modules[0].weight = nn.Parameter(modules[0].weight.to(DTYPES[weight]))
    modules[0].bias = nn.Parameter(modules[0].bias.to(DTYPES[bias]))
    torch.manual_seed(3)
    for module in modules:
        module.reset_parameters()
    for parameter in (modules[0].weight, modules[0].bias, modules[1].weight):
        nn.init.normal_(parameter)
    theirs = [bytes_of(parameter.detach()) for module in modules for parameter in module.parameters()]
    assert [b"".join(block.tobytes() for block in each.blocks()) for each in plan.parameters] == theirs


@pytest.mark.skipif(PLAIN or OLDER, reason="this is the run of another torch")
def test_the_same_without_avx2_and_fma() -> None:
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    command = [sys.executable, "-m", "pytest", "-q", "--override-ini", "filterwarnings=default", __file__]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert torch.backends.cpu.get_cpu_capability() != "DEFAULT"


def real_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value for name, value in module.state_dict().items() if "num_batches" not in name}


def own(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(module.named_parameters(recurse=False))


STATED: list[tuple[Layer, Any, Any]] = [
    # (layer, the module, what model.apply calls)
    (
        {"type": "gru", "shape": [3, 4], "recurrent_scheme": "identity"},
        lambda: nn.GRU(3, 4),
        lambda m: isinstance(m, nn.GRU) and nn.init.eye_(m.weight_hh_l0),
    ),
    (
        {"type": "depthwise_conv2d", "shape": [3, 3, 4, 2], "scheme": "dirac"},
        lambda: nn.Conv2d(4, 8, 3, groups=4),
        lambda m: nn.init.dirac_(m.weight, 4),
    ),
    (
        {"type": "conv2d_transpose", "shape": [3, 3, 4, 6], "groups": 2, "scheme": "dirac"},
        lambda: nn.ConvTranspose2d(4, 6, 3, groups=2),
        lambda m: nn.init.dirac_(m.weight, 2),
    ),
    (
        {"type": "embedding", "shape": [5, 3], "padding_index": 2, "scheme": "torch:normal"},
        lambda: nn.Embedding(5, 3, padding_idx=2),
        lambda m: nn.init.normal_(m.weight),
    ),
    (
        {"type": "multi_head_attention", "shape": [6, 2, 3], "scheme": "torch:normal", "output_scheme": "torch:normal",
         "bias": "torch:uniform"},
        lambda: nn.MultiheadAttention(6, 2),
        lambda m: [nn.init.uniform_(p) if "bias" in n else nn.init.normal_(p) for n, p in own(m)],
    ),
    (
        {"type": "transformer_encoder_layer", "shape": [6, 2, 5], "scheme": "torch:normal",
         "output_scheme": "torch:normal"},
        lambda: nn.TransformerEncoderLayer(6, 2, 5),
        lambda m: not isinstance(m, nn.LayerNorm)
        and [nn.init.normal_(p) for n, p in own(m) if "bias" not in n],
    ),
    (
        {"type": "transformer_decoder", "shape": [6, 2, 5], "num_layers": 2, "norm": True, "scheme": "torch:normal",
         "output_scheme": "torch:normal"},
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 5), 2, nn.LayerNorm(6)),
        lambda m: not isinstance(m, nn.LayerNorm)
        and [nn.init.normal_(p) for n, p in own(m) if "bias" not in n],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "build", "init"), STATED, ids=[layer["type"] for layer, _, _ in STATED])
def test_what_is_stated_is_what_apply_does(layer: Layer, build: Any, init: Any) -> None:
    dense = {"type": "dense", "shape": [3, 2], "name": "after", "scheme": "torch:normal"}
    plan = Spec.model_validate({"algorithm": ALGORITHM, "seed": 9, "layers": [layer, dense]}).plan()
    torch.manual_seed(9)
    module, last = build(), nn.Linear(3, 2)
    module.apply(init)
    nn.init.normal_(last.weight)
    for parameter, theirs in zip(plan.parameters, [*real_of(module).values(), *real_of(last).values()], strict=True):
        ours = np.concatenate(list(parameter.blocks())).reshape(parameter.shape)
        assert torch.equal(theirs, torch.from_numpy(ours)), parameter.key


@pytest.mark.skipif(OLDER, reason="its uniforms of half precision were others")
@pytest.mark.parametrize(
    ("mean", "std", "low", "high"), [(0.0, 1.0, 0.6, 300.0), (0.0, 20000.0, -40000.0, 60000.0), (0.0, 9e3, -1e4, 6e4)]
)
def test_half_precision_beyond_its_largest_number(mean: float, std: float, low: float, high: float) -> None:
    scheme = {"name": "torch:trunc_normal", "mean": mean, "std": std, "a": low, "b": high}
    layers = [{"type": "tensor", "shape": [4096], "scheme": scheme}]
    spec = {"algorithm": ALGORITHM, "seed": 0, "dtype": "float16", "exact": False, "layers": layers}
    (parameter,) = Spec.model_validate(spec).plan().parameters
    torch.manual_seed(0)
    theirs = nn.init.trunc_normal_(torch.empty(4096, dtype=torch.float16), mean, std, low, high)
    assert b"".join(block.tobytes() for block in parameter.blocks()) == bytes_of(theirs)


def test_the_inverse_error_function_is_torchs_of_every_number() -> None:
    """All float32 numbers from 2^-25 to 1; below, it is a product that is rounded to the nearest."""
    assert not differing(rounded_away()).size
    tiny = np.geomspace(1e-45, 2.0**-24, 10_001).astype(np.float32)
    ours = tiny.copy()
    erfinv(ours, rounded_away())
    np.testing.assert_array_equal(ours, torch.from_numpy(tiny).erfinv().numpy())


def in_timm(tensor: torch.Tensor, mean: float, std: float, low: float, high: float, scaled: bool) -> None:
    """trunc_normal_ of timm.layers, or trunc_normal_tf_: torch's operations in the order of their definition."""
    inner = (0.0, 1.0) if scaled else (mean, std)
    lower, upper = ((1.0 + math.erf((end - inner[0]) / inner[1] / math.sqrt(2.0))) / 2.0 for end in (low, high))
    tensor.uniform_(2 * lower - 1, 2 * upper - 1).erfinv_().mul_(inner[1] * math.sqrt(2.0)).add_(inner[0])
    tensor.clamp_(min=low, max=high)
    if scaled:
        tensor.mul_(std).add_(mean)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shape=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    mean=floats(-2, 2),
    std=floats(1e-3, 3),
    bounds=st.tuples(floats(-4, 2), floats(0.01, 9)),
    scaled=st.booleans(),
    seed=SEEDS,
    dtype=st.sampled_from([name for name in DTYPES if name != "float64"]),
)
def test_timms_truncated_normals(
    shape: list[int], mean: float, std: float, bounds: tuple[float, float], scaled: bool, seed: int, dtype: str
) -> None:
    low, high = bounds[0], bounds[0] + bounds[1]
    scheme = {"name": f"timm:trunc_normal{'_tf' * scaled}_", "mean": mean, "std": std, "a": low, "b": high}
    layers = [{"type": "tensor", "shape": shape, "scheme": scheme}, {"type": "dense", "shape": [3, 4]}]
    try:
        plan = Spec.model_validate({"algorithm": ALGORITHM, "seed": str(seed), "dtype": dtype, "layers": layers}).plan()
    except ValidationError:  # bounds so far out that nothing is between them
        return
    torch.manual_seed(seed - 2**64 if seed >= 2**63 else seed)
    tensor = torch.empty(shape, dtype=DTYPES[dtype])
    in_timm(tensor, mean, std, low, high, scaled)
    after = nn.Linear(3, 4, dtype=DTYPES[dtype])
    for parameter, real in zip(plan.parameters, [tensor, after.weight.detach(), after.bias.detach()], strict=True):
        assert b"".join(block.tobytes() for block in parameter.blocks()) == bytes_of(real), parameter.key
