"""What is drawn of an array that is walked, where a form asks for its elements in its own order: only what it must."""

import tracemalloc
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.stream import walked
from service.stream.addresses import Runs
from service.stream.distributions import Fill
from service.stream.drawing import Drawing
from service.stream.draws import Draws
from service.stream.dtypes import DTYPES
from service.stream.views import Form, Joined, View
from service.stream.walked import Between, Kind, Picked, Wanted, in_any_order


class Counted:
    """A walked array of 0, 1, 2, …, which notes what it is asked for; to come to an element costs as much as that."""

    in_order = True
    whole = False
    operations = 0
    standing = 0

    def __init__(self, elements: int) -> None:
        self.elements = elements
        self.asked: list[tuple[int, int]] = []

    def passing(self, first: int) -> int:
        return 1000 + first

    def open(self) -> Fill:
        def fill(runs: Runs, out: NDArray[Any]) -> None:
            for start, part in zip(runs.starts, out.reshape(-1, runs.length), strict=True):
                self.asked.append((int(start), runs.length))
                part[:] = np.arange(int(start), int(start) + runs.length)

        return fill

    @property
    def drawn(self) -> int:
        return sum(length for _, length in self.asked)


def drawn(draws: Draws, form: Form) -> NDArray[Any]:
    return Drawing(form, {"a": draws.open()}, DTYPES["float64"]).draw(0, prod(form.shape))


def any_order(draws: Draws, form: Form, kind: Kind) -> Draws:
    return in_any_order(draws, form, tuple(form.views()), kind)


ENDS = st.none() | st.integers(-40, 40)
STEPS = st.builds(slice, ENDS, ENDS, st.sampled_from([-9, -2, -1, 1, 2, 3, 11]))


@settings(max_examples=300)
@given(
    shape=st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple),
    turned=st.booleans(),
    twice=st.booleans(),
    span=st.sampled_from([1, 7, 64]),
    data=st.data(),
)
def test_any_form_of_a_walked_array_is_numpys(
    shape: tuple[int, ...], turned: bool, twice: bool, span: int, data: st.DataObject
) -> None:
    array = np.arange(float(prod(shape))).reshape(shape)
    form: Form = View.whole("a", shape)
    if turned:
        array, form = array.T, form.moved(tuple(range(len(shape)))[::-1])
    if twice:
        array, form = np.concatenate([array, array[::-1]]), Joined((form, form.flipped(0)), 0)
    slices = [data.draw(STEPS) for _ in array.shape]
    array = array[tuple(slices)]
    form = form.sliced([range(size)[one] for size, one in zip(form.shape, slices, strict=True)])
    if not array.size:
        return
    counted = Counted(prod(shape))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walked, "SPAN", span)
        patch.setattr(walked, "FEW", 3)
        draws = any_order(counted, form, np.float64)
        assert np.array_equal(drawn(draws, form), array.ravel())
    starts = [start for start, _ in counted.asked]
    assert starts == sorted(starts)  # walked once, from the first to the last


SHAPE = (4096, 4096)


def of(*indices: int | range, turned: bool = False) -> Form:
    whole = View.whole("a", SHAPE)
    return (whole.moved((1, 0)) if turned else whole).sliced(indices)


def test_what_a_form_has_in_the_walks_order_is_drawn_as_it_is_asked_for() -> None:
    counted = Counted(prod(SHAPE))
    rows = of(range(7, 9), range(4096))
    assert any_order(counted, rows, np.float32) is counted
    some = any_order(counted, of(range(0, 4096, 2), range(3000)), np.float32)
    assert isinstance(some, Picked)
    assert (some.whole, some.standing) == (False, 0)
    assert some.in_order
    assert some.passing(5) == counted.passing(5)


def test_what_takes_long_to_walk_over_for_a_block_is_kept_so_that_it_is_made_by_itself() -> None:
    """Nobody else waits for a block for longer than a few milliseconds."""
    counted = Counted(2**40)
    row = View.whole("a", (2**40,))
    for step, kind in ((1, Counted), (2, Picked), (2**20, Wanted)):
        form = row.stepped(0, range(0, 2**30, step))
        assert type(any_order(counted, form, np.float32)) is kind


def test_what_is_kept_of_an_array_is_said_to_need_the_memory_that_it_takes() -> None:
    counted = Counted(prod(SHAPE))
    form = of(range(100), range(4096), turned=True)
    draws = any_order(counted, form, np.float64)
    assert isinstance(draws, Wanted)
    tracemalloc.start()
    try:
        fill = draws.open()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    pool = 2**20  # of a span, and what each call notes here
    assert draws.standing / 2 < peak < draws.standing + pool
    del fill


def test_a_few_elements_far_apart_are_drawn_alone() -> None:
    counted = Counted(prod(SHAPE))
    form = of(range(0, 4096, 512), 9)
    assert drawn(any_order(counted, form, np.float64), form).tolist() == [4096 * row + 9 for row in range(0, 4096, 512)]
    assert counted.drawn == 8


def test_elements_near_each_other_are_drawn_with_what_lies_between() -> None:
    """By themselves each would be a call of its own."""
    counted = Counted(prod(SHAPE))
    form = of(range(2), range(0, 4096, 2))
    drawn(any_order(counted, form, np.float64), form)
    assert counted.asked == [(0, 8191)]


def test_a_columns_elements_alone_are_kept() -> None:
    counted = Counted(prod(SHAPE))
    form = of(range(5, 7), range(4096), turned=True)
    draws = any_order(counted, form, np.float64)
    assert isinstance(draws, Wanted)
    assert draws.whole
    assert draws.standing == 24 * 2 * 4096
    assert draws.passing(3) == counted.passing(0)
    assert draws.operations > prod(SHAPE)  # all is walked over
    late = any_order(counted, of(range(5, 7), range(4000, 4096), turned=True), np.float64)
    assert isinstance(late, Wanted)
    assert late.operations == Picked(counted, late.views).operations + 4000 * 4096 + 5  # what is before them too
    assert drawn(draws, form).reshape(2, 4096)[1, 1] == 4096 + 6


def test_rows_of_a_turned_array_are_kept_without_what_is_before_and_behind() -> None:
    counted = Counted(prod(SHAPE))
    form = of(range(4096), range(100, 110), turned=True)
    draws = any_order(counted, form, np.float64)
    assert isinstance(draws, Between)
    assert (draws.low, draws.high) == (100 * 4096, 110 * 4096)
    assert draws.standing == 8 * 10 * 4096
    assert draws.operations == 100 * 4096 + walked.KEEPING * 10 * 4096
    drawn(draws, form)
    assert counted.drawn == 10 * 4096


def test_walking_over_what_lies_between_is_charged() -> None:
    counted = Counted(2**40)
    row = View.whole("a", (2**40,))
    few, many = (Picked(counted, (row.stepped(0, range(0, 2**40, step)),)) for step in (2**38, 2**18))
    assert few.operations >= 3 * 2**38  # they are come to one after the other
    assert many.operations >= 2**40 - 2**19
    assert few.operations < 2**40 + 4 * walked.DRAWING
