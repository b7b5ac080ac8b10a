"""Steps of descent against PyTorch's: losses, gradients and what its optimisers make of them."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from service.analysis.losses import LOSSES, LossName
from service.analysis.network import Network
from service.analysis.optimizers import OPTIMIZERS, OptimizerName
from service.analysis.steps.descent import Step, descend
from service.specs.spec import Spec

THEIRS = {"cross_entropy": torch.nn.functional.cross_entropy, "squared_error": torch.nn.functional.mse_loss}
OPTIMISERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


@pytest.mark.parametrize("shape", [(7, 5), (3, 4, 5)])
@pytest.mark.parametrize("name", THEIRS)
def test_losses_and_their_gradients_are_torchs(name: LossName, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    answers = rng.standard_normal(shape)
    targets = rng.integers(0, 5, shape[:-1]) if name == "cross_entropy" else rng.standard_normal(shape)
    loss, gradient = LOSSES[name].value(answers, targets)
    rows = torch.tensor(answers.reshape(-1, 5), requires_grad=True)
    wanted = torch.tensor(targets.reshape(-1) if name == "cross_entropy" else targets.reshape(-1, 5))
    theirs = THEIRS[name](rows, wanted)
    theirs.backward()  # type: ignore[no-untyped-call]
    assert rows.grad is not None
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    assert gradient.reshape(-1, 5) == pytest.approx(rows.grad.numpy(), abs=1e-14)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_steps_are_torchs(name: OptimizerName) -> None:
    rng = np.random.default_rng(1)
    start = rng.standard_normal((4, 3))
    array, theirs = start.copy(), torch.tensor(start, requires_grad=True)
    ours, optimiser = OPTIMIZERS[name](), OPTIMISERS[name]([theirs], lr=0.03)
    for _ in range(10):
        gradient = rng.standard_normal((4, 3)) * 10.0 ** rng.integers(-6, 3)
        array += ours.change("w", gradient, 0.03)
        theirs.grad = torch.tensor(gradient)
        optimiser.step()
        assert array == pytest.approx(theirs.detach().numpy(), rel=1e-9)


# Whole networks: the same weights, the same batch, ten steps on both sides.

IMAGES: list[dict[str, Any]] = [
    {"name": "stem", "type": "conv2d", "shape": [3, 3, 2, 6], "padding": "same", "inputs": ["input"]},
    {"name": "norm", "type": "batch_norm", "shape": [6]},
    {"name": "relu", "type": "activation", "activation": "relu"},
    {"name": "conv", "type": "conv2d", "shape": [3, 3, 6, 6], "padding": "same", "bias": None},
    {"name": "sum", "type": "add", "inputs": ["relu", "conv"]},
    {"name": "pool", "type": "global_average_pool"},
    {"name": "head", "type": "dense", "shape": [6, 4]},
]
LANGUAGE: list[dict[str, Any]] = [
    {"name": "wte", "type": "embedding", "shape": [11, 8], "inputs": ["input"]},
    {"name": "ln", "type": "layer_norm", "shape": [8]},
    {"name": "fc", "type": "dense", "shape": [8, 8], "activation": "tanh"},
    {"name": "sum", "type": "add", "inputs": ["wte", "fc"]},
    {"name": "head", "type": "tied", "to": "wte", "transposed": True},
]


class Images(nn.Module):
    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.w = nn.ParameterDict({path.replace("/", "_"): nn.Parameter(one) for path, one in weights.items()})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w = self.w
        x = nn.functional.conv2d(x.movedim(-1, 1), w["stem_kernel"].permute(3, 2, 0, 1), w["stem_bias"], padding=1)
        x = nn.functional.batch_norm(x, None, None, w["norm_gamma"], w["norm_beta"], training=True)
        x = torch.relu(x)
        x = x + nn.functional.conv2d(x, w["conv_kernel"].permute(3, 2, 0, 1), padding=1)
        return x.mean((2, 3)) @ w["head_kernel"] + w["head_bias"]


class Language(Images):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w = self.w
        x = w["wte_embeddings"][x]
        y = nn.functional.layer_norm(x, (8,), w["ln_gamma"], w["ln_beta"])
        return (x + torch.tanh(y @ w["fc_kernel"] + w["fc_bias"])) @ w["wte_embeddings"].T


RNG = np.random.default_rng(3)
RUNS: dict[str, tuple[list[dict[str, Any]], type[Images], LossName, Any, Any]] = {
    "classes of images": (IMAGES, Images, "cross_entropy", RNG.standard_normal((6, 5, 5, 2)), RNG.integers(0, 4, 6)),
    "values of images": (
        IMAGES,
        Images,
        "squared_error",
        RNG.standard_normal((6, 5, 5, 2)),
        RNG.standard_normal((6, 4)),
    ),
    "tied tokens": (LANGUAGE, Language, "cross_entropy", RNG.integers(0, 11, (4, 7)), RNG.integers(0, 11, (4, 7))),
}


@pytest.mark.parametrize("optimizer", OPTIMISERS)
@pytest.mark.parametrize("name", RUNS)
def test_ten_steps_over_a_graph_are_torchs(name: str, optimizer: OptimizerName) -> None:
    layers, module, loss, inputs, targets = RUNS[name]
    network = Network(Spec.model_validate({"seed": 7, "layers": layers}), 2**34)
    rate = {"sgd": 0.1, "adam": 0.01}[optimizer]
    steps = descend(network, {"input": inputs}, targets, LOSSES[loss], OPTIMIZERS[optimizer](), rate, 10)
    theirs = optimiser = None
    for step in steps:
        ours = arrays(step)
        if theirs is None:
            theirs = module({path: torch.tensor(value) for path, (value, _) in ours.items()})
            optimiser = OPTIMISERS[optimizer](theirs.parameters(), lr=rate)
        assert optimiser is not None
        optimiser.zero_grad()
        answers = theirs(torch.tensor(inputs))
        outputs = answers.shape[-1]
        wanted = torch.tensor(targets.reshape(-1) if loss == "cross_entropy" else targets.reshape(-1, outputs))
        lost = THEIRS[loss](answers.reshape(-1, outputs), wanted)
        lost.backward()
        assert step.loss == pytest.approx(lost.item(), rel=1e-6)
        for path, (value, gradient) in ours.items():
            same = theirs.w[path.replace("/", "_")]
            assert value == pytest.approx(same.detach().numpy(), rel=1e-5, abs=1e-7), path
            if gradient is not None:
                assert gradient == pytest.approx(same.grad.numpy(), rel=1e-5, abs=1e-8), path
        optimiser.step()


def arrays(step: Step) -> dict[str, tuple[Any, Any]]:
    own = (stage for stage in step.stages if stage.place.tied is None)
    return {
        f"{stage.place.name}/{name}": (node.value.copy(), None if node.gradient is None else node.gradient.copy())
        for stage in own
        for name, node in stage.weights.items()
    }
