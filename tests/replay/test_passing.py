"""What it is said to take to begin at an element where a stream is walked: what is then walked over, no less."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from service import stopping
from service.networks.plan import PlannedParameter
from service.replay import ALGORITHMS
from service.replay.numpy import walk
from service.replay.torch import mersenne
from service.replay.torch.kernels import mersenne as kernels
from service.specs.spec import Spec
from service.stopping import Stop, Stopped, stoppable


def planned(algorithm: str, scheme: Any, *shapes: list[int], **more: Any) -> tuple[PlannedParameter, ...]:
    layers = [{"type": "tensor", "shape": shape, "scheme": scheme} for shape in shapes]
    spec = {"algorithm": algorithm, "seed": 5, "layers": layers, **more}
    return Spec.model_validate(spec).plan().parameters


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count normals of the ziggurat, words of MT19937 and jumps among them."""
    found: Counter[str] = Counter()
    normals, words, jump = walk.Walk._draw, kernels.make_raw, kernels.jump

    def counted_normals(self: walk.Walk, word: int, out: Any) -> int:
        found["normals"] += out.size
        return normals(self, word, out)

    def counted_words(state: Any, out: Any) -> None:
        found["words"] += out.size
        words(state, out)

    def counted_jump(polynomial: Any, state: Any) -> None:
        found["jumps"] += 1
        jump(polynomial, state)

    monkeypatch.setattr(walk.Walk, "_draw", counted_normals)
    monkeypatch.setattr(kernels, "make_raw", counted_words)
    monkeypatch.setattr(kernels, "jump", counted_jump)
    return found


@pytest.mark.parametrize("first", [0, 1, 100_000, 1_999_990])
def test_numpys_normals_are_walked_over_one_by_one(made: Counter[str], first: int) -> None:
    parameter = planned("numpy-pcg64/1", "random_normal", [300_000], [20], [2_000_000])[2]
    parameter.open().draw(first, 10)
    assert made["normals"] - 10 == 300_020 + first
    assert parameter.passing(first) == walk.PASSING * (300_020 + first)


def test_numpys_uniforms_begin_where_the_normals_before_have_ended(made: Counter[str]) -> None:
    layers = [
        {"type": "tensor", "shape": [50_000], "scheme": "random_normal"},
        {"type": "tensor", "shape": [10**9], "scheme": "random_uniform"},
    ]
    spec = {"algorithm": "numpy-pcg64/1", "seed": 5, "layers": layers}
    parameter = Spec.model_validate(spec).plan().parameters[1]
    parameter.open().draw(10**8, 10)
    assert made["normals"] == 50_000
    assert parameter.passing(10**8) == walk.PASSING * 50_000


def test_what_was_walked_over_once_is_not_walked_over_again(made: Counter[str]) -> None:
    (parameter,) = planned("numpy-pcg64/1", "random_normal", [2**24])
    parameter.open().draw(2**24 - 10, 10)
    made.clear()
    for first in np.random.default_rng(0).integers(0, 2**24 - 10, 50):
        parameter.open().draw(int(first), 10)
    assert made["normals"] <= 50 * (walk.CHUNK + 10)


def test_places_are_spread_evenly_however_many_there_were() -> None:
    places = walk.Places(7, most=64)
    for element in range(walk.CHUNK, 10**4 * walk.CHUNK, walk.CHUNK):
        places.add(walk.Place(element, element + 7))
    for target in np.random.default_rng(0).integers(0, 10**4 * walk.CHUNK, 1000):
        place = places.before(int(target))
        assert place.word == place.element + 7
        assert 0 <= target - place.element <= 10**4 * walk.CHUNK / 16


@pytest.mark.parametrize("scheme", ["torch:normal", "torch:uniform"])
@pytest.mark.parametrize("first", [0, 1000, 2**23, 2**33])
def test_torchs_words_are_passed_over_or_jumped_to(made: Counter[str], scheme: str, first: int) -> None:
    parameter = planned("torch-cpu/1", scheme, [10], [2**34])[1]
    mersenne.lower_terms()
    made.clear()
    parameter.open().draw(first, 16)
    assert made["jumps"] == (first + 10 > mersenne.FAR)
    assert made["words"] <= first + 64 or made["jumps"]
    assert parameter.passing(first) >= max(mersenne.PASSING * (made["words"] - 64), mersenne.JUMP * made["jumps"])
    assert parameter.passing(first) <= mersenne.JUMP  # a millisecond or two, however far


def test_calls_that_draw_again_must_be_made_to_know_where_the_next_begins() -> None:
    first, second, third = planned("torch-cpu/1", "torch:trunc_normal", [1000, 1000], [10], [10])
    assert first.passing(0) == 0
    assert first.operations > 10**8
    assert second.operations < 10**7  # in an answer with both
    assert second.passing(0) == first.operations + mersenne.passing(10**6)
    assert third.passing(0) == first.operations + second.operations + mersenne.passing(10**6 + 10)


def test_calls_whose_words_their_size_tells_need_not_be_made() -> None:
    layers = [
        {"type": "tensor", "shape": [900, 900], "scheme": "torch:orthogonal"},
        {"type": "tensor", "shape": [900, 900], "scheme": "torch:sparse"},
        {"type": "tensor", "shape": [9], "scheme": "torch:normal"},
    ]
    spec = {"algorithm": "torch-cpu/1", "seed": 5, "layers": layers, "exact": False}
    *_, last = Spec.model_validate(spec).plan().parameters
    assert last.operations + last.passing(8) == mersenne.passing(2 * 900 * 900 + 8)


@pytest.mark.parametrize(
    ("algorithm", "scheme"),
    [("torch-cpu/1", "torch:normal"), ("torch-cpu/1", "torch:trunc_normal"), ("numpy-pcg64/1", "random_uniform")],
)
def test_beyond_what_64_bits_can_count_costs_more_than_any_limit(algorithm: str, scheme: str) -> None:
    *_, last = planned(algorithm, scheme, [2**31, 2**31], [2**31, 2**31], [5])
    assert last.operations + last.passing(0) > 2**60
    first, *_ = planned("numpy-pcg64/1", "random_uniform", [2**31, 2**31], [2**31, 2**31], [5])
    assert first.sliced([2**31 - 1, range(1)]).passing(0) == 0


@pytest.mark.parametrize("algorithm", ["initserve/1", *ALGORITHMS])
def test_only_walked_streams_take_anything(algorithm: str) -> None:
    scheme = "torch:normal" if algorithm.startswith("torch") else "random_normal"
    (parameter,) = planned(algorithm, scheme, [10**6])
    walked = algorithm.startswith(("torch", "numpy")) or algorithm in ("keras-torch/1", "keras-numpy/1")
    assert (parameter.passing(10**5) > 0) == walked
    assert parameter.passing(0) == 0


def test_of_a_truncated_normal_of_keras_on_torch_four_are_passed_for_one() -> None:
    free, cut = (planned("keras-torch/1", scheme, [10**6])[0] for scheme in ("random_normal", "keras:truncated_normal"))
    assert cut.passing(1000) == 4 * free.passing(1000)


@pytest.mark.parametrize("algorithm", ["numpy-pcg64/1", "keras-numpy/1"])
def test_a_long_walk_ends_soon_after_nobody_waits_for_it(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (parameter,) = planned(algorithm, "random_normal", [2**40])
    drawing, stop, steps = parameter.open(), Stop(), Counter[str]()
    draw = walk.Walk._draw

    def counted(self: walk.Walk, word: int, out: Any) -> int:
        steps["normals"] += out.size
        if steps["normals"] >= 2**20:
            stop.ask()
        return draw(self, word, out)

    monkeypatch.setattr(walk.Walk, "_draw", counted)
    with stoppable(stop), pytest.raises(Stopped):
        drawing.draw(2**39, 10)
    assert steps["normals"] <= 2**20 + walk.CHUNK  # a tenth of a millisecond


def test_others_draw_while_a_long_walk_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for its lock: within the walk's own steps another block of it can be drawn."""
    (parameter,) = planned("numpy-pcg64/1", "random_normal", [2**30])
    drawing, wanted = parameter.open(), parameter.open().draw(0, 10).copy()
    steps: list[bytes] = []

    def check() -> None:
        monkeypatch.undo()
        steps.append(drawing.draw(0, 10).tobytes())

    monkeypatch.setattr(stopping, "check", check)
    drawing.draw(2**21, 10)
    assert steps == [wanted.tobytes()]


@pytest.mark.parametrize("algorithm", ["torch-cpu/1", "numpy-pcg64/1"])
def test_a_range_of_a_turned_array_keeps_no_more_than_it_holds(algorithm: str, made: Counter[str]) -> None:
    """In another layout its elements stand far apart, all over what is walked."""
    layout = "keras" if algorithm == "torch-cpu/1" else "pytorch"
    scheme = "torch:normal" if algorithm == "torch-cpu/1" else "random_normal"
    layers = [{"type": "dense", "shape": [3000, 2000], "scheme": scheme}]
    spec = {"algorithm": algorithm, "seed": 5, "layers": layers, "layout": layout}
    parameter, *_ = Spec.model_validate(spec).plan().parameters
    whole = np.concatenate([block.copy() for block in parameter.blocks()])
    assert parameter.standing >= 8 * parameter.elements
    for first, after in ((0, 10), (1_234_567, 1_237_000), (5_999_990, 6_000_000)):
        part = parameter.within(first, after)
        assert part.standing <= 24 * (after - first)
        assert 0 < part.walking <= part.operations
        assert np.array_equal(part.open().draw(first, after - first), whole[first:after])
    assert parameter.within(0, parameter.elements).standing == parameter.standing
    assert parameter.walking == 0


def test_of_matrices_side_by_side_those_alone_are_made_that_a_range_has_something_of() -> None:
    layer = {"type": "multi_head_attention", "shape": [64, 4, 16], "scheme": "orthogonal", "fused": True}
    plan = Spec.model_validate({"seed": 5, "layers": [layer], "layout": "pytorch"}).plan()
    fused = max(plan.parameters, key=lambda each: each.elements)
    third = fused.elements // 3
    whole = np.concatenate([block.copy() for block in fused.blocks()])
    for first in (0, third, 2 * third):
        part = fused.within(first, first + third)
        assert 2 * part.operations < fused.operations
        assert 2 * part.standing < fused.standing
        assert np.array_equal(part.open().draw(first, third), whole[first : first + third])


def test_what_has_addresses_is_the_same_within_any_range() -> None:
    (parameter,) = planned("initserve/1", "random_normal", [1000])
    assert parameter.within(3, 9) is parameter
