"""Compares a file, or a checkpoint in shards, with its spec, without a server: by all processors, in bounded memory."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import chain
from typing import Any, TypeAlias

from service.errors import InvalidFile
from service.formats.payload import Piece
from service.progress import Progress, progress_bar
from service.reading import Source
from service.verification import Result, Verification
from service.verification.means import Unbounded
from service.writing import made

MOST_LINES = 20  # of each kind of difference
LARGEST_INDEX = 25_000_000  # bytes

ResultOf: TypeAlias = Callable[[bytes], Result]  # of a spec's text


def compare(source: Source, spec: bytes | None, result_of: ResultOf, threads: int) -> dict[str, Any]:
    """Return what comes of a file, or of the shards that its index names, beside a spec, or beside the one it holds.

    Raises InvalidFile for what cannot be read, OSError for what is not to be had.
    """
    checkpoint = Checkpoint(spec, result_of, threads)
    with closing(source.chunks()) as chunks, progress_bar(source.name, source.length) as progress:
        first = next(chunks, b"")
        if not is_index(first):
            checkpoint.compare(told(chain([first], chunks), progress))
            return checkpoint.answer()
        files = shards_in(first, chunks)
    for name, tensors in files.items():
        shard = source.beside(name)
        with closing(shard.chunks()) as chunks, progress_bar(shard.name, shard.length) as progress:
            checkpoint.compare(told(chunks, progress), name, tensors)
    return checkpoint.answer()


def told(chunks: Iterator[bytes], progress: Progress) -> Iterator[bytes]:
    for chunk in chunks:
        progress(len(chunk))
        yield chunk


class Checkpoint:
    """Files that are compared with one spec, one after the other."""

    def __init__(self, spec: bytes | None, result_of: ResultOf, threads: int) -> None:
        self._given, self._result_of, self._threads = spec, result_of, threads
        self._inside: str | None = None
        self._result: Result | None = None

    def answer(self) -> dict[str, Any]:
        assert self._result is not None
        return self._result.answer()

    def compare(self, chunks: Iterator[bytes], name: str = "", tensors: set[str] | None = None) -> None:
        """Compare a file; of a shard, with what the index says that it holds."""
        verification = Verification(Unbounded())

        def pieces() -> Iterator[Piece]:
            for chunk in chain(chunks, [None]):
                yield from verification.pieces(chunk or b"", last=chunk is None)
                if verification.waits_for_plan:
                    verification.begin(self._begun(verification, name, tensors))
                    yield from verification.pieces()

        for _ in made(pieces(), self._threads):  # they come to nothing but the result
            pass

    def _begun(self, verification: Verification, name: str, tensors: set[str] | None) -> Result:
        """Return what a file is to be compared with, once its beginning is read."""
        listing = verification.listing
        assert listing is not None
        if tensors is not None and {array.name for array in listing.arrays or ()} != tensors:
            raise InvalidFile(f"{name} holds other tensors than its index says")
        if self._result is None:
            if self._given is None and listing.spec is None:
                raise InvalidFile("it does not say what spec it was made of: give that by --spec")
            self._inside = listing.spec
            self._result = self._result_of(self._given or (listing.spec or "").encode())
        elif self._given is None and listing.spec != self._inside:
            raise InvalidFile(f"{name} was made of another spec than the shards before it: give the one by --spec")
        return self._result


def in_words(name: str, answer: Mapping[str, Any]) -> list[str]:
    """Return the lines of an answer for a person: what it comes to, then what is different, as far as it is told."""
    different = [each for each in answer["parameters"] if not each["equal"]]
    lines = [f"{name}: {answer['summary']}"]
    for each in different[:MOST_LINES]:
        if each["first_difference"]:
            index, largest = each["first_difference"]["index"], each["max_abs_difference"]
            count = "1 element" if each["differing"] == 1 else f"{each['differing']:,} elements"
            lines.append(f"  {each['name']}: {count}, first {index}, by {largest} at the most")
        else:
            lines.append(f"  {each['name']}: {each['found_dtype']} of shape {each['found_shape']}")
    for what, words in (("missing", "missing"), ("unexpected", "not in the spec")):
        lines += [f"  {each}: {words}" for each in answer[what][:MOST_LINES]]
    counts = answer["totals"]
    told = sum(min(counts[what], MOST_LINES) for what in ("different", "missing", "unexpected"))
    rest = counts["different"] + counts["missing"] + counts["unexpected"] - told
    if rest:
        lines.append(f"  and {rest:,} more")
    return ["".join(each if each.isprintable() else "�" for each in line) for line in lines]


def is_index(begin: bytes) -> bool:
    """Whether a file begins as JSON does; a safetensors file may, but its length has zeros in it."""
    return begin.lstrip(b" \t\r\n").startswith(b"{") and 0 not in begin[:8]


def shards_in(first: bytes, chunks: Iterator[bytes]) -> dict[str, set[str]]:
    """Return the names of a checkpoint's files, each with its tensors; raises InvalidFile for what is no index."""
    text = first
    for chunk in chunks:
        text += chunk
        if len(text) > LARGEST_INDEX:
            raise InvalidFile(f"the index has more than {LARGEST_INDEX:,} bytes")
    try:
        files = json.loads(text)["weight_map"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidFile("it begins as an index does, but has no weight_map") from None
    shards: dict[str, set[str]] = {}
    for tensor, name in files:
        plain = isinstance(name, str) and name.isprintable() and not set(name) & set("/\\:?#%")
        if not plain or name in ("", ".", ".."):
            raise InvalidFile(f"the index names a file that does not stand beside it: {name!r:.100}")
        shards.setdefault(name, set()).add(tensor)
    if not shards:
        raise InvalidFile("the index names no file")
    return shards
