"""Conditional requests, row by row as RFC 9110 has them (sections 8.8.3, 13.1 and 13.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from service.api.conditional import Condition, condition, range_holds, tags_in

TAG = '"xyzzy"'
HOLDS, NOT_MODIFIED, FAILED = Condition.HOLDS, Condition.NOT_MODIFIED, Condition.FAILED
# If-Match, If-None-Match, what comes of it.
TABLE: list[tuple[str | None, str | None, Condition]] = [
    (None, None, HOLDS),
    # 13.1.1 If-Match: strong comparison; the examples of the section.
    ('"xyzzy"', None, HOLDS),
    ('"xyzzy", "r2d2xxxx", "c3piozzzz"', None, HOLDS),
    ("*", None, HOLDS),
    ('"other"', None, FAILED),
    ('W/"xyzzy"', None, FAILED),
    ('"r2d2xxxx", W/"xyzzy"', None, FAILED),
    ("", None, FAILED),
    ("xyzzy", None, FAILED),  # no entity tag at all
    # 13.1.2 If-None-Match: weak comparison.
    (None, '"xyzzy"', NOT_MODIFIED),
    (None, 'W/"xyzzy"', NOT_MODIFIED),
    (None, '"xyzzy", "r2d2xxxx", "c3piozzzz"', NOT_MODIFIED),
    (None, 'W/"xyzzy", W/"r2d2xxxx", W/"c3piozzzz"', NOT_MODIFIED),
    (None, '"a","b",,  "xyzzy"', NOT_MODIFIED),  # empty elements (section 5.6.1)
    (None, "*", NOT_MODIFIED),
    (None, '"other"', HOLDS),
    (None, '"XYZZY"', HOLDS),  # tags are opaque: case counts
    (None, 'w/"xyzzy"', HOLDS),  # and so does that of W
    (None, "xyzzy", HOLDS),
    (None, '"xyz', HOLDS),
    (None, '"a*b", "c,xyzzy"', HOLDS),
    (None, '"c,d", "xyzzy"', NOT_MODIFIED),  # a comma may stand within a tag
    # 13.2.2: If-Match comes first.
    ('"other"', '"xyzzy"', FAILED),
    ('"xyzzy"', '"xyzzy"', NOT_MODIFIED),
    ('"xyzzy"', '"other"', HOLDS),
    ("*", "*", NOT_MODIFIED),
]


@pytest.mark.parametrize(("if_match", "if_none_match", "expected"), TABLE)
def test_conditions(if_match: str | None, if_none_match: str | None, expected: Condition) -> None:
    sent = {"if-match": if_match, "if-none-match": if_none_match}
    headers = Headers({name: value for name, value in sent.items() if value is not None})
    assert condition(headers, TAG) is expected


def test_lines_of_one_header_are_one_list() -> None:
    headers = Headers(raw=[(b"if-none-match", b'"a"'), (b"if-none-match", b'"xyzzy"')])
    assert condition(headers, TAG) is NOT_MODIFIED


def test_dates_are_no_conditions_where_there_is_no_date() -> None:
    """Sections 13.1.3 and 13.1.4: a recipient MUST ignore them if the resource has no modification date."""
    old, new = "Sat, 29 Oct 1994 19:43:31 GMT", "Sat, 29 Oct 2033 19:43:31 GMT"
    for name in ("if-modified-since", "if-unmodified-since"):
        for date in (old, new, "yesterday"):
            assert condition(Headers({name: date}), TAG) is HOLDS


@pytest.mark.parametrize(
    ("if_range", "holds"),
    [
        (None, True),
        ('"xyzzy"', True),
        (' "xyzzy" ', True),
        ('"other"', False),
        ('W/"xyzzy"', False),  # section 13.1.5: strong comparison
        ("Sat, 29 Oct 1994 19:43:31 GMT", False),  # there is no date here that it could equal
        ("*", False),
        ('"xyzzy", "other"', False),  # no list
        ("", False),
    ],
)
def test_if_range(if_range: str | None, holds: bool) -> None:
    headers = Headers({} if if_range is None else {"if-range": if_range})
    assert range_holds(headers, TAG) is holds


@given(st.text(alphabet='W/"*, \tabc\x80\xff', max_size=60))
def test_any_header_is_read(header: str) -> None:
    for _, tag in tags_in(header):
        assert tag in header
    assert condition(Headers({"if-none-match": header}), TAG) in Condition
