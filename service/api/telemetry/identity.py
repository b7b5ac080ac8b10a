"""What a request is called, in logs, problems, traces and by its client: as it says itself, where that can be used."""

import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import NamedTuple

REQUEST_ID = b"x-request-id"
# Letters, digits and what ids are made with: nothing that means anything in a log, a shell or a page.
USABLE_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
# W3C Trace Context: version, trace-id, parent-id, flags; what later versions add comes after those.
TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Identity(NamedTuple):
    """`trace_id` and `parent_id` are of the trace that the client says a request belongs to, "" where it says none."""

    request_id: str
    trace_id: str = ""
    parent_id: str = ""


# That of the request that is being answered, for whatever is logged meanwhile.
current: ContextVar[Identity | None] = ContextVar("identity", default=None)


def identify(headers: Iterable[tuple[bytes, bytes]], traced: bool = False) -> Identity:
    """Return what a request with these headers is called; an id that is missing, given twice or of no use is made.

    So is the trace's where requests are traced here.
    """
    request_id = traceparent = b""
    ids = parents = 0
    for name, value in headers:
        if name == REQUEST_ID:
            request_id = value
            ids += 1
        elif name == b"traceparent":
            traceparent = value
            parents += 1
    usable = ids == 1 and USABLE_ID.fullmatch(request_id) is not None
    called = request_id.decode("ascii") if usable else os.urandom(16).hex()
    trace_id, parent_id = trace_of(traceparent) if parents == 1 else ("", "")
    return Identity(called, os.urandom(16).hex() if traced and not trace_id else trace_id, parent_id)


def trace_of(traceparent: bytes) -> tuple[str, str]:
    """Return the trace and the parent that a header names, or two empty texts where it is none."""
    found = TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return "", ""
    version, trace_id, parent_id, _, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or not trace_id.strip(b"0") or not parent_id.strip(b"0"):
        return "", ""
    return trace_id.decode("ascii"), parent_id.decode("ascii")
