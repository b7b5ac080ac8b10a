"""Byte ranges, row by row as RFC 9110 has them (section 14)."""

import email
import time
from contextlib import suppress
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.problems import RequestProblem
from service.api.ranges import MOST_RANGES, ByteRange, Multipart, read_ranges
from service.formats.payload import Known, Payload

LENGTH = 10_000
# A Range header, and (start, stop) of what is sent; None for all; nothing for a 416.
TABLE: list[tuple[str, list[tuple[int, int]] | None]] = [
    # Section 14.1.2: its own examples, of a representation of 10,000 bytes.
    ("bytes=0-499", [(0, 500)]),
    ("bytes=500-999", [(500, 1000)]),
    ("bytes=-500", [(9500, 10_000)]),
    ("bytes=9500-", [(9500, 10_000)]),
    ("bytes=0-0,-1", [(0, 1), (9999, 10_000)]),
    ("bytes= 0-0, 4500-5499, -1", [(0, 1), (4500, 5500), (9999, 10_000)]),
    ("bytes=500-600,601-999", [(500, 1000)]),
    ("bytes=500-700,601-999", [(500, 1000)]),
    # Clamped to the representation.
    ("bytes=0-100000", [(0, 10_000)]),
    ("bytes=9999-10000", [(9999, 10_000)]),
    ("bytes=-20000", [(0, 10_000)]),
    ("bytes=0-99999999999999999999999999999999999999999", [(0, 10_000)]),
    ("bytes=-99999999999999999999999999999999999999999", [(0, 10_000)]),
    ("bytes=000000000000000000000000000000000000000009-9", [(9, 10)]),
    # Only some are satisfiable: those are sent.
    ("bytes=20000-,0-9", [(0, 10)]),
    ("bytes=-0,5-5", [(5, 6)]),
    # In the order asked for, where they do not touch.
    ("bytes=900-999,0-9", [(900, 1000), (0, 10)]),
    ("bytes=0-9,,  , 20-29,", [(0, 10), (20, 30)]),
    ("BYTES=0-9", [(0, 10)]),  # section 14.1: units are case-insensitive
    # Another unit is ignored (section 14.2).
    ("lines=0-9", None),
    ("bytes 0-9", None),
    ("", None),
    # Unsatisfiable (section 15.5.17).
    ("bytes=10000-", []),
    ("bytes=10000-10001,20000-", []),
    ("bytes=99999999999999999999999999999999999999999-", []),
    ("bytes=-0", []),
    # Invalid: refused, rather than answered with all of a file that may have a terabyte.
    ("bytes=5-2", []),
    ("bytes=-", []),
    ("bytes=", []),
    ("bytes=a-b", []),
    ("bytes=0x0-0x9", []),
    ("bytes=0-9,x", []),
    ("bytes=--5", []),
    ("bytes=1-2-3", []),
    ("bytes=+1-2", []),
    ("bytes=1 - 2", []),
    ("bytes=0-9;10-19", []),
    ("bytes=٣-٤", []),
]


@pytest.mark.parametrize(("header", "expected"), TABLE)
def test_ranges(header: str, expected: list[tuple[int, int]] | None) -> None:
    if expected == []:
        with pytest.raises(RequestProblem) as refused:
            read_ranges(header, LENGTH)
        assert refused.value.code == "range-not-satisfiable"
        assert refused.value.headers["content-range"] == "bytes */10000"
    else:
        assert read_ranges(header, LENGTH) == expected


def test_many_ranges_are_bounded_and_read_in_no_time() -> None:
    most = ",".join(f"{100 * i}-{100 * i}" for i in range(MOST_RANGES))
    assert len(read_ranges(f"bytes={most}", LENGTH) or []) == MOST_RANGES
    began = time.perf_counter()
    for many in (f"{most},9999-9999", ",".join(["0-"] * 100_000), "," * 100_000, "-" * 100_000, "9" * 100_000 + "-"):
        with pytest.raises(RequestProblem):
            read_ranges(f"bytes={many}", LENGTH)
    assert time.perf_counter() - began < 0.25


@given(st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 3000)), min_size=1, max_size=20))
def test_no_byte_is_sent_twice_and_none_is_missing(asked: list[tuple[int, int]]) -> None:
    """A set of places is the oracle."""
    wanted = {place for first, more in asked for place in range(first, first + more + 1) if place < LENGTH}
    header = "bytes=" + ",".join(f"{first}-{first + more}" for first, more in asked)
    if not wanted:
        with pytest.raises(RequestProblem):
            read_ranges(header, LENGTH)
        return
    sent = [place for start, stop in read_ranges(header, LENGTH) or [] for place in range(start, stop)]
    assert len(sent) == len(set(sent))
    assert set(sent) == wanted


@given(st.text(alphabet="bytes=0123456789-, \t;x", max_size=60), st.integers(1, 10**15))
def test_any_header_is_read_or_refused(header: str, length: int) -> None:
    for text in (header, f"bytes={header}"):
        with suppress(RequestProblem):
            found = read_ranges(text, length)
            assert found is None or all(0 <= start < stop <= length for start, stop in found)


def test_several_ranges_are_one_body_that_the_mail_library_reads() -> None:
    content = bytes(range(256)) * 40
    payload = Payload([Known(content[:3000]), Known(content[3000:])])
    wanted = [ByteRange(10, 20), ByteRange(2990, 3010), ByteRange(0, 1)]
    parts = Multipart(payload, wanted, "application/x-npz", '"xyzzy"')
    body = b"".join(piece.make()() for piece in parts.pieces())
    assert len(body) == parts.length
    message: Message = email.message_from_bytes(b"Content-Type: " + parts.media_type.encode() + b"\r\n\r\n" + body)
    read = message.get_payload()
    assert isinstance(read, list)
    for part, (start, stop) in zip(read, wanted, strict=True):
        assert part["content-type"] == "application/x-npz"
        assert part["content-range"] == f"bytes {start}-{stop - 1}/{len(content)}"
        assert part.get_payload(decode=True) == content[start:stop]
    other = Multipart(payload, wanted[:2], "application/x-npz", '"xyzzy"')
    assert other.media_type != parts.media_type
    assert Multipart(payload, wanted, "application/x-npz", '"xyzzy"').media_type == parts.media_type
