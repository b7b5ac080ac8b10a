"""An answer under way: which of its pieces are made, and what may be asked for next."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from service.formats.payload import Chunk, Finish, Piece
from service.lines import Job
from service.stopping import Stop

# Bytes of an answer that are being made or wait to be taken: enough to keep two threads busy while one chunk is sent.
AHEAD = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Delivery:
    """A chunk, in order; or the end, with what went wrong if anything did. `weight` is to be given back when taken."""

    chunk: Chunk = b""
    weight: int = 0
    last: bool = False
    error: BaseException | None = None


Deliver: TypeAlias = Callable[[Delivery], None]


@dataclass(eq=False, slots=True)
class Place:
    """A piece's place in the order; `finish` is there once the piece is made."""

    piece: Piece
    job: Job | None = None  # of a heavy piece, once it waits for its turn
    finish: Finish | None = None


@dataclass(eq=False, slots=True)
class Run:
    """An answer under way. Everything here is read and written under the workers' lock, but for the pieces."""

    pieces: Iterator[Piece]
    deliver: Deliver
    client: str = ""
    ahead: int = 0  # bytes that were asked for and not taken yet
    order: deque[Place] = field(default_factory=deque)  # asked for, not finished
    threads: int = 0  # at work on it
    asking: bool = False  # it stands in the queue, or a thread asks for its next piece
    finishing: bool = False  # a thread finishes what is made
    heavy: Place | None = None  # the piece that must be made alone
    ended: bool = False  # there are no more pieces
    end_delivered: bool = False  # the last Delivery was handed over
    closed: bool = False
    stop: Stop = field(default_factory=Stop)
    when_idle: Callable[[], None] | None = None

    def may_ask(self, waiting: int) -> bool:
        """Whether it may have a turn while `waiting` others of its client do: the more wait, the less it goes ahead."""
        far = self.ahead and self.ahead * (1 + waiting) >= AHEAD
        return not (far or self.asking or self.heavy or self.ended or self.closed)

    def released(self) -> Callable[[], None] | None:
        """Return what is to be called, once, when no thread is at work on a closed run any more."""
        if self.threads or not self.closed:
            return None
        found, self.when_idle = self.when_idle, None
        self.pieces = iter(())  # a thread may remember the run for a while; what it holds must go now
        return found

    def next_made(self) -> Place | None:
        """Take the first in order if it is made."""
        made = bool(self.order) and self.order[0].finish is not None
        return self.order.popleft() if made else None

    def end_finishing(self) -> bool:
        """Leave what will still be made to other threads; return whether that is the end."""
        self.finishing = False
        last = self.ended and not (self.order or self.closed or self.end_delivered)
        self.end_delivered = self.end_delivered or last
        return last

    def end_with_error(self) -> bool:
        """Make no more of it; return whether somebody is to be told."""
        tell = not (self.closed or self.end_delivered)
        self.ended = self.end_delivered = True
        self.order.clear()
        return tell


@dataclass(slots=True)
class Gathered:
    """Small chunks that are to be handed on together, and their weight."""

    chunks: list[Chunk] = field(default_factory=list)
    size: int = 0
    weight: int = 0

    def add(self, chunk: Chunk, weight: int) -> None:
        self.chunks.append(chunk)
        self.size += len(chunk)
        self.weight += weight

    def whole(self) -> Chunk:
        """Return all of them as one; a single large chunk is not copied."""
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
