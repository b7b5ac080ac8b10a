"""What every format gives: pieces in order, and their total length, known before the first is made."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

from service.networks.plan import PlannedParameter
from service.stream.drawing import BLOCK, Drawing
from service.stream.dtypes import DTYPES

Chunk: TypeAlias = bytes | memoryview
Finish: TypeAlias = Callable[[], Chunk]

# Operations of a millisecond or two: what takes more before its first number must not hold up anybody else's turn.
HEAVY = 2**26


@dataclass(frozen=True, slots=True)
class Include:
    """Which parts of a JSON answer are wanted; tensor files hold weights alone."""

    weights: bool = True
    statistics: bool = False


class Piece(NamedTuple):
    """A part of an answer, made in two steps.

    `make` does what needs nothing of the pieces before: it may run on any thread, at any time after the piece was
    asked for. What it returns does the rest, runs once the piece before is done, and returns the chunk. `weight` is
    about how many bytes the piece holds in memory. A heavy piece takes long: it is made alone, and the next piece is
    asked for only when it is done.
    """

    make: Callable[[], Finish]
    weight: int = 0
    heavy: bool = False


@dataclass(frozen=True, slots=True)
class Payload:
    """`length` is in bytes, exact; `pieces` can be read only once."""

    length: int
    pieces: Iterator[Piece]

    def chunks(self) -> Iterator[Chunk]:
        """Make piece after piece in this thread."""
        for piece in self.pieces:
            yield piece.make()()

    def whole(self) -> bytes:
        return b"".join(self.chunks())


def text(content: bytes) -> Piece:
    """Return a piece whose bytes are known."""
    return Piece(lambda: lambda: content)


def afterwards(known: Finish) -> Piece:
    """Return a piece whose bytes are known once the pieces before are done."""
    return Piece(lambda: known)


def opened(parameter: PlannedParameter) -> Generator[Piece, None, Drawing]:
    """Return what draws the parameter, preceded by a heavy piece if opening it is slow."""
    if parameter.operations <= HEAVY:
        return parameter.open()
    found: list[Drawing] = []

    def make() -> Finish:
        found.append(parameter.open())
        return bytes

    yield Piece(make, heavy=True)
    return found.pop()


def ranges(elements: int, first: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Return (first, count) of the blocks that a parameter is drawn in; the first block may be another size."""
    start, stop = 0, min(first, elements)
    while start < elements:
        yield start, stop - start
        start, stop = stop, min(stop + BLOCK, elements)


def data(parameter: PlannedParameter, seen: Callable[[memoryview], None] | None = None) -> Iterator[Piece]:
    """Return a parameter's raw little-endian data; `seen` is shown every chunk of it, in order."""
    drawing = yield from opened(parameter)
    for first, count in ranges(parameter.elements):
        make = partial(raw_block, drawing, first, count, seen)
        yield Piece(make, weight=count * DTYPES[parameter.dtype].size)


def raw_block(drawing: Drawing, first: int, count: int, seen: Callable[[memoryview], None] | None) -> Finish:
    raw = drawing.draw(first, count).view("u1").data

    def finish() -> Chunk:
        if seen is not None:
            seen(raw)
        return raw

    return finish
