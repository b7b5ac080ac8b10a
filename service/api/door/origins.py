"""Pages of other origins that may read what is here (CORS, as the Fetch standard has it): none, unless it is said."""

import re
from collections.abc import Iterable
from typing import TypeAlias

from starlette.responses import Response
from starlette.types import Scope

Headers: TypeAlias = list[tuple[bytes, bytes]]

ANY = "*"
ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?")
# What a script may send and read; browsers keep the rest from it.
SENT = (
    "accept, authorization, content-type, if-match, if-none-match, if-range, range, traceparent, tracestate, "
    "want-repr-digest, x-request-id"
)
READ = (
    "accept-query, accept-ranges, allow, content-disposition, content-length, content-location, content-range, etag, "
    "link, location, ratelimit, ratelimit-policy, repr-digest, retry-after, server-timing, www-authenticate, "
    "x-error-code, x-linked-etag, x-linked-size, x-repo-commit, x-request-id"
)
METHODS = "GET, HEAD, POST, QUERY"
SECONDS = "7200"  # that a browser remembers what it may: no browser does longer
VARIES = (b"vary", b"origin")


def origins_in(text: str) -> frozenset[str]:
    """Return the origins that a text names, with commas between; raises ValueError for what is none."""
    names = frozenset(name.strip() for name in text.split(",")) - {""}
    for name in names - {ANY}:
        if not ORIGIN.fullmatch(name):
            raise ValueError(f"{name!r} is no origin: these are like https://example.org, in small letters, no path")
    return names


class Origins:
    """Origins whose pages may read answers; no cookie is ever taken, so none is told that it may be sent."""

    def __init__(self, allowed: str) -> None:
        names = origins_in(allowed)
        self.some = bool(names)
        self._any = ANY in names
        self._allowed = frozenset(name.encode() for name in names)

    def of(self, came: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Return what belongs beside the own headers of an answer to a request with these headers."""
        if not self.some:
            return []
        if self._any:
            return granted(b"*")
        origin = value_of(came, b"origin")
        return [VARIES, *granted(origin)] if origin in self._allowed and origin is not None else [VARIES]

    def preflight(self, scope: Scope) -> Response | None:
        """Return the answer to a browser that asks beforehand; None for any other request, which goes its way."""
        if scope["method"] != "OPTIONS" or not self.some:
            return None
        if value_of(scope["headers"], b"access-control-request-method") is None:
            return None
        origin = value_of(scope["headers"], b"origin")
        if origin is None or not (self._any or origin in self._allowed):
            return None
        return Response(status_code=204, headers={
            "access-control-allow-methods": METHODS,
            "access-control-allow-headers": SENT,
            "access-control-max-age": SECONDS,
        })  # fmt: skip


def granted(origin: bytes) -> Headers:
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", READ.encode()),
        (b"timing-allow-origin", origin),
    ]


def value_of(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    """Return a header's value."""
    return next((value for name, value in headers if name == wanted), None)
