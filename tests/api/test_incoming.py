"""Bytes that come on a connection, cut anywhere, are handed on request by request."""

import pytest

from service.api.incoming import Incoming
from service.api.problems import RequestProblem

HEAD = b"POST /init HTTP/1.1\r\nhost: x\r\n\r\n"


def parts(incoming: Incoming, data: bytes, step: int) -> list[bytes]:
    """Return what is taken of `data`, coming `step` bytes at a time, while a body is read or not."""
    found = []
    for start in range(0, len(data), step):
        incoming.add(data[start : start + step])
        while incoming and (part := incoming.take()):
            found.append(part)
            incoming.saw(len(part) if incoming.in_body else 0)
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_a_head_is_handed_on_whole(step: int) -> None:
    incoming = Incoming()
    assert parts(incoming, b"\r\n\r\n" + HEAD[:-1], step) == []
    assert incoming.in_head
    incoming.add(HEAD[-1:])
    assert incoming.take() == HEAD
    assert not incoming.in_head


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_no_byte_beyond_a_body_is_handed_on(step: int) -> None:
    incoming = Incoming()
    incoming.begin_body(5)
    assert b"".join(parts(incoming, b"12345" + HEAD, step)) == b"12345"
    assert len(incoming) == len(HEAD)
    incoming.end_body()
    assert incoming.take() == HEAD


@pytest.mark.parametrize("step", [1, 2, 3, 4, 1000])
def test_a_chunked_body_is_handed_on_up_to_each_empty_line(step: int) -> None:
    chunked = b"3\r\nabc\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n"
    incoming = Incoming()
    incoming.begin_body(None)
    found = b""
    for start in range(0, len(chunked), step):
        incoming.add(chunked[start : start + step])
        while len(incoming) and (part := incoming.take()):
            found += part
            if found == chunked:
                incoming.end_body()
    assert found == chunked
    incoming.add(HEAD)
    assert incoming.take() == HEAD


def test_chunks_that_hold_nothing_are_refused_in_the_end() -> None:
    incoming = Incoming()
    incoming.begin_body(None)
    for _ in range(2**12):
        incoming.add(b"1;" + b"e" * 14)
        incoming.take()
        incoming.refuse_framing()
    incoming.add(b"e")
    incoming.take()
    with pytest.raises(RequestProblem, match="mostly framing"):
        incoming.refuse_framing()


def test_an_upgrade_is_not_seen_by_the_parser() -> None:
    incoming = Incoming()
    incoming.add(b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nhost: x\r\n\r\n")
    assert incoming.take() == b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
