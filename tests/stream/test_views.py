"""Forms against NumPy: whatever is cut, moved, turned, joined and added up, any run of it is the run of the whole."""

from functools import partial
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.stream.addresses import Runs
from service.stream.drawing import Drawing
from service.stream.dtypes import DTYPES
from service.stream.matrices import take
from service.stream.views import Form, Joined, Summed, View, boxes, joined

Pair = tuple[Form, NDArray[Any]]  # a form, and the array that it stands for
SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


def canonical(shape: tuple[int, ...]) -> Pair:
    return View.whole("a", shape), np.arange(prod(shape), dtype=np.float64).reshape(shape)


def drawing(form: Form, size: int) -> Drawing:
    values = np.arange(size, dtype=np.float64)
    return Drawing(form, {"a": lambda runs, out: take(values, runs, out)}, DTYPES["float64"])


def steps() -> st.SearchStrategy[slice]:
    ends = st.none() | st.integers(-6, 6)
    return st.builds(slice, ends, ends, st.none() | st.sampled_from([-7, -3, -2, -1, 1, 2, 3, 7]))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Pair, int]:
    """A form that some steps made, and NumPy's array after the same steps."""
    shape = draw(SHAPES)
    form, array = canonical(shape)
    for _ in range(draw(st.integers(0, 4))):
        axis = draw(st.integers(0, array.ndim - 1))
        match draw(st.sampled_from(["cut", "move", "flip", "step", "join", "add"])):
            case "cut":
                start = draw(st.integers(0, array.shape[axis] - 1))
                stop = draw(st.integers(start + 1, array.shape[axis]))
                form, array = form.between(axis, start, stop), np.take(array, range(start, stop), axis)
            case "move":
                axes = tuple(draw(st.permutations(range(array.ndim))))
                form, array = form.moved(axes), array.transpose(axes)
            case "flip":
                form, array = form.flipped(axis), np.flip(array, axis)
            case "step":
                places = range(array.shape[axis])[draw(steps())] or range(1)
                form, array = form.stepped(axis, places), np.take(array, places, axis)
            case "join":
                form, array = (
                    Joined((form, form.flipped(axis)), axis),
                    np.concatenate([array, np.flip(array, axis)], axis),
                )
            case "add":
                form, array = Summed((form, form.flipped(axis))), array + np.flip(array, axis)
    return (form, array), prod(shape)


@settings(max_examples=400)
@given(made=pairs(), data=st.data())
def test_any_run_is_the_run_of_numpys_array(made: tuple[Pair, int], data: st.DataObject) -> None:
    (form, array), size = made
    assert form.shape == array.shape
    first = data.draw(st.integers(0, array.size - 1))
    count = data.draw(st.integers(1, array.size - first))
    found = drawing(form, size).draw(first, count)
    assert np.array_equal(found, array.ravel()[first : first + count])


@settings(max_examples=150)
@given(made=pairs(), data=st.data())
def test_slicing_is_numpys(made: tuple[Pair, int], data: st.DataObject) -> None:
    (form, array), size = made
    chosen = [data.draw(st.integers(0, length - 1) | steps()) for length in array.shape]
    indices = [
        one if isinstance(one, int) else range(length)[one] for one, length in zip(chosen, array.shape, strict=True)
    ]
    wanted = array[tuple(chosen)]
    found = form.sliced(indices)
    assert found.shape == wanted.shape
    if wanted.size:
        assert np.array_equal(drawing(found, size).draw(0, wanted.size), wanted.ravel())
    for view in found.views():
        if prod(view.shape):
            places = [int(place) for place in drawing(view, size).draw(0, prod(view.shape))]
            assert (view.least, view.greatest) == (min(places), max(places))
            assert view.ascending == (places == sorted(set(places)))
            assert [view.address(element) for element in range(len(places))] == places


@given(shape=SHAPES, data=st.data())
def test_boxes_follow_each_other_without_a_gap(shape: tuple[int, ...], data: st.DataObject) -> None:
    array = canonical(shape)[1]
    first = data.draw(st.integers(0, array.size - 1))
    count = data.draw(st.integers(1, array.size - first))
    found = boxes(shape, first, count)
    parts = [array[tuple(map(slice, starts, stops))].ravel() for starts, stops in found]
    assert np.concatenate(parts).tolist() == list(range(first, first + count))
    assert len(found) <= 2 * len(shape)


@given(shape=SHAPES, data=st.data())
def test_reshaping_is_numpys_where_no_copy_is_needed(shape: tuple[int, ...], data: st.DataObject) -> None:
    form, array = canonical(shape)
    axis = data.draw(st.integers(0, len(shape) - 1))
    form, array = form.between(axis, 0, (shape[axis] + 1) // 2), np.take(array, range((shape[axis] + 1) // 2), axis)
    for to in ((array.size,), (1, array.size, 1), (array.shape[0], array.size // array.shape[0]), array.shape):
        try:
            np.reshape(np.lib.stride_tricks.as_strided(array[:0], array.shape, _strides(form)), to, copy=False)
        except ValueError:
            with pytest.raises(ValueError, match="cannot be seen"):
                form.reshaped(to)
        else:
            assert np.array_equal(drawing(form.reshaped(to), prod(shape)).draw(0, array.size), array.ravel())


def _strides(form: Form) -> tuple[int, ...]:
    assert isinstance(form, View)
    return tuple(stride * 8 for stride in form.strides)


def test_what_was_joined_is_not_reshaped() -> None:
    form = View.whole("a", (2, 3))
    with pytest.raises(ValueError, match="reshape the parts"):
        Joined((form, form), 0).reshaped((12,))


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[list[View], int, bool]:
    """Two views and an axis, and whether the second goes on where the first ends; it may miss that in one thing."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    axis = draw(st.integers(0, len(sizes) - 1))
    strides = draw(st.lists(st.integers(-9, 9), min_size=len(sizes), max_size=len(sizes)))
    first = View("a", 100, tuple(sizes), tuple(strides))
    name, offset = "a", 100 + sizes[axis] * strides[axis]
    sizes[axis] = draw(st.integers(1, 3))
    wrong = draw(st.sampled_from(["", "name", "offset", "stride"]))
    match wrong:
        case "name":
            name = "b"
        case "offset":
            offset += draw(st.sampled_from([-1, 1]))
        case "stride":
            strides[draw(st.integers(0, len(sizes) - 1))] += draw(st.sampled_from([-1, 1]))
    return [first, View(name, offset, tuple(sizes), tuple(strides))], axis, wrong == ""


@settings(max_examples=400)
@given(neighbours())
def test_joining_views_is_numpys_concatenation_and_one_view_where_they_follow(
    made: tuple[list[View], int, bool],
) -> None:
    views, axis, follows = made
    values = {"a": np.arange(200.0), "b": np.arange(1000.0, 1200.0)}
    arrays = [
        np.lib.stride_tricks.as_strided(
            values[view.name][view.offset :], view.shape, [8 * stride for stride in view.strides]
        )
        for view in views
    ]
    form, array = joined(views, axis), np.concatenate(arrays, axis)
    fills = {name: partial(take, each) for name, each in values.items()}
    found = Drawing(form, fills, DTYPES["float64"]).draw(0, array.size)
    assert np.array_equal(found, array.ravel())
    assert isinstance(form, View) or not follows


@pytest.mark.parametrize("step", [-1000, -1, 1, 7, 1000])
def test_what_lies_between_steps_is_not_drawn(step: int) -> None:
    asked: list[tuple[int, int]] = []

    def fill(runs: Runs, out: NDArray[Any]) -> None:
        asked.append((runs.starts.size, runs.length))

    form = View.whole("a", (10**9, 3)).sliced([range(10**9)[::step], 1])
    count = min(prod(form.shape), 50_000)
    Drawing(form, {"a": fill}, DTYPES["float32"]).draw(0, count)
    assert sum(runs * length for runs, length in asked) == count
    assert len(asked) == 1


def test_an_axis_backwards_is_drawn_forwards() -> None:
    """In runs of neighbours, as the axis is; one by one it would take four times as long."""
    asked: list[int] = []
    form = View.whole("a", (10, 1000)).sliced([range(10)[::-1], range(1000)[::-1]])
    Drawing(form, {"a": lambda runs, out: asked.append(runs.length)}, DTYPES["float32"]).draw(0, 5000)
    assert asked == [5000]


def test_neighbours_in_one_run_share_a_counter() -> None:
    from service.stream.drawing import runs_of

    turned = View.whole("a", (512, 256)).moved((1, 0)).box((32, 0), (64, 512))
    assert isinstance(turned, View)
    runs = runs_of(turned.moved((1, 0)))
    assert (runs.length, runs.starts.size) == (32, 512)
    assert runs_of(View.whole("a", (4, 5, 6))).length == 120
