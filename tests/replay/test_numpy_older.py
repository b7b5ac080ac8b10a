"""numpy-mt19937/1 against NumPy's own RandomState, which is here."""

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.errors import InvalidSpec, UnsupportedCombination
from service.specs.spec import Spec

SEED = 2**32 - 1
# (shape, normal or uniform, mean or low, deviation or width); odd counts leave the second of a pair to a later call.
CALLS: list[tuple[tuple[int, ...], str, float, float]] = [
    ((3,), "normal", 0.0, 0.05),
    ((1,), "normal", 1.0, 2.0),
    ((2,), "uniform", -1.0, 3.0),
    ((5, 7), "normal", 0.5, 0.1),
    ((4,), "uniform", 0.0, 0.1),
    ((1,), "normal", 0.0, 1.0),
    ((1,), "normal", 0.0, 1.0),
    ((300, 701), "normal", 0.0, 1.0),
    ((2, 2), "normal", 1.0, 0.0),
    ((1001,), "uniform", 0.0, 3.0),
    ((), "normal", 0.0, 1.0),
]


def layers() -> list[dict[str, Any]]:
    found = []
    for shape, kind, first, second in CALLS:
        scheme: dict[str, Any] = {"name": "random_normal", "mean": first, "stddev": second}
        if kind == "uniform":
            scheme = {"name": "random_uniform", "minval": first, "maxval": first + second}
        found.append({"type": "tensor", "shape": list(shape), "scheme": scheme})
    return found


def drawn() -> list[NDArray[np.float64]]:
    state = np.random.RandomState(SEED)
    found = []
    for shape, kind, first, second in CALLS:
        values = state.normal(first, second, shape) if kind == "normal" else state.uniform(first, first + second, shape)
        found.append(np.asarray(values))
    return found


def planned(**more: Any) -> Any:
    spec = {"algorithm": "numpy-mt19937/1", "seed": SEED, "layers": layers(), **more}
    return Spec.model_validate(spec).plan()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("backwards", [False, True])
def test_parameters_come_one_after_the_other(dtype: str, backwards: bool) -> None:
    both = list(zip(planned(dtype=dtype).parameters, drawn(), strict=True))
    for parameter, wanted in reversed(both) if backwards else both:
        values = np.concatenate(list(parameter.blocks()))
        assert values.tobytes() == wanted.astype(dtype).tobytes(), parameter.key


def test_any_part_by_several_threads() -> None:
    parameter, wanted = planned(dtype="float64").parameters[7], drawn()[7].ravel()
    drawing = parameter.open()

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for first in rng.integers(0, wanted.size - 900, 20):
            count = int(rng.integers(1, 900))
            if not np.array_equal(drawing.draw(int(first), count), wanted[first : first + count]):
                wrong.append(int(first))

    wrong: list[int] = []
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_randn_times_a_deviation_is_normal() -> None:
    np.random.seed(5)  # noqa: NPY002
    wanted = np.random.randn(64, 33) * 0.01  # noqa: NPY002
    layer = {"type": "tensor", "shape": [64, 33], "scheme": {"name": "random_normal", "stddev": 0.01}}
    spec = {"algorithm": "numpy-mt19937/1", "seed": 5, "dtype": "float64", "layers": [layer]}
    (parameter,) = Spec.model_validate(spec).plan().parameters
    assert np.array_equal(np.concatenate(list(parameter.blocks())).reshape(64, 33), wanted)


def test_a_layers_own_seed_is_a_generator_of_its_own() -> None:
    layer = {"type": "dense", "shape": [3, 4], "scheme": "random_normal", "bias": "random_normal", "seed": 8}
    kernel, bias = planned(layers=[layer], dtype="float64").parameters
    own = np.random.RandomState(8)
    for parameter, wanted in ((kernel, own.normal(0.0, 0.05, (3, 4))), (bias, own.normal(0.0, 0.05, 4))):
        assert np.concatenate(list(parameter.blocks())).tobytes() == wanted.tobytes()


def test_what_random_state_does_not_take_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="below 2\\^32") as caught:
        planned(seed=2**32 + 5)
    assert (caught.value.pointer, caught.value.remedy) == ("/seed", {"seed": 5})
    with pytest.raises(InvalidSpec) as caught:
        planned(layers=[{"type": "dense", "shape": [3, 4], "seed": 2**32}])
    assert caught.value.pointer == "/layers/0/seed"
    with pytest.raises(UnsupportedCombination, match="truncated_normal"):
        planned(layers=[{"type": "tensor", "shape": [3], "scheme": "truncated_normal"}])
