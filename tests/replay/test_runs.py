"""The frameworks' kernels that are given runs: several at once are each run's values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from numpy.typing import NDArray

from service.replay.jax.kernels import threefry
from service.replay.keras.kernels import tensorflow, tensorflow64
from service.replay.numpy.kernels import pcg64
from service.stream.addresses import Runs
from tests.runs import one_by_one, several_runs

f32 = np.float32
KEY = np.array([0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0, 0, 0], np.uint32)
STATE = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x2545F4914F6CDD1D], np.uint64)
TABLE = np.linspace(-1.0, 1.0, 512, dtype=np.float32)
NARROW, WIDE = (f32(2.0), f32(-1.0)), (2.0, -1.0)
LINE, BOUNDS = (f32(2.0), f32(-0.99999994)), (f32(-2.0), f32(2.0))

Call = Callable[[Runs, NDArray[Any]], None]
KERNELS: dict[str, tuple[Any, Call]] = {
    "jax words": (np.uint32, lambda runs, out: threefry.fill_words(KEY[:2], *runs, out)),
    "jax uniform": (f32, lambda runs, out: threefry.fill_uniform(KEY[:2], *runs, out, LINE, NARROW)),
    "jax normal": (
        f32,
        lambda runs, out: threefry.fill_normal(KEY[:2], *runs, out, (*LINE, f32(1.5)), BOUNDS, NARROW),
    ),
    "jax looked up": (f32, lambda runs, out: threefry.fill_looked_up(KEY[:2], *runs, out, TABLE, 7)),
    "tensorflow uniform": (f32, lambda runs, out: tensorflow.fill_uniform(KEY, *runs, out, NARROW)),
    "tensorflow normal": (f32, lambda runs, out: tensorflow.fill_normal(KEY, *runs, out, NARROW)),
    "tensorflow truncated": (f32, lambda runs, out: tensorflow.fill_truncated(KEY, *runs, out, NARROW)),
    "tensorflow looked up": (f32, lambda runs, out: tensorflow.fill_looked_up(KEY, *runs, out, TABLE)),
    "tensorflow uniform 64": (np.float64, lambda runs, out: tensorflow64.fill_uniform(KEY, *runs, out, WIDE)),
    "tensorflow normal 64": (np.float64, lambda runs, out: tensorflow64.fill_normal(KEY, *runs, out, WIDE)),
    "tensorflow truncated 64": (np.float64, lambda runs, out: tensorflow64.fill_truncated(KEY, *runs, out, WIDE)),
    "numpy uniform": (np.float64, lambda runs, out: pcg64.fill_uniform(STATE, 5, *runs, out, WIDE)),
}


@pytest.mark.parametrize("name", KERNELS)
@given(runs=several_runs())
@example(runs=Runs(np.array([0, 8, 16], np.uint64), 6))  # whole counters, of which not every word is wanted
@example(runs=Runs(np.array([2**32 - 1000, 7], np.uint64), 1030))
def test_several_runs_are_each_runs_values(name: str, runs: Runs) -> None:
    dtype, fill = KERNELS[name]
    out = np.empty(runs.starts.size * runs.length, dtype)
    fill(runs, out)
    assert np.array_equal(out, one_by_one(runs, fill, dtype))
