"""Streams that are walked: a file has its arrays in any order, or few of them, and what that adds is asked for."""

import io
import json
from typing import Any

import numpy as np
import pytest

from service.formats.payload import HEAVY
from service.networks.plan import Plan
from service.verification import Result, Verification
from service.verification.means import Unbounded
from tests.verification import file_of, planned, verify
from tests.verification.test_differences import saved

LAYERS = [{"name": f"l{index}", "type": "dense", "shape": [40, 30]} for index in range(4)]
# Of the second array not one value is known before 2^25 normals have been walked over.
FAR = [
    {"name": "a", "type": "tensor", "shape": [2**13, 2**12], "scheme": "random_normal"},
    {"name": "b", "type": "tensor", "shape": [3], "scheme": "random_normal"},
]


@pytest.mark.parametrize("algorithm", ["initserve/1", "torch-cpu/1", "numpy-pcg64/1", "keras-numpy/1"])
@pytest.mark.parametrize("layout", ["keras", "pytorch"])
def test_arrays_in_any_order_and_fortrans_are_equal(algorithm: str, layout: str) -> None:
    schemes = {} if algorithm == "initserve/1" else {"scheme": "random_normal"}
    plan = planned(algorithm=algorithm, layout=layout, layers=[{**layer, **schemes} for layer in LAYERS])
    with np.load(io.BytesIO(file_of(plan, "npz"))) as opened:
        arrays = dict(opened)
    for order in (list(arrays), list(reversed(arrays)), sorted(arrays, key=lambda name: arrays[name].size)):
        answer = verify(saved({name: np.asarray(arrays[name], order="F") for name in order}), plan)
        assert answer["equal"], answer["summary"]


class Counted(Unbounded):
    def __init__(self) -> None:
        self.walked: list[int] = []
        self.stood: list[int] = []

    def walk(self, operations: int) -> None:
        self.walked.append(operations)

    def stand(self, count: int) -> None:
        self.stood.append(count)


def heavy_pieces(file: bytes, plan: Plan, means: Counted) -> int:
    """Return how many heavy pieces come of a file; nothing is drawn."""
    verification = Verification(means)
    assert list(verification.pieces(file)) == []
    verification.begin(Result(plan))
    return sum(piece.heavy for piece in verification.pieces())


def listed(*names: tuple[str, list[int]]) -> bytes:
    entries: dict[str, Any] = {}
    place = 0
    for name, shape in names:
        end = place + 4 * int(np.prod(shape))
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": [place, end]}
        place = end
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + bytes(12)


def test_a_far_walk_is_asked_for_and_is_heavy_work() -> None:
    plan, means = planned(algorithm="numpy-pcg64/1", layers=FAR), Counted()
    second = plan.parameters[1]
    assert second.passing(0) > 2 * HEAVY
    assert heavy_pieces(listed(("b/value", [3])), plan, means) == 1
    assert means.walked == [second.passing(0)]


def test_what_is_walked_over_anyway_is_not_asked_for() -> None:
    plan, means = planned(algorithm="numpy-pcg64/1", layers=[{**FAR[0], "shape": [3]}, FAR[1]]), Counted()
    assert heavy_pieces(listed(("a/value", [3])), plan, means) == 0
    assert (means.walked, means.stood) == ([], [])


def test_a_walked_array_in_fortrans_order_has_to_stand_in_memory() -> None:
    plan, means = planned(algorithm="numpy-pcg64/1", layers=[{**FAR[0], "shape": [300, 200]}]), Counted()
    with np.load(io.BytesIO(file_of(plan, "npz"))) as opened:
        array = opened["a/value"]
    for order, stood in (("C", []), ("F", [8 * 60_000])):
        file = saved({"a/value": array if order == "C" else np.asfortranarray(array)})
        means.stood.clear()
        verification = Verification(means)
        verification.begin(result := Result(plan))
        for piece in verification.pieces(file, last=True):
            piece.make()()
        assert result.answer()["equal"]
        assert [count >= wanted for count, wanted in zip(means.stood, stood, strict=True)] == [True] * len(stood)
