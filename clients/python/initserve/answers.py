"""Answers that are taken whole: asked for again, a bounded number of times, until one came as it was sent."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from initserve.errors import InitserveError, error_of
from initserve.steps import Ask, Broken, Head, Pause, Steps, Take, broken

PAUSE, LONGEST_PAUSE = 0.25, 30.0  # seconds before the second try, doubled from then on; and the most
PASSING = (408, 429, 502, 503, 504)  # statuses of what may be over soon
SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")
T = TypeVar("T")


class Patience:
    """Counts tries in a row that brought nothing; raises the last one's error when they are `tries`."""

    def __init__(self, tries: int) -> None:
        self._tries, self._failed = tries, 0

    def renew(self) -> None:
        self._failed = 0

    def again(self, failure: Broken) -> Steps[None]:
        """Wait before another try: as long as the service says, or longer each time."""
        self._failed += 1
        if self._failed >= self._tries:
            raise failure.error from failure
        longer = PAUSE * 2 ** min(self._failed - 1, 16)
        yield Pause(min(longer if failure.pause is None else failure.pause, LONGEST_PAUSE))


def answered(ask: Ask, tries: int, read: Callable[[bytes], T]) -> Steps[T]:
    """Return what `read` makes of the answer's body; `read` raises Broken for what no service sent."""
    patience = Patience(tries)
    while True:
        try:
            head = yield ask
            body = yield from body_of(head)
            refuse(head, body)
            if head.status == 200:  # a digest is of the whole, also where it comes with a range
                check(hashlib.sha256(body).digest(), head)
            return read(body)
        except Broken as failure:
            yield from patience.again(failure)


def document(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise broken("the answer is no JSON object")
    return found


def body_of(head: Head) -> Steps[bytes]:
    """Return all of the answer that has this head."""
    expected = length_of(head)
    body = bytearray()
    while chunk := (yield Take()):
        body += chunk
    if expected is not None and len(body) != expected:
        raise broken(f"{len(body):,} bytes came of {expected:,}")
    return bytes(body)


def length_of(head: Head) -> int | None:
    """Return how many bytes the answer has; None where its end is marked in another way."""
    text = head.headers.get("content-length")
    if head.headers.get("content-encoding", "identity") != "identity":
        raise broken("the answer was encoded on its way, unasked")
    if text is not None and text.isdecimal():
        return int(text)
    if "chunked" not in head.headers.get("transfer-encoding", ""):
        raise broken("the answer does not say how long it is")
    return None


def refuse(head: Head, body: bytes) -> None:
    """Raise what an answer that is no success says: Broken where it may be over soon."""
    if head.status in (200, 206):
        return
    error = error_of(head.status, body)
    if head.status in PASSING:
        asked = head.headers.get("retry-after", "")
        raise Broken(error, float(asked) if asked.isdecimal() else None)
    raise error


def check(sha256: bytes, head: Head) -> None:
    """Compare bytes with the digest that the service tells of them (RFC 9530), if it does."""
    told = digest_in(head)
    if told is not None and told != sha256:
        raise broken("the bytes that came are not those that the service tells the SHA-256 of")


def digest_in(head: Head) -> bytes | None:
    found = SHA256.search(head.headers.get("repr-digest", ""))
    try:
        return None if found is None else base64.b64decode(found[1], validate=True)
    except binascii.Error:
        raise broken("the answer's Repr-Digest is none") from None


def no_answer(url: str, why: object) -> Broken:
    return Broken(InitserveError("no-answer", f"{url}: {why}"))
