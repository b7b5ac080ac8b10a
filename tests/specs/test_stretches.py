"""What lies between two places of a JSON text at which Python's reader gives way is counted before it is read."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.specs.stretches import ARRAY, BLANK, BYTE, ESCAPE, NAME, STRING, longest_stretch

QUOTE, IN_TEXT = STRING, BYTE


def stretch_of(text: str) -> int:
    return int(longest_stretch(np.frombuffer(bytearray(text.encode()), np.uint8)))


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("", 0),
        ("   ", 3 * BLANK),
        ('""', QUOTE + IN_TEXT),
        ('"abc"', QUOTE + 4 * IN_TEXT),
        (r'"\""', QUOTE + 2 * IN_TEXT + ESCAPE),
        (r'"\\"', QUOTE + 2 * IN_TEXT + ESCAPE),
        ("[[]]", 2 * ARRAY + 2 * BLANK),
        ('{"a":"b"', ARRAY + 2 * (QUOTE + 2 * IN_TEXT) + NAME),
        ("[1,[", ARRAY + BLANK),  # a number is a place to give way, and so is an object's end
        ("{}   {}", 3 * BLANK + ARRAY),
        ('"}1]"', QUOTE + 4 * IN_TEXT),  # but not in a text
        ('"ends in an escape' + "\\", QUOTE + 18 * IN_TEXT + ESCAPE),
    ],
)
def test_a_stretch_is_priced_by_what_stands_in_it(text: str, nanoseconds: int) -> None:
    assert stretch_of(text) == nanoseconds


def by_hand(document: object) -> int:
    """Count a stretch for the whole of a compact text without numbers and objects, value by value."""
    match document:
        case str():
            return QUOTE + sum(1 + (mark in '"\\') * ESCAPE for mark in document) * IN_TEXT + IN_TEXT
        case list():
            return ARRAY + sum(map(by_hand, document)) + (len(document) - 1) * BLANK * bool(document) + BLANK
    raise AssertionError


@given(st.recursive(st.text(alphabet='ab"\\[]{}1'), st.lists, max_leaves=20))
def test_what_stands_in_texts_is_neither_an_object_nor_a_number(document: object) -> None:
    text = json.dumps(document, separators=(",", ":"))
    assert stretch_of(text) == by_hand(document)
