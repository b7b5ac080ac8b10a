"""Any part of a replayed array, asked for in any order by several threads, is that part of the whole."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from service.replay import ALGORITHMS
from service.specs.spec import Spec

SHAPE = [701, 431]  # more than a block, and no multiple of 16
SCHEMES: dict[str, list[Any]] = {
    "pytorch": ["torch:normal", "torch:kaiming_uniform", "torch:trunc_normal", "torch:sparse", "timm:trunc_normal"],
    "flax": ["jax:normal", "glorot_uniform", "he_normal"],
    "keras": ["random_normal", "glorot_uniform", "truncated_normal", "he_normal"],
}


def cases() -> list[tuple[str, str, Any]]:
    found: list[tuple[str, str, Any]] = []
    for name, replay in ALGORITHMS.items():
        schemes = SCHEMES[replay.layout][:2] if name.startswith("numpy") else SCHEMES[replay.layout]
        found += [(name, dtype, scheme) for dtype in replay.dtypes for scheme in schemes]
    return found


@pytest.mark.parametrize(("algorithm", "dtype", "scheme"), cases())
def test_any_part_is_that_part_of_the_whole(algorithm: str, dtype: str, scheme: Any) -> None:
    layers = [
        {"type": "tensor", "shape": [3, 5], "scheme": "ones"},
        {"type": "tensor", "shape": SHAPE, "scheme": scheme},
    ]
    spec: dict[str, Any] = {"algorithm": algorithm, "seed": 5, "dtype": dtype, "layers": layers}
    spec["exact"] = "trunc_normal" not in scheme  # by the inverse error function it is not, in float64
    plan = Spec.model_validate(spec).plan()
    whole = np.concatenate([block.copy() for block in plan.parameters[1].blocks()])
    rng = np.random.default_rng(0)
    parts = [(0, 1), (whole.size - 5, 5), (15, 3), (196_605, 7)]
    parts += [(int(first), int(rng.integers(1, 3000))) for first in rng.integers(0, whole.size - 3000, 30)]
    drawing = Spec.model_validate(spec).plan().parameters[1].open()
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda part: drawing.draw(*part).copy(), parts))
    for (first, count), values in zip(parts, made, strict=True):
        np.testing.assert_array_equal(values.view("u1"), whole[first : first + count].view("u1"))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_later_parameter_may_be_drawn_first(algorithm: str) -> None:
    scheme = "torch:trunc_normal" if algorithm.startswith("torch") else "random_normal"
    layers = [{"type": "tensor", "shape": [100 + size], "scheme": scheme} for size in range(4)]
    spec = {"algorithm": algorithm, "seed": 5, "layers": layers}
    forwards = [np.concatenate(list(each.blocks())) for each in Spec.model_validate(spec).plan().parameters]
    backwards = [np.concatenate(list(each.blocks())) for each in reversed(Spec.model_validate(spec).plan().parameters)]
    for one, other in zip(forwards, reversed(backwards), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({one[:100].tobytes() for one in forwards}) == (
        1 if algorithm in ("jax-threefry/1", "jax-threefry-jit/1") else 4
    )
