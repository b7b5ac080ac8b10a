"""Bytes of any number: what breaks off goes on where it was, of the very same file, or begins anew."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from initserve.answers import Patience, body_of, check, digest_in, length_of, refuse
from initserve.files import InvalidFile
from initserve.steps import Ask, Broken, Do, Head, Steps, Take, broken

WANTED = {"want-repr-digest": "sha-256=1"}
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)
UNSATISFIED = re.compile(r"bytes \*/(\d+)", re.ASCII)
T = TypeVar("T")


class Sink(Protocol):
    """Where bytes go. `place` is how many are there, of the file that `etag` names ("": none that could go on)."""

    place: int
    etag: str

    def begin(self, etag: str, length: int | None) -> None:
        """Drop what is there: a file of this tag and length begins."""
        ...

    def add(self, chunk: bytes) -> None: ...

    def sha256(self) -> bytes: ...


class Memory:
    """A sink that is an array of bytes."""

    def __init__(self) -> None:
        self.content, self.place, self.etag = bytearray(), 0, ""

    def begin(self, etag: str, length: int | None) -> None:
        self.content, self.place, self.etag = bytearray(), 0, etag

    def add(self, chunk: bytes) -> None:
        self.content += chunk
        self.place += len(chunk)

    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()


class Into:
    """A sink that is memory of the right size."""

    def __init__(self, content: memoryview) -> None:
        self.content, self.place, self.etag = content, 0, ""

    def begin(self, etag: str, length: int | None) -> None:
        self.place, self.etag = 0, etag
        if length is not None and length != len(self.content):
            raise broken(f"{length:,} bytes would come, not {len(self.content):,}")

    def add(self, chunk: bytes) -> None:
        end = self.place + len(chunk)
        if end > len(self.content):
            self.place, self.etag = 0, ""
            raise broken(f"more than {len(self.content):,} bytes came")
        self.content[self.place : end] = chunk
        self.place = end

    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()


def filled(ask: Ask, content: memoryview, tries: int) -> Steps[None]:
    """Put all bytes of an answer into memory; raises InitserveError where it has others than fit."""
    sink = Into(content)
    yield from downloaded(ask, sink, tries)
    if sink.place != len(content):
        raise broken(f"{sink.place:,} bytes came, not {len(content):,}").error


def fetched(ask: Ask, tries: int, read: Callable[[bytearray], T]) -> Steps[T]:
    """Return what `read` makes of all bytes of an answer; where it raises InvalidFile, they are asked for anew."""
    patience, memory = Patience(tries), Memory()
    while True:
        yield from downloaded(ask, memory, tries)
        try:
            found: T = yield Do(partial(read, memory.content))
            return found
        except InvalidFile as error:
            memory.begin("", None)
            yield from patience.again(broken(str(error)))


def downloaded(ask: Ask, sink: Sink, tries: int) -> Steps[None]:
    """Put all bytes of an answer into a sink, beginning with what is there already."""
    patience, anew = Patience(tries), Patience(tries)
    while True:
        before = sink.place
        try:
            yield from taken(ask, sink)
            return
        except Broken as failure:
            if sink.place > before:
                patience.renew()
            # What came in full and was wrong is no progress, however many pieces it came in.
            yield from (patience if sink.place else anew).again(failure)


def taken(ask: Ask, sink: Sink) -> Steps[None]:
    """Take one answer as far as it comes; raises Broken where that is not all."""
    going_on = sink.place > 0 and sink.etag != ""
    rest = {"range": f"bytes={sink.place}-", "if-range": sink.etag} if going_on else {}
    head: Head = yield replace(ask, headers={**ask.headers, **WANTED, **rest})
    if going_on and head.status == 416:
        if total_of(head.headers) == sink.place:
            return
        yield Do(partial(sink.begin, "", None))
        raise broken("more bytes were there than the file has")
    if head.status not in (200, 206):
        refuse(head, (yield from body_of(head)))
    total = yield from continued(head, sink) if head.status == 206 else begun(head, sink)
    while chunk := (yield Take()):
        if total is not None and sink.place + len(chunk) > total:
            yield Do(partial(sink.begin, "", None))
            raise broken("more bytes came than the file has")
        yield Do(partial(sink.add, chunk))
    if total is not None and sink.place != total:
        raise broken(f"it broke off after {sink.place:,} of {total:,} bytes")
    if digest_in(head) is not None:
        try:
            check((yield Do(sink.sha256)), head)
        except Broken:
            yield Do(partial(sink.begin, "", None))
            raise


def begun(head: Head, sink: Sink) -> Steps[int | None]:
    """Return the length of an answer that has the whole file."""
    length = length_of(head)
    yield Do(partial(sink.begin, strong_tag(head), length))
    return length


def continued(head: Head, sink: Sink) -> Steps[int | None]:
    """Return the file's length where an answer goes on from the sink's place, of the same file."""
    found = CONTENT_RANGE.fullmatch(head.headers.get("content-range", ""))
    first, last, total = map(int, found.groups()) if found else (-1, -1, -1)
    if strong_tag(head) != sink.etag or (first, last + 1) != (sink.place, total):
        yield Do(partial(sink.begin, "", None))
        raise broken("another part came than the one that was asked for")
    length_of(head)
    return total


def strong_tag(head: Head) -> str:
    """Return the entity tag that If-Range may hold, "" where there is none."""
    tag = head.headers.get("etag", "")
    return tag if tag.startswith('"') else ""


def total_of(headers: Mapping[str, str]) -> int | None:
    found = UNSATISFIED.fullmatch(headers.get("content-range", ""))
    return None if found is None else int(found[1])
