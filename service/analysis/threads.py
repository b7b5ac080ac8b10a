"""Threads for linear algebra: one of BLAS's own, and those of a pass, that share large arrays out between them.

On small matrices threads that wait for one another cost more than they give. Measured with two busy processors, in
alternation: a training of three schemes on eight layers takes 1.9 s with one thread of BLAS and 4.6 s with two, a
diagnosis of twenty layers 0.2 s and 0.9 s. So BLAS keeps to one, and what takes long enough to be worth it is cut into
parts here.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from threadpoolctl import ThreadpoolController

from service import stopping
from service.processors import processors

MOST_THREADS = 4  # at one pass: memory is not faster for more of them


@lru_cache(maxsize=1)
def keep_to_one_thread() -> None:
    """Let NumPy's BLAS use one thread from now on, in all of this process; requests are what runs side by side."""
    ThreadpoolController().limit(limits=1, user_api="blas")


def threads_of_a_pass() -> int:
    return min(MOST_THREADS, processors())


@lru_cache(maxsize=1)
def helpers() -> ThreadPoolExecutor:
    """Return the threads beside the one that runs a pass."""
    return ThreadPoolExecutor(max(1, threads_of_a_pass() - 1), "beside")


def side_by_side(work: Callable[[int], None], parts: Sequence[int]) -> None:
    """Do `work` for each of the parts, in any order, by several threads; raises Stopped where nobody waits for it.

    Returns, or raises, once no thread is at it any more.
    """
    if len(parts) == 1:  # most arrays are small, and a small network is mostly the way through here
        stopping.check()
        work(parts[0])
        return
    waiting, lock = iter(parts), threading.Lock()

    def take() -> int | None:
        with lock:
            return next(waiting, None)

    def help_out() -> None:
        with np.errstate(all="ignore"):  # each thread has its own; what overflows is told of by whoever looks at it
            while (part := take()) is not None:
                work(part)

    beside = [helpers().submit(help_out) for _ in range(min(len(parts), threads_of_a_pass()) - 1)]
    try:
        while (part := take()) is not None:
            stopping.check()
            work(part)
    finally:
        with lock:
            waiting = iter(())  # after an error nothing more is begun
        for helper in beside:
            if not helper.cancel():
                helper.result()
