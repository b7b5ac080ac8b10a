"""Reads a form of several parts (RFC 7578) as it comes: which field begins, then what it holds, piece by piece."""

import re
from collections.abc import Generator
from typing import NamedTuple, TypeAlias

from service.api.problems import RequestProblem
from service.verification.tape import Tape

PIECE = 2**20  # bytes of a field at a time
LARGEST_HEAD = 2**13  # bytes of a part's headers
LARGEST_PREAMBLE = 2**13  # bytes before the first part, which mean nothing
BOUNDARY = re.compile(r';\s*boundary=(?:"(?P<quoted>[^"]{1,70})"|(?P<token>[^\s;,"]{1,70}))', re.IGNORECASE)
NAME = re.compile(rb';\s*name=(?:"(?P<quoted>[^"]*)"|(?P<token>[^\s;"]+))', re.IGNORECASE)
DISPOSITION = re.compile(rb"^content-disposition[ \t]*:[ \t]*form-data(?P<rest>[^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class Field(NamedTuple):
    """A part begins: the field of this name."""

    name: str


# None stands for: more bytes are needed. Bytes belong to the field named last.
Reading: TypeAlias = Generator[Field | bytes | None, None, None]


def boundary_of(media_type: str) -> bytes:
    """Return what stands between the parts of a body of this declared type."""
    found = BOUNDARY.search(media_type)
    if found is None:
        raise malformed("its type names no boundary of at most 70 characters")
    return (found["quoted"] or found["token"]).encode("latin-1")


def read(tape: Tape, boundary: bytes) -> Reading:
    """Tell of every field with what it holds; raises RequestProblem for what is no such form."""
    delimiter = b"\r\n--" + boundary
    tape.give_back(b"\r\n")  # a delimiter may begin the body
    before = 0
    for part in content(tape, delimiter):
        before += len(part or b"")
        if before > LARGEST_PREAMBLE:
            raise malformed("it does not begin with its boundary")
        yield None if part is None else b""
    while (yield from another(tape)):
        head = b""
        for part in content(tape, b"\r\n\r\n"):
            head += part or b""
            if len(head) > LARGEST_HEAD:
                raise malformed(f"the headers of a part have more than {LARGEST_HEAD:,} bytes")
            if part is None:
                yield None
        yield Field(name_in(head))
        yield from content(tape, delimiter)


def another(tape: Tape) -> Generator[None, None, bool]:
    """Return whether a part follows a delimiter; leaves the line's end, with which that part's headers begin."""
    while True:
        after = yield from tape.peek(2)
        if after == b"\r\n":
            return True
        if after == b"--":
            return False
        if after[:1] not in (b" ", b"\t"):
            raise malformed("a boundary is followed by something else than the end of its line")
        tape.now(1)


def content(tape: Tape, delimiter: bytes) -> Generator[bytes | None, None, None]:
    """Yield all that stands before a delimiter, and pass over that."""
    held = b""
    while True:
        more = yield from tape.some(PIECE)
        if not more:
            raise malformed("it ends before its last boundary")
        held += more
        found = held.find(delimiter)
        if found >= 0:
            tape.give_back(held[found + len(delimiter) :])
            yield held[:found]
            return
        safe = len(held) - len(delimiter) + 1
        if safe > 0:
            yield held[:safe]
            held = held[safe:]


def name_in(head: bytes) -> str:
    """Return the name of the field that a part's headers tell of."""
    disposition = DISPOSITION.search(head)
    name = disposition and NAME.search(disposition["rest"])
    if not name:
        raise malformed("a part has no Content-Disposition: form-data with a name")
    return (name["quoted"] or name["token"] or b"").decode("utf-8", "replace")


def malformed(why: str) -> RequestProblem:
    return RequestProblem("malformed-form", f"the body is no multipart/form-data: {why}")
