"""The verdicts of the literature's rows are those of training in PyTorch.

Nothing but the weights comes of this service here, so that a row's verdict is known without its own passes.
"""

import os
from typing import Any

import numpy as np
import pytest
import torch

from tests.analysis.literature.alike import is_alike
from tests.analysis.literature.catalogue import ROWS
from tests.analysis.literature.rows import Row
from tests.analysis.literature.training import LAST, LEARNT, NOT_LEARNT, Task
from tests.frameworks.torch_networks import Tensors, run, weights_of

# Trainings that take seconds go in turns, by the number that chooses the share of the comparisons that a run makes.
TURNS = 8
TURN = int(os.environ.get("SEED", "0")) % TURNS
IN_TURN = [row for place, row in enumerate(row for row in ROWS if row.long) if place % TURNS == TURN]
QUICK = [row for row in ROWS if not row.long]
CASES = [pytest.param(row, 2, id=row.name) for row in (*QUICK, *IN_TURN)]


def train(row: Row, seed: int) -> tuple[list[float], dict[str, Tensors]]:
    """Return the losses of a training, in parts of the best constant answer's, and the weights after it."""
    weights = weights_of(row.layers, seed, input_shape=list(row.shape))
    first = row.layers[0]
    words = first["shape"][0] if first["type"] == "embedding" else None
    kind = torch.float64 if words is None else torch.int64
    with torch.no_grad():
        outputs = tuple(run(row.layers, weights, torch.zeros(2, *row.shape, dtype=kind)).shape[1:])
    task = Task(row.shape, outputs, words, seed)
    arrays = [array for layer in weights.values() for array in layer.values()]
    step: Any = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[row.optimizer](arrays, lr=row.rate)
    losses: list[float] = []
    for batch in task.batches(row.steps):
        step.zero_grad()
        answers, targets = run(row.layers, weights, torch.tensor(batch.inputs)), torch.tensor(batch.targets.copy())
        if task.classes:
            loss = torch.nn.functional.cross_entropy(answers.reshape(-1, outputs[-1]), targets.reshape(-1))
        else:
            loss = torch.nn.functional.mse_loss(answers, targets) / 2.0
        losses.append(loss.item() / task.constant)
        if not np.isfinite(losses[-1]):
            break
        loss.backward()  # type: ignore[no-untyped-call]
        step.step()
    return losses, weights


@pytest.mark.parametrize(("row", "seed"), CASES)
def test_a_row_of_the_literature_trains_so_in_torch(row: Row, seed: int) -> None:
    losses, weights = train(row, seed)
    ended = float(np.mean(losses[-LAST:]))
    if row.verdict == "symmetric":
        arrays = [{name: array.detach().numpy() for name, array in layer.items()} for layer in weights.values()]
        assert any(is_alike(layer) for layer in arrays if layer)
    elif row.verdict == "normal":
        assert ended < LEARNT
    else:
        assert not ended < NOT_LEARNT
