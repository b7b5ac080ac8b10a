"""The cap on BLAS threads holds in this process, and for every thread of it."""

import threading

import numpy as np
from threadpoolctl import ThreadpoolController

from service.analysis.threads import keep_to_one_thread


def test_linear_algebra_keeps_to_one_thread_in_every_thread() -> None:
    keep_to_one_thread()
    found: list[int] = []

    def multiply() -> None:
        matrix = np.ones((300, 300))
        assert (matrix @ matrix == 300.0).all()
        # NumPy's own: what a test loads later, SciPy's say, multiplies nothing here.
        libraries = [each for each in ThreadpoolController().info() if "numpy" in each["filepath"]]
        found.extend(each["num_threads"] for each in libraries if each["user_api"] == "blas")

    multiply()
    other = threading.Thread(target=multiply)
    other.start()
    other.join()
    assert len(found) >= 2
    assert set(found) == {1}
