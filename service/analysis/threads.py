"""One thread for linear algebra: on small matrices, threads that wait for one another cost more than they give.

Measured with two busy processors, in alternation: a training of three schemes on eight layers takes 1.9 s with one
thread and 4.6 s with two, a diagnosis of twenty layers 0.2 s and 0.9 s.
"""

from functools import lru_cache

from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def keep_to_one_thread() -> None:
    """Let NumPy's BLAS use one thread from now on, in all of this process; requests are what runs side by side."""
    ThreadpoolController().limit(limits=1, user_api="blas")
