"""Networks of starts against torch modules written by hand: outputs and gradients on the same weights."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from service.specs import recipes
from service.specs.recipes import RECIPES
from service.specs.spec import Spec
from service.specs.starts import STARTS
from tests.frameworks.graphs import starts
from tests.frameworks.graphs.ours import WEIGHTS, arrays_of, compare, inputs_of, passed, spec_of

STACKS: dict[str, tuple[Any, ...]] = {"tiny": (24, 2, 4), "odd": (15, 3, 3), "one": (16, 1, 1)}
SIZES: dict[str, dict[str, tuple[Any, ...]]] = {
    **dict.fromkeys(("megatron", "deepnorm", "t_fixup", "mup", "lora"), STACKS),
    "fixup": {"tiny": (1, 5), "odd": (3, 7)},
    "lenet5": {"tiny": (1, 10, False), "odd": (3, 7, True)},
    "unet": {"tiny": (1, 2, 3), "odd": (2, 3, 5)},
    "lstm_lm": {"tiny": (31, 12, 2, 0.1, True), "odd": (17, 9, 3, 0.1, False), "one": (17, 9, 1, 0.1, True)},
}
CASES = [(name, size) for name, sizes in SIZES.items() for size in sizes]


def small(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a start have small sizes."""
    monkeypatch.setitem(RECIPES, name, replace(STARTS[name], sizes=SIZES[name]))
    for cached in (recipes.expand, recipes.structured):
        cached.cache_clear()


def test_every_start_is_held_against_torch() -> None:
    assert SIZES.keys() == STARTS.keys() == starts.STARTS.keys()


@pytest.mark.parametrize(("name", "size", "weights"), [(*case, word) for case, word in product(CASES, WEIGHTS)])
def test_a_start_is_its_publications_network(
    monkeypatch: pytest.MonkeyPatch, name: str, size: str, weights: str
) -> None:
    small(monkeypatch, name)
    spec = spec_of(name, size=size, rules=WEIGHTS[weights])
    inputs = inputs_of(spec)
    ours = passed(spec, inputs)

    arrays = {key: torch.from_numpy(each).double().requires_grad_() for key, each in arrays_of(spec).items()}
    theirs = starts.STARTS[name](arrays, torch.from_numpy(inputs["input"]), *SIZES[name][size])
    theirs.backward(torch.from_numpy(ours.sent))
    compare(
        ours, theirs.detach().numpy(), {key: each.grad.numpy() for key, each in arrays.items() if each.grad is not None}
    )


@pytest.mark.parametrize("name", SIZES)
def test_a_start_written_out_is_the_same_network_with_the_same_weights(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    small(monkeypatch, name)
    spec = spec_of(name, size="tiny")
    network = spec.network
    rules = [each.model_dump(mode="json", exclude_unset=True) for each in spec.all_rules]
    written = {"seed": 3, "layout": "pytorch", "rules": rules}
    written |= {"layers": [*network.layers], "input_shape": dict(network.input_shape)}
    again = Spec.model_validate(written)
    ours, theirs = arrays_of(spec), arrays_of(again)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(each, theirs[key]) for key, each in ours.items())
    inputs = inputs_of(spec)
    first, second = passed(spec, inputs), passed(again, inputs)
    assert np.array_equal(first.output, second.output)
    assert all(np.array_equal(each, second.gradients[key]) for key, each in first.gradients.items())
