"""Byte ranges (RFC 9110, section 14): which parts of a representation are asked for, and several as one body."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from service.api.problems import RequestProblem
from service.formats import Payload
from service.formats.payload import Piece, text

MOST_RANGES = 64
UNIT = re.compile(r"[ \t]*bytes[ \t]*=", re.IGNORECASE)
SPEC = re.compile(r"(\d*)-(\d*)", re.ASCII)
MOST_DIGITS = 30  # beyond, a number is beyond any file


class ByteRange(NamedTuple):
    """Bytes from `start` to before `stop`."""

    start: int
    stop: int

    def of(self, length: int) -> str:
        """Return it as Content-Range has it."""
        return f"bytes {self.start}-{self.stop - 1}/{length}"


def read_ranges(header: str, length: int) -> list[ByteRange] | None:
    """Return the ranges that a Range header asks for, clamped; None where it is of another unit, which is ignored.

    Ranges that touch or overlap are put together, so that no byte is sent twice. Refuses with 416 what cannot be read,
    more ranges than `MOST_RANGES`, and ranges of which none stands in the representation.
    """
    unit = UNIT.match(header)
    if unit is None:
        return None
    parts = header[unit.end() :].split(",", MOST_RANGES)
    if len(parts) > MOST_RANGES:
        raise unsatisfiable(f"Range asks for more than {MOST_RANGES} ranges", length)
    wanted = [part for each in parts if (part := each.strip(" \t"))]
    read = [read_range(part, length) for part in wanted]
    found = [each for each in read if each.start < each.stop]
    if not found:
        raise unsatisfiable(f"none of the ranges in {header!r} stands in these {length:,} bytes", length)
    return coalesced(found)


def read_range(part: str, length: int) -> ByteRange:
    """Return one range, clamped; an empty one where nothing of it stands in the representation."""
    spec = SPEC.fullmatch(part)
    if spec is None or spec.group() == "-":
        raise unsatisfiable(f"{part!r} is no range: it is a-b, a- or -n", length)
    first, last = (position(digits) if digits else None for digits in spec.groups())
    if first is None:
        return ByteRange(max(0, length - (last or 0)), length)
    if last is not None and last < first:
        raise unsatisfiable(f"{part!r} ends before it begins", length)
    return ByteRange(first, length if last is None else min(last + 1, length))


def position(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= MOST_DIGITS else 10**MOST_DIGITS


def coalesced(found: list[ByteRange]) -> list[ByteRange]:
    """Return ranges in the order in which they are asked for; put together, in their own order, where any touch."""
    ordered = sorted(found)
    together = [ordered[0]]
    for each in ordered[1:]:
        if each.start <= together[-1].stop:
            together[-1] = ByteRange(together[-1].start, max(together[-1].stop, each.stop))
        else:
            together.append(each)
    return found if len(together) == len(found) else together


def unsatisfiable(detail: str, length: int) -> RequestProblem:
    return RequestProblem("range-not-satisfiable", detail, headers={"content-range": f"bytes */{length}"})


class Multipart:
    """Several ranges as one body: multipart/byteranges (section 14.6), its length known before."""

    def __init__(self, payload: Payload, ranges: Sequence[ByteRange], media_type: str, etag: str) -> None:
        asked = ",".join(f"{each.start}-{each.stop}" for each in ranges)
        boundary = hashlib.sha256(f"{etag} {asked}".encode()).hexdigest()[:32]
        self.media_type = f"multipart/byteranges; boundary={boundary}"
        self._payload, self._ranges = payload, ranges
        self._heads = [
            f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {each.of(payload.length)}\r\n\r\n".encode()
            for each in ranges
        ]
        self._end = f"--{boundary}--\r\n".encode()

    @property
    def length(self) -> int:
        parts = sum(
            len(head) + each.stop - each.start + 2 for head, each in zip(self._heads, self._ranges, strict=True)
        )
        return parts + len(self._end)

    def pieces(self) -> Iterator[Piece]:
        for head, each in zip(self._heads, self._ranges, strict=True):
            yield from chain([text(head)], self._payload.pieces(*each), [text(b"\r\n")])
        yield text(self._end)
