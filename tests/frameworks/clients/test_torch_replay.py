"""`stream="torch-cpu/1"`: what torch itself draws for a module tree, and a word where the tree does not tell."""

import pytest
import torch
from initserve.torch import init_
from torch import nn
from torch.nn.utils import parametrizations

from tests.frameworks.clients.test_torch import MyRMSNorm, Odd, net

TREES = {
    "layers": lambda: nn.Sequential(
        nn.Embedding(30, 8, padding_idx=1),
        nn.Conv2d(3, 8, 3, groups=1),
        nn.BatchNorm2d(8),
        nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8, bias=False), nn.LayerNorm(8)),
        nn.GRU(8, 8, num_layers=2),
        nn.MultiheadAttention(8, 2),
        nn.ConvTranspose2d(4, 2, 3),
        nn.Bilinear(3, 4, 5),
        nn.PReLU(),
        nn.Linear(8, 300),
    ),
    "cells": lambda: nn.ModuleList(
        [nn.RNNCell(3, 4, nonlinearity="relu"), nn.LSTMCell(3, 4), nn.GRUCell(3, 4, bias=False), nn.EmbeddingBag(9, 4)]
    ),
    "stacks": lambda: nn.Sequential(
        nn.TransformerEncoderLayer(6, 3, 5, norm_first=True), nn.TransformerDecoderLayer(6, 3, 5), nn.Linear(8, 3)
    ),
    "weight norm": lambda: nn.Sequential(
        nn.Linear(3, 4), parametrizations.weight_norm(nn.Conv1d(4, 6, 3)), nn.Linear(6, 2)
    ),
}


@pytest.mark.parametrize("tree", TREES)
def test_it_gives_what_torch_draws(tree: str) -> None:
    torch.manual_seed(42)
    wanted, model = TREES[tree](), TREES[tree]()
    report = init_(model, seed=42, stream="torch-cpu/1")
    for (name, one), two in zip(wanted.named_parameters(), model.parameters(), strict=True):
        assert torch.equal(one, two), name
    assert report.algorithm == "torch-cpu/1"
    assert report.assumed[""] in str(report)


def test_a_stack_of_copies_is_drawn_once() -> None:
    torch.manual_seed(7)
    wanted = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12), 3, enable_nested_tensor=False)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12), 3, enable_nested_tensor=False)
    init_(model, seed=7, stream="torch-cpu/1")
    assert all(torch.equal(one, two) for one, two in zip(wanted.parameters(), model.parameters(), strict=True))
    assert torch.equal(model.layers[0].linear1.weight, model.layers[2].linear1.weight)
    init_(model)
    assert not torch.equal(model.layers[0].linear1.weight, model.layers[2].linear1.weight)


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 3)
        self.norms = nn.ModuleList([nn.LayerNorm(3)])


def test_the_report_says_where_an_order_is_taken_for_granted() -> None:
    report = init_(nn.Sequential(nn.Sequential(nn.Linear(2, 3)), Several(), nn.GRU(3, 3)), stream="torch-cpu/1")
    assert list(report.assumed) == ["", "1"]
    assert "in the order in which it has them" in str(report)
    assert not init_(Several()).assumed


class DrawsAgain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Linear(3, 4)

    def _init_weights(self) -> None:
        nn.init.zeros_(self.part.weight)


class OtherLinear(nn.Linear):
    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Odd(), "is tied to"),
        (MyRMSNorm(), "is not known"),
        (net(torch.float16), "use float32"),
        (nn.Sequential(DrawsAgain()), "0: DrawsAgain has _init_weights, which draws again"),
        (OtherLinear(2, 3), "the model: OtherLinear has reset_parameters"),
        (nn.Transformer(8, 2, 1, 1, 8, batch_first=True), "Transformer has _reset_parameters"),
    ],
    ids=["tied", "unknown", "half", "again", "other", "transformer"],
)
def test_it_is_refused_where_the_tree_does_not_tell(model: nn.Module, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        init_(model, stream="torch-cpu/1")
