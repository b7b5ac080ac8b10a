"""What came on a connection and is not the parser's yet: which bytes are next, and whether they are within bounds."""

import re

from service.api.heads import UPGRADE, Head
from service.api.problems import RequestProblem

# Bytes of a chunked body that are none of its content: at first, and for each byte of content.
FRAMING, FRAMING_EACH = 2**16, 16
EMPTY_LINES = re.compile(rb"[\r\n]+")  # before a request they mean nothing


class Incoming:
    """The bytes that wait. No part that is taken reaches beyond the end of a request."""

    def __init__(self) -> None:
        self.in_body = False
        self.in_head = False  # some of one has come
        self._waiting = bytearray()
        self._head = Head()
        self._length: int | None = None  # of the body's rest; None of a chunked one
        self._framing = FRAMING

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, data: bytes) -> None:
        self._waiting += data

    def clear(self) -> None:
        self._waiting.clear()

    def take(self) -> bytes:
        """Return a whole head, or what there is of a body; nothing where that is not there yet.

        Raises RequestProblem for a head that is out of bounds.
        """
        if self.in_body:
            part = self._taken(self._of_body())
            self._framing -= len(part)
            return part
        if empty := EMPTY_LINES.match(self._waiting):
            self._taken(empty.end())
        end = self._head.end(self._waiting) if self._waiting else None
        self.in_head = bool(self._waiting) and end is None
        return b"" if end is None else UPGRADE.sub(b"", self._taken(end))

    def begin_body(self, length: int | None) -> None:
        """Let a body of this length follow, None for a chunked one."""
        self.in_body, self._length, self._framing = True, length, FRAMING

    def saw(self, content: int) -> None:
        """Count bytes of the body's content that the parser found."""
        if self._length is not None:
            self._length -= content
        self._framing += (1 + FRAMING_EACH) * content

    def end_body(self) -> None:
        self.in_body, self._head = False, Head()

    def refuse_framing(self) -> None:
        """Refuse chunks that are mostly something else than content."""
        if self._framing < 0:
            raise RequestProblem("malformed-request", "the chunks of the body are mostly framing")

    def _of_body(self) -> int:
        waiting = len(self._waiting)
        if self._length is not None:
            return min(self._length, waiting)
        # A chunked body ends with an empty line, so a part ends there; what may be the half of one waits for the rest.
        end = self._waiting.find(b"\n\r\n")
        if end >= 0:
            return end + 3
        return waiting - (2 if self._waiting.endswith(b"\n\r") else self._waiting.endswith(b"\n"))

    def _taken(self, count: int) -> bytes:
        part = bytes(self._waiting[:count])
        del self._waiting[:count]
        return part
