"""numpy-pcg64/1 against NumPy's own default_rng, which is here."""

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.errors import NotExact, UnsupportedCombination
from service.replay.numpy.pcg64 import NormalDraws
from service.replay.numpy.walk import MOST_PLACES, Pcg64, Scaled, Walk
from service.specs.spec import Spec
from service.stream.addresses import Runs
from service.stream.dtypes import DtypeName

Doubles = NDArray[np.float64]
NORMAL = {"name": "random_normal", "mean": 1.5, "stddev": 0.25}


def planned(layers: list[dict[str, Any]], **more: Any) -> Any:
    spec = {"algorithm": "numpy-pcg64/1", "seed": str(2**64 - 1), "layers": layers, **more}
    return Spec.model_validate(spec).plan()


def tensor(*shape: int, scheme: Any = "random_normal", **more: Any) -> dict[str, Any]:
    return {"type": "tensor", "shape": list(shape), "scheme": scheme, **more}


def values(parameter: Any) -> NDArray[Any]:
    return np.concatenate(list(parameter.blocks()))


LAYERS = [
    tensor(300, 700),
    {"type": "conv2d", "shape": [3, 3, 4, 7]},
    tensor(5, scheme={"name": "random_normal", "mean": 2.0, "stddev": 0.0}),
    {"type": "dense", "shape": [17, 9], "scheme": NORMAL, "bias": NORMAL, "seed": 8},
    tensor(1001, scheme="random_uniform"),
    tensor(scheme=NORMAL),
]


def drawn() -> list[Doubles]:
    rng, own = np.random.default_rng(2**64 - 1), np.random.default_rng(8)
    limit = np.sqrt(3.0 * (1.0 / ((36 + 63) / 2.0)))
    return [
        rng.normal(0.0, 0.05, (300, 700)),
        rng.uniform(-limit, limit, (3, 3, 4, 7)),
        np.zeros(7),
        rng.normal(2.0, 0.0, 5),
        own.normal(1.5, 0.25, (17, 9)),
        own.normal(1.5, 0.25, 9),
        rng.uniform(-0.05, 0.05, 1001),
        np.asarray(rng.normal(1.5, 0.25)),
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("backwards", [False, True])
def test_parameters_come_one_after_the_other(dtype: str, backwards: bool) -> None:
    both = list(zip(planned(LAYERS, dtype=dtype).parameters, drawn(), strict=True))
    for parameter, wanted in reversed(both) if backwards else both:
        assert values(parameter).tobytes() == wanted.astype(dtype).tobytes(), parameter.key


def test_millions_of_normals_tails_and_all() -> None:
    wanted = np.random.default_rng(2**64 - 1).normal(0.0, 0.05, 3_000_000)
    (parameter,) = planned([tensor(3_000_000)], dtype="float64").parameters
    assert np.array_equal(values(parameter), wanted)
    assert np.array_equal(parameter.open().draw(2_345_678, 999), wanted[2_345_678:2_346_677])


def walk(places: int = MOST_PLACES) -> NormalDraws:
    return NormalDraws(Walk(Pcg64(3), lambda: 0, Scaled((0.0, 1.0)), places), 400_000, "float64")


def test_blocks_in_any_order_by_several_threads() -> None:
    wanted = np.random.default_rng(3).standard_normal(400_000)
    fill, size = walk(4).open(), 10_000
    found = np.empty_like(wanted)
    starts = np.random.default_rng(0).permutation(np.arange(0, wanted.size, size))

    def work(mine: NDArray[np.int64]) -> None:
        for start in mine:
            fill(Runs.one(int(start), size), found[start : start + size])

    threads = [threading.Thread(target=work, args=(starts[i::3],)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(found, wanted)


def test_what_numpy_does_not_draw_is_refused() -> None:
    with pytest.raises(UnsupportedCombination, match="truncated_normal"):
        planned([tensor(3, scheme="truncated_normal")])
    with pytest.raises(UnsupportedCombination, match="bfloat16"):
        planned([tensor(3)], dtype="bfloat16")
    with pytest.raises(NotExact, match="LAPACK"):
        planned([tensor(4, 3, scheme="orthogonal")])


@pytest.mark.parametrize("shape", [(7, 4), (4, 7)])
def test_orthogonal_is_that_of_the_normals(shape: tuple[int, int]) -> None:
    plan = planned([tensor(6), tensor(*shape, scheme="orthogonal")], exact=False, dtype="float64")
    rng = np.random.default_rng(2**64 - 1)
    rng.normal(0.0, 0.05, 6)
    q, r = np.linalg.qr(rng.normal(0.0, 1.0, (7, 4)))
    q *= np.sign(np.diag(r))
    wanted = q if shape == (7, 4) else q.T
    np.testing.assert_allclose(values(plan.parameters[1]).reshape(shape), wanted, rtol=0, atol=1e-14)


def test_words_are_numpy_s_at_any_place() -> None:
    entropies: list[int | list[int]] = [0, 2**64 - 1, [1337, 0]]
    for entropy in entropies:
        wanted = np.random.PCG64(np.random.SeedSequence(entropy)).random_raw(5000)
        for first, count in ((0, 5000), (1, 1), (4321, 679)):
            found = np.empty(count, np.uint64)
            Pcg64(entropy).words(first, found)
            assert np.array_equal(found, wanted[first : first + count])


def test_half_precision_is_rounded_once() -> None:
    """By way of float32, one in 16,000 would come out as its neighbour."""
    name: DtypeName = "float16"
    wanted = np.random.default_rng(3).standard_normal(400_000).astype(name)
    out = np.empty(wanted.size, np.float32)
    NormalDraws(Walk(Pcg64(3), lambda: 0, Scaled((0.0, 1.0))), wanted.size, name).open()(Runs.one(0, out.size), out)
    assert np.array_equal(out.astype(np.float16), wanted)


@pytest.mark.parametrize("scheme", ["keras:identity", "torch:eye"])
def test_a_frameworks_identity_is_that_of_the_array_as_it_stands(scheme: str) -> None:
    """Gates side by side, as under initserve/1: the first is the identity. The plain name means each of them."""
    for name, wanted in ((scheme, np.eye(4, 16)), ("identity", np.tile(np.eye(4), 4))):
        plan = planned([{"type": "lstm", "shape": [3, 4], "recurrent_scheme": name}])
        assert np.array_equal(values(plan.parameters[1]).reshape(4, 16), wanted)
