"""?slice= against NumPy's own reading of the same text."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidSlice
from service.specs.slices import LONGEST, MOST_AXES, Slice, parse_slice

NUMBERS = st.integers(-12, 12) | st.sampled_from([10**19, -(10**19)])
SLICES = st.builds(
    lambda start, stop, step: f"{start}:{stop}{step}",
    NUMBERS | st.just(""),
    NUMBERS | st.just(""),
    st.sampled_from(["", ":", ":1", ":2", ":-1", ":-3", ":0", ":100"]),
)
ITEMS = NUMBERS.map(str) | SLICES | st.sampled_from(["...", ":", "newaxis", "None", " 1 ", "0:2 "])
SHAPES = st.lists(st.integers(1, 10), max_size=4).map(tuple)


def numpys(text: str, array: np.ndarray[Any, Any]) -> Any:
    return eval(f"array[{text},]", {"array": array, "newaxis": None})  # the oracle


def taken(array: np.ndarray[Any, Any], part: Slice) -> Any:
    """Take a slice's places one axis after the other."""
    axis = 0
    for index in part.indices:
        if index is None:
            array = np.expand_dims(array, axis)
        elif isinstance(index, int):
            array = np.take(array, index, axis)
            continue
        else:
            array = np.take(array, np.array(list(index), int), axis)
        axis += 1
    return array


@settings(max_examples=400)
@given(items=st.lists(ITEMS, min_size=1, max_size=5), shape=SHAPES)
def test_it_takes_what_numpy_takes_and_refuses_what_numpy_refuses(items: list[str], shape: tuple[int, ...]) -> None:
    array, text = np.arange(np.prod(shape, dtype=int)).reshape(shape), ",".join(items)
    try:
        wanted = numpys(text, array)
    except (IndexError, ValueError, OverflowError):
        with pytest.raises(InvalidSlice) as refused:
            parse_slice(text, shape)
        assert refused.value.remedy is not None
        mended = refused.value.remedy["slice"]
        assert np.array_equal(taken(array, parse_slice(mended, shape)), numpys(mended, array))  # `try` works
        return
    found = parse_slice(text, shape)
    assert np.shape(taken(array, found)) == np.shape(wanted)
    assert np.array_equal(taken(array, found), wanted)
    again = parse_slice(found.text, shape)
    assert again == found  # said in one way, it is read as it was


def test_what_takes_the_same_has_one_text() -> None:
    for texts, wanted in (
        (("0:10", ":", ":10", "0:99", "...", "::1", "-10:"), "0:10"),
        (("5:5", "9:3", "-1:0"), "0:0"),
        (("3:4", "3::9", "3:2:-1"), "3:4"),
        (("::-1", "9::-1", "99::-1"), "9::-1"),
        (("::2", "0:9:2", ":10:2"), "0:9:2"),
        (("3", "-7", " 3"), "3"),
    ):
        assert {parse_slice(text, (10,)).text for text in texts} == {wanted}


@pytest.mark.parametrize(
    ("text", "shape", "says", "instead"),
    [
        ("12", (10, 4), "index 12 is out of bounds for axis 0, which has 10 places", "9"),
        ("1,-5", (10, 4), "index -5 is out of bounds for axis 1, which has 4 places", "1,0"),
        ("99,99", (10, 4), "index 99 is out of bounds for axis 0", "9,3"),
        ("0,0,0", (10, 4), "the array has 2 axes, of shape [10, 4], not 3", "0:5"),
        ("0", (), "the array has 0 axes", "..."),
        ("::0", (10,), "a step is not 0", ":"),
        ("...,...", (10,), "once at the most", "0:5"),
        ("", (10,), "'' is no index", "0:5"),
        ("a:b", (10,), "'a:b' is no index", "0:5"),
        ("1.5", (10,), "'1.5' is no index", "0:5"),
        ("٣", (10,), "is no index", "0:5"),
        ("[0]", (10,), "is no index", "0:5"),
        ("1" * 21, (10,), "is no index", "0:5"),
        (",".join(["newaxis"] * MOST_AXES), (10,), "at most 64 axes", "0:5"),
        (":" * (LONGEST + 1), (10,), "at most 1,024 characters", "0:5"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_do(text: str, shape: tuple[int, ...], says: str, instead: str) -> None:
    with pytest.raises(InvalidSlice) as refused:
        parse_slice(text, shape)
    assert says in refused.value.detail
    assert refused.value.remedy == {"slice": instead}


FUZZ = st.text(max_size=40) | st.text("0123456789:,.-+ newaxisNone\0\n", max_size=LONGEST + 20)
SIZES = st.lists(st.integers(1, 2**53 - 1), max_size=32).map(tuple)


def try_to_parse(text: str, shape: tuple[int, ...]) -> None:
    remedy: Any = None
    begun = time.thread_time()
    try:
        text = parse_slice(text, shape).text
    except InvalidSlice as error:
        remedy = error.remedy
    assert time.thread_time() - begun < 0.05
    found = parse_slice(remedy["slice"] if remedy else text, shape)
    assert parse_slice(found.text, shape) == found


@settings(max_examples=200)
@given(text=FUZZ, shape=SIZES)
def test_any_text_is_read_or_refused(text: str, shape: tuple[int, ...]) -> None:
    try_to_parse(text, shape)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(text=FUZZ, shape=SIZES)
def test_any_text_is_read_or_refused_however_many_there_are(text: str, shape: tuple[int, ...]) -> None:
    try_to_parse(text, shape)
