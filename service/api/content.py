"""Bytes that stay the same while the service runs: compressed once, told apart by entity tags, sent piece by piece."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from service.api.conditional import Condition, condition, listed
from service.api.negotiation import read_accept
from service.api.problems import RequestProblem
from service.api.streaming import BUFFERED

REVALIDATED = "no-cache"  # kept, and asked about before each use
WORTH = 0.9  # of its length: what does not become shorter than this is sent as it is
CODINGS = ("gzip", "x-gzip", "*")


@dataclass(frozen=True, slots=True)
class Content:
    """A representation in its codings. `compressed` is None where gzip hardly shortens it (a font, a picture)."""

    media_type: str
    plain: bytes
    compressed: bytes | None
    digest: str  # of the plain bytes, SHA-256 in hexadecimal digits

    @classmethod
    def of(cls, plain: bytes, media_type: str) -> "Content":
        compressed = gzip.compress(plain, mtime=0)
        shorter = len(compressed) < WORTH * len(plain)
        return cls(media_type, plain, compressed if shorter else None, hashlib.sha256(plain).hexdigest())

    @classmethod
    def of_json(cls, value: Any) -> "Content":
        """Return a JSON document as FastAPI would write it."""
        return cls.of(bytes(JSONResponse(value).body), "application/json")

    def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return what RFC 9110 has for a GET or HEAD; `headers` say how long it may be kept, and how it is to be read.

        The compressed bytes are another representation, so they have another entity tag.
        """
        sent, etag, coding = self.plain, f'"{self.digest}"', {}
        if self.compressed is not None and takes_gzip(request):
            sent, etag, coding = self.compressed, f'"{self.digest}-gzip"', {"content-encoding": "gzip"}
        # A 304 has a type too: what guards an answer goes by it, and caches take over what a 304 says.
        standing = {**headers, "etag": etag, "content-type": self.media_type} | (
            {} if self.compressed is None else {"vary": "accept-encoding"}
        )
        match condition(request.headers, etag):
            case Condition.FAILED:
                detail = f"If-Match does not list {etag}, the entity tag of what is here"
                raise RequestProblem("precondition-failed", detail, headers={"etag": etag})
            case Condition.NOT_MODIFIED:
                return Response(status_code=304, headers=standing)
        standing |= {**coding, "content-length": str(len(sent))}
        if request.method == "HEAD":
            return Response(headers=standing)
        return Response(sent, headers=standing) if len(sent) <= BUFFERED else InPieces(sent, headers=standing)


class InPieces(Response):
    """A long answer that is handed over as it leaves: of a slow client's, memory holds no more than of a short one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for start in range(0, len(self.body), BUFFERED):
            await send({"type": "http.response.body", "body": self.body[start : start + BUFFERED], "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def takes_gzip(request: Request) -> bool:
    """Whether a client says that it takes gzip (RFC 9110, section 12.5.3); one that says nothing is sent no coding."""
    weights = read_accept(listed(request.headers, "accept-encoding") or "")
    return next((weights[name] for name in CODINGS if name in weights), 0.0) > 0.0
