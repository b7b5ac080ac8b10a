"""Steps of descent against PyTorch's: losses, gradients and what its optimisers make of them."""

import numpy as np
import pytest
import torch

from service.analysis.losses import LOSSES, LossName
from service.analysis.optimizers import OPTIMIZERS, OptimizerName

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
