"""Answers a GET or HEAD for what an address names: conditions first, then ranges, then the numbers that these take.

All that has an address is a representation: its entity tag and its length are known before a value is drawn, so that
nothing is drawn for a HEAD, a 304 or a 412, and the cost of a range is that of its own bytes.
"""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from fastapi import Request, Response

from service.api.admission import admit_cost
from service.api.conditional import Condition, condition, listed, range_holds
from service.api.door.visits import visit_of
from service.api.problems import RequestProblem
from service.api.ranges import ByteRange, Multipart, read_ranges
from service.api.services import services_of
from service.api.streaming import Answer, whole_answer
from service.api.working import LIGHT_PARTS, in_worker, made_whole, room_for
from service.errors import TooLarge
from service.formats import Payload
from service.formats.payload import Known
from service.networks.arrays import Cost
from service.stream.streams import ALGORITHM

FOREVER = "public, max-age=31536000, immutable"
IN_PARTS = (
    "Any part is to be had by itself: a range (Range: bytes=0-1048575), or what has an address of its own: a shard, a "
    "parameter, a slice"
)
WANTS_SHA256 = re.compile(r"(?:^|[ \t,])sha-256[ \t]*=[ \t]*(?:[1-9]|10)[ \t]*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Representation:
    """What an address names, in one form. `of` is told in its entity tag: the text and the form that give its bytes.

    `lay_out` says how its bytes are made; `refuse_whole` raises TooLarge where the whole of it is not to be had.
    `algorithm` is the stream that its numbers come of, which must be ready before one is drawn.
    """

    name: str
    media_type: str
    of: tuple[str, ...]
    lay_out: Callable[[], Awaitable[Payload]]
    refuse_whole: Callable[[], None]
    algorithm: str = ALGORITHM
    shown: bool = False  # in a browser, rather than saved
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return '"' + hashlib.sha256("\0".join(self.of).encode()).hexdigest() + '"'

    def head(self) -> dict[str, str]:
        """Return the headers that say what this is."""
        how = "inline" if self.shown else "attachment"
        return {
            "etag": self.etag,
            "cache-control": FOREVER,
            "accept-ranges": "bytes",
            "content-type": self.media_type,
            "content-disposition": f'{how}; filename="{self.name}"',
            **self.headers,
        }


async def answer(request: Request, found: Representation) -> Response:
    """Return what RFC 9110 has for a GET or HEAD of this representation."""
    headers, etag = found.head(), found.etag
    match condition(request.headers, etag):
        case Condition.FAILED:
            detail = f"If-Match does not list {etag}, the entity tag of what is here"
            raise RequestProblem("precondition-failed", detail, headers={"etag": etag})
        case Condition.NOT_MODIFIED:
            # With its type, by which an answer is guarded: caches take over what a 304 says.
            kept = ("etag", "cache-control", "content-type")
            return Response(status_code=304, headers={name: headers[name] for name in kept})
    services = services_of(request)
    payload = await found.lay_out()
    if request.method == "HEAD":
        digest = services.digests.of(etag) if wants_digest(request) else None
        length = {"content-length": str(payload.length)}
        return Response(headers=headers | length | repr_digest(digest))
    visit_of(request).went_by("kernels", await services.readiness.wait_for(found.algorithm))
    ranges = None
    if (wanted := listed(request.headers, "range")) is not None and range_holds(request.headers, etag):
        ranges = read_ranges(wanted, payload.length)
    if wants_digest(request):
        payload, digest = await digested(payload, etag, request)
        headers |= repr_digest(digest)
    if ranges is not None:
        return await sent(request, payload, ranges, 206, headers)
    try:
        found.refuse_whole()
        return await sent(request, payload, [ByteRange(0, payload.length)], 200, headers)
    except TooLarge as refused:
        if found.shown or refused.remedy is not None:
            raise
        raise TooLarge(f"{refused.detail}. {IN_PARTS}") from None


async def sent(
    request: Request, payload: Payload, ranges: list[ByteRange], status: int, headers: dict[str, str]
) -> Response:
    """Return an answer with these ranges of a payload, once what they take is admitted."""
    services = services_of(request)
    if len(payload.parts) <= LIGHT_PARTS:
        cost = cost_of(payload, ranges)
    else:
        cost = await in_worker(services.workers, request, lambda: cost_of(payload, ranges))
    admit_cost(cost, services.settings)
    if len(ranges) == 1:
        length, pieces = cost.bytes, payload.pieces(*ranges[0])
        if status == 206:
            headers = headers | {"content-range": ranges[0].of(payload.length)}
        if (content := await made_whole(payload, ranges[0], cost, services.workers, request)) is not None:
            return whole_answer(content, status, headers, services, request)
    else:
        parts = Multipart(payload, ranges, headers["content-type"], headers["etag"])
        length, pieces = parts.length, parts.pieces()
        headers = headers | {"content-type": parts.media_type}
    release = room_for(cost, length, services.room, services.workers, request).release
    return Answer(pieces, status=status, length=length, headers=headers, services=services, release=release)


def cost_of(payload: Payload, ranges: list[ByteRange]) -> Cost:
    """Return what these ranges of a payload take together."""
    costs = [payload.cost(*each) for each in ranges]
    return Cost(*map(sum, zip(*costs, strict=True)))._replace(standing=max(each.standing for each in costs))


def wants_digest(request: Request) -> bool:
    """Whether Want-Repr-Digest (RFC 9530) asks for SHA-256."""
    wanted = listed(request.headers, "want-repr-digest")
    return wanted is not None and WANTS_SHA256.search(wanted) is not None


def repr_digest(digest: bytes | None) -> dict[str, str]:
    return {} if digest is None else {"repr-digest": f"sha-256=:{base64.b64encode(digest).decode()}:"}


async def digested(payload: Payload, etag: str, request: Request) -> tuple[Payload, bytes | None]:
    """Return a representation with its digest, where that is known or takes no more than a small answer does.

    One that had to be made for it is returned as it was made, so that no range of it is made again.
    """
    services = services_of(request)
    if (known := services.digests.of(etag)) is not None:
        return payload, known
    every = ByteRange(0, payload.length)
    whole = await made_whole(payload, every, payload.cost(), services.workers, request)
    if whole is None:
        return payload, None
    digest = hashlib.sha256(whole).digest()
    services.digests.remember(etag, digest)
    return Payload([Known(whole)]), digest
