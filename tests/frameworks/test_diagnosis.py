"""The passes of a diagnosis against PyTorch's: outputs and gradients of every layer that runs, and of whole stacks."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from service.analysis import tape
from service.analysis.functions import FUNCTIONS
from service.analysis.network import Network
from service.specs.spec import Spec
from tests.frameworks import torch_layers
from tests.frameworks.networks import LAYERS, draw, restless

TOLERANCE = 1e-4
RUNS = {name: case for name, case in LAYERS.items() if name != "embedding"}
PLENTY = 2**40


def on_a_ring(layer: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
    """Repeat the other end's values before and after, so that a convolution that pads nothing sees a ring."""
    pads: list[int] = []
    for size in reversed(layer["shape"][:-2]):
        pads += [size // 2, size - 1 - size // 2]
    return nn.functional.pad(x, pads, mode="circular")


def laid_on_a_ring(layer: dict[str, Any], full: torch.Tensor, places: tuple[int, ...]) -> torch.Tensor:
    """Add what stands beyond either end of a transposed convolution's outputs to the other end."""
    for axis, (size, count) in enumerate(zip(layer["shape"][:-2], places, strict=True), start=2):
        length = count * layer.get("strides", 1)
        where = (torch.arange(full.shape[axis]) - size // 2) % length
        shape = list(full.shape)
        shape[axis] = length
        full = torch.zeros(shape).index_add(axis, where, full)
    return full


def torch_output(layer: dict[str, Any], module: Any, x: torch.Tensor) -> torch.Tensor:
    kind = layer["type"]
    module.train()
    for part in module.modules():
        if hasattr(part, "eps"):
            part.eps = 1e-5
    if kind.endswith("transpose"):
        # Without the bias, which would be added twice where both ends meet.
        full = module(x.movedim(-1, 1)).movedim(1, -1) - module.bias
        ring = laid_on_a_ring(layer, full.movedim(-1, 1), tuple(x.shape[1:-1]))
        made: torch.Tensor = ring.movedim(1, -1) + module.bias
    elif "conv" in kind:
        made = module(on_a_ring(layer, x.movedim(-1, 1))).movedim(1, -1)
    elif torch_layers.channels_first(layer):
        made = module(x.movedim(-1, 1)).movedim(1, -1)
    elif kind in ("simple_rnn", "lstm", "gru"):
        made = module(x)[0]
    elif kind == "multi_head_attention":
        made = module(x, x, x, need_weights=False)[0]
    else:
        made = module(x)
    return made


@pytest.mark.parametrize("name", RUNS)
def test_a_layer_and_its_gradients_are_torchs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, shape = RUNS[name]
    uneasy = restless(layer)
    monkeypatch.setattr("service.analysis.rules.norms.GROUPS", 3)  # as the module here has
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, *shape))
    spec = Spec.model_validate({"seed": 42, "layers": [uneasy["layer"]], "rules": uneasy["rules"]})
    (stage,) = Network(spec, PLENTY).run({"input": x})
    gradient = rng.standard_normal(stage.fed.value.shape)
    tape.backward(stage.fed, gradient)

    arrays = draw(uneasy["layer"], rules=uneasy["rules"], layout="pytorch")
    module = torch_layers.load(layer, arrays)
    given = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    made = torch_output(layer, module, given)
    made.backward(torch.tensor(gradient, dtype=torch.float32))

    size = float(np.abs(stage.fed.value).max())
    assert stage.fed.value == pytest.approx(made.detach().numpy(), abs=TOLERANCE * size)
    back = stage.taken[0].gradient
    assert back is not None
    assert given.grad is not None
    assert back == pytest.approx(given.grad.numpy(), abs=TOLERANCE * float(np.abs(back).max()))


TORCH_FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda x: x,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softsign": nn.functional.softsign,
    "hard_tanh": nn.functional.hardtanh,
    "hard_sigmoid": nn.functional.hardsigmoid,
    "tanhshrink": nn.functional.tanhshrink,
    "sin": torch.sin,
    "exp": torch.exp,
    "softplus": nn.functional.softplus,
    "log_sigmoid": nn.functional.logsigmoid,
    "relu": nn.functional.relu,
    "relu6": nn.functional.relu6,
    "leaky_relu": nn.functional.leaky_relu,
    "prelu": lambda x: nn.functional.leaky_relu(x, 0.25),
    "squared_relu": lambda x: nn.functional.relu(x) ** 2,
    "elu": nn.functional.elu,
    "celu": nn.functional.celu,
    "selu": nn.functional.selu,
    "gelu": nn.functional.gelu,
    "gelu_tanh": lambda x: nn.functional.gelu(x, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": nn.functional.silu,
    "mish": nn.functional.mish,
    "hard_swish": nn.functional.hardswish,
}


def test_every_activation_has_its_peer() -> None:
    assert TORCH_FUNCTIONS.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_and_its_slope_are_torchs(name: str) -> None:
    x = np.concatenate([np.linspace(-9.0, 9.0, 1999), [-40.0, 40.0]])
    given = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    made = TORCH_FUNCTIONS[name](given)
    made.sum().backward()
    assert given.grad is not None
    # torch's hard_sigmoid has 1/6 in float32.
    assert FUNCTIONS[name].value(x) == pytest.approx(made.detach().numpy(), rel=1e-7, abs=1e-12)
    assert FUNCTIONS[name].slope(x) == pytest.approx(given.grad.numpy(), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_a_stacks_outputs_and_gradients_are_torchs_at_every_layer(activation: str) -> None:
    widths = [40, 60, 50, 30, 20]
    layers = [
        {"type": "dense", "shape": [a, b], "activation": activation, "bias": {"name": "random_normal", "stddev": 0.1}}
        for a, b in pairwise(widths)
    ]
    rng = np.random.default_rng(1)
    x = rng.standard_normal((32, 40))
    stages = list(Network(Spec.model_validate({"seed": 7, "layers": layers}), PLENTY).run({"input": x}))
    gradient = rng.standard_normal(stages[-1].out.value.shape)
    tape.backward(stages[-1].out, gradient)

    h = torch.tensor(x)
    outputs, kernels = [], []
    for stage in stages:
        kernels.append(torch.tensor(stage.weights["kernel"].value, requires_grad=True))
        h = TORCH_FUNCTIONS[activation](h @ kernels[-1] + torch.tensor(stage.weights["bias"].value))
        h.retain_grad()
        outputs.append(h)
    h.backward(torch.tensor(gradient))
    for stage, out, kernel in zip(stages, outputs, kernels, strict=True):
        assert stage.out.value == pytest.approx(out.detach().numpy(), abs=TOLERANCE)
        assert out.grad is not None
        assert kernel.grad is not None
        assert stage.out.gradient == pytest.approx(out.grad.numpy(), abs=TOLERANCE)
        assert stage.weights["kernel"].gradient == pytest.approx(kernel.grad.numpy(), abs=TOLERANCE)
