"""Work that nobody waits for ends soon, wherever it is, and leaves the rest of the process alone."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from service import stopping
from service.specs.spec import Spec
from service.stopping import Stop, Stopped, stoppable
from service.stream.elementary import sine_and_cosine

PATIENCE = 20.0  # seconds: only a fault takes so long


def test_a_check_raises_where_the_stop_of_this_block_was_asked_for_and_nowhere_else() -> None:
    inner, outer = Stop(), Stop()
    inner.ask()
    with stoppable(outer):
        with pytest.raises(Stopped), stoppable(inner):
            stopping.check()
        stopping.check()
        assert outer.flag is stopping.flag()
    stopping.check()


def test_a_stop_is_of_one_thread() -> None:
    stop = Stop()
    stop.ask()
    seen: list[bool] = []
    with stoppable(stop):
        thread = threading.Thread(target=lambda: seen.append(bool(stopping.flag()[0])))
        thread.start()
        thread.join()
    assert seen == [False]


def test_what_tries_one_thing_after_another_does_not_go_on_after_a_stop() -> None:
    assert not issubclass(Stopped, Exception)


def opening(**layer: object) -> Callable[[], object]:
    """Return what opens the only parameter of a layer: all that comes before its first value."""
    plan = Spec.model_validate({"seed": 1, "layers": [layer], "exact": False, **ALGORITHM.get(layer.pop("of", ""), {})})
    return plan.plan().parameters[0].open


ALGORITHM: dict[object, dict[str, str]] = {
    "torch": {"algorithm": "torch-cpu/1"},
    "jax": {"algorithm": "jax-threefry/1"},
    "keras": {"algorithm": "keras-numpy/1"},
}
WIDE = {"type": "tensor", "shape": [3000, 3000]}
HEAVY: dict[str, Callable[[], object]] = {
    "orthogonal": lambda: opening(**WIDE, scheme="orthogonal")(),
    "torch's orthogonal": lambda: opening(**WIDE, scheme="orthogonal", of="torch")(),
    "JAX's orthogonal": lambda: opening(**WIDE, scheme="orthogonal", of="jax")(),
    "Keras's orthogonal": lambda: opening(**WIDE, scheme="orthogonal", of="keras")(),
    "a reservoir": lambda: opening(type="tensor", shape=[1500, 1500], scheme="reservoir")(),
    "sparse columns": lambda: opening(**WIDE, scheme="sparse")(),
    "torch's sparse columns": lambda: opening(**WIDE, scheme="torch:sparse", of="torch")(),
    "a table of positions": lambda: opening(type="tensor", shape=[2**18, 128], scheme="rope")(),
    "many normals at once": lambda: opening(type="tensor", shape=[2**22, 8], scheme={"name": "icnr", "upscale": 2})(),
}


@pytest.mark.parametrize("name", HEAVY)
def test_what_comes_before_a_first_value_ends_when_nobody_waits_for_it(name: str) -> None:
    stop, ended = Stop(), threading.Event()

    def work() -> None:
        with stoppable(stop):
            try:
                HEAVY[name]()
            except Stopped:
                ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.05)
    stop.ask()
    asked = time.monotonic()
    thread.join(PATIENCE)
    assert ended.is_set(), "it was not stopped, but came to its own end"
    # A tenth of a second on a machine of its own; this one may be busy.
    assert time.monotonic() - asked < 2.0


def test_a_sine_of_many_parts_is_that_of_each() -> None:
    angles = np.linspace(-1000.0, 1000.0, 3 * 2**16 + 5).reshape(-1, 1)
    together = sine_and_cosine(angles)
    for part in (slice(0, 7), slice(2**16 - 2, 2**16 + 2), slice(-3, None)):
        for whole, few in zip(together, sine_and_cosine(angles[part]), strict=True):
            assert np.array_equal(whole[part], few)
