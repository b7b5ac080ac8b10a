"""Buffers come back to their pool, and the pool keeps no more than it may."""

import gc

import numpy as np
import pytest

from service.stream import buffers
from service.stream.buffers import ALIGNMENT, Buffers


def kept(pool: Buffers) -> dict[int, int]:
    return {size: len(free) for size, free in pool._free.items()}


def test_a_buffer_comes_back_when_the_last_that_holds_it_has_let_go() -> None:
    pool = Buffers()
    taken = pool.take(2**16, np.float32)
    assert taken.ctypes.data % ALIGNMENT == 0
    view = taken[10:20]
    at = taken.ctypes.data
    del taken
    gc.collect()
    assert kept(pool) == {2**18: 0}
    del view
    assert kept(pool) == {2**18: 1}
    assert pool.take(2**16, np.float32).ctypes.data == at


def test_no_more_is_kept_than_the_pool_may_and_the_commonest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "MOST_KEPT", 8 * 2**18)
    pool = Buffers()
    many = [pool.take(2**18, np.uint8) for _ in range(20)]
    few = [pool.take(2**19, np.uint8) for _ in range(2)]
    del many
    assert kept(pool) == {2**18: 8, 2**19: 0}
    del few
    assert kept(pool) == {2**18: 4, 2**19: 2}
