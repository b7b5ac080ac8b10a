"""What every format gives: a row of parts whose lengths are known before a value is drawn, any range of it at a time.

A part's bytes are known (`Known`), or values as they stand in the file (`Values`), or what is owed once values have
been gone through (`Owed`: a checksum, a digest, statistics). A range draws the values that stand in it; where it
holds something owed, also those before it that this is owed for.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from service import stopping
from service.networks.arrays import Cost
from service.networks.plan import PlannedParameter
from service.once import once
from service.stream.drawing import BLOCK, Drawing
from service.stream.dtypes import DTYPES, DtypeName, Stored

Chunk: TypeAlias = bytes | memoryview
Finish: TypeAlias = Callable[[], Chunk]

# Operations of a millisecond or two: what takes more before its first number must not hold up anybody else's turn.
HEAVY = 2**26
GOING_ON = 256  # operations that an element takes, at the most, which a later one of the same stream is spared
PART = 512  # bytes of memory of a part of a file


@dataclass(frozen=True, slots=True)
class Include:
    """Which parts of a JSON answer are wanted; tensor files hold weights alone."""

    weights: bool = True
    statistics: bool = False


class Drawn(NamedTuple):
    """Values that a piece draws: of which stream, stored how, and how many bytes of them."""

    algorithm: str
    dtype: DtypeName
    bytes: int


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
    drawn: Drawn | None = None


def text(content: bytes) -> Piece:
    """Return a piece whose bytes are known."""
    return Piece(lambda: lambda: content)


def afterwards(known: Finish) -> Piece:
    """Return a piece whose bytes are known once the pieces before are done."""
    return Piece(lambda: known)


class Sum(Protocol):
    """What is found out on the way through all of a parameter's values."""

    def add(self, values: Stored) -> Callable[[], None]:
        """Look at a block, on any thread; what is returned takes it in, and is called block after block."""
        ...


S = TypeVar("S", bound=Sum)
Sums: TypeAlias = "Mapping[Values[Any], Any]"  # of the values that are gone through as a whole: what comes of it


class Part(Protocol):
    """Some bytes of a file. `owes` are the values that must be gone through before they are known."""

    @property
    def length(self) -> int: ...
    @property
    def owes(self) -> "Sequence[Values[Any]]": ...

    def pieces(self, start: int, stop: int, sums: Sums) -> Iterator[Piece]:
        """Return what makes the bytes from `start` to before `stop`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Bytes that are known before."""

    content: bytes

    owes = ()

    @property
    def length(self) -> int:
        return len(self.content)

    def pieces(self, start: int, stop: int, sums: Sums) -> Iterator[Piece]:
        yield text(self.content[start:stop])


class Encoding(ABC):
    """How a parameter's values stand in a file; `head` bytes come before them. To encode is to know their places."""

    first_block: int = BLOCK  # elements of the first block; those after it have BLOCK
    weight = 1.0  # bytes that are held for each byte of values

    @abstractmethod
    def length(self, elements: int) -> int: ...

    @abstractmethod
    def elements(self, start: int, stop: int, elements: int) -> tuple[int, int]:
        """Return the first element, and one past the last, to draw for these bytes of the file."""

    @abstractmethod
    def place(self, first: int) -> int:
        """Return where in the file what is drawn from this element on begins."""

    @abstractmethod
    def encode(self, raw: memoryview, first: int) -> Chunk: ...


@dataclass(frozen=True, slots=True)
class Raw(Encoding):
    """Little-endian, `size` bytes each."""

    size: int

    def length(self, elements: int) -> int:
        return self.size * elements

    def elements(self, start: int, stop: int, elements: int) -> tuple[int, int]:
        return start // self.size, -(-stop // self.size)

    def place(self, first: int) -> int:
        return self.size * first

    def encode(self, raw: memoryview, first: int) -> Chunk:
        return raw


@dataclass(frozen=True, slots=True)
class Unsaid(Encoding):
    """Gone through, and not in the file."""

    def length(self, elements: int) -> int:
        return 0

    def elements(self, start: int, stop: int, elements: int) -> tuple[int, int]:
        return 0, 0

    def place(self, first: int) -> int:
        return 0

    def encode(self, raw: memoryview, first: int) -> Chunk:
        return b""


@dataclass(eq=False)
class Values(Generic[S]):
    """A parameter's values. `sum_up` begins what is owed for them elsewhere in the file.

    `known` is what came of it, where that is small enough to be kept with the file's layout (`kept`).
    """

    parameter: PlannedParameter
    encoding: Encoding
    sum_up: Callable[[], S] | None = None
    kept: bool = False
    known: S | None = None

    owes = ()

    @once
    def length(self) -> int:
        return self.encoding.length(self.parameter.elements)

    def drawn(self, start: int, stop: int, summed: bool) -> tuple[int, int]:
        """Return which elements are drawn for a range: first, and one past the last; all where they are summed up."""
        if summed:
            return 0, self.parameter.elements
        return self.encoding.elements(start, stop, self.parameter.elements) if start < stop else (0, 0)

    def pieces(self, start: int, stop: int, sums: Sums) -> Iterator[Piece]:
        found: S | None = sums.get(self)
        first, end = self.drawn(start, stop, found is not None)
        if first == end:
            return
        drawing = yield from opened(self.parameter.within(first, end))
        algorithm, dtype = self.parameter.algorithm, self.parameter.dtype
        size = DTYPES[dtype].size
        for begin, count in blocks(first, end, self.encoding.first_block):
            make = partial(self._make, drawing, (begin, count), (start, stop), found)
            values = count * size
            yield Piece(make, int(values * self.encoding.weight), drawn=Drawn(algorithm, dtype, values))
        if found is not None and self.kept:
            yield afterwards(partial(self._keep, found))

    def _make(self, drawing: Drawing, block: tuple[int, int], wanted: tuple[int, int], found: S | None) -> Finish:
        values = drawing.draw(*block)
        take_in = None if found is None else found.add(values)
        place = self.encoding.place(block[0])
        start, stop = (max(0, end - place) for end in wanted)
        chunk: Chunk = b""
        if start < stop:
            chunk = self.encoding.encode(values.view("u1").data, block[0])
            if start or stop < len(chunk):
                chunk = chunk[start:stop]

        def finish() -> Chunk:
            if take_in is not None:
                take_in()
            return chunk

        return finish

    def _keep(self, found: S) -> bytes:
        self.known = found
        return b""


def raw(parameter: PlannedParameter) -> Values[Sum]:
    """Return a parameter's little-endian data."""
    return Values(parameter, Raw(DTYPES[parameter.dtype].size))


@dataclass(frozen=True, slots=True, eq=False)
class Owed(Generic[S]):
    """Bytes that are known when values have been gone through: told by what came of each of those that it `owes`."""

    length: int
    owes: Sequence[Values[S]]
    told: Callable[[Sequence[S]], bytes]

    def pieces(self, start: int, stop: int, sums: Sums) -> Iterator[Piece]:
        found = [sums[each] if each.known is None else each.known for each in self.owes]
        yield afterwards(lambda: self.told(found)[start:stop])


@dataclass(frozen=True, slots=True)
class Payload:
    """A file, or an answer in JSON. Any number of threads may read it, any range of it, at once."""

    parts: Sequence[Part]
    _ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", list(accumulate(part.length for part in self.parts)))

    @property
    def length(self) -> int:
        """Bytes, exactly."""
        return self._ends[-1] if self._ends else 0

    @property
    def weight(self) -> int:
        """Bytes that it takes in memory, about, its parameters apart."""
        return PART * len(self.parts) + sum(part.length for part in self.parts if isinstance(part, Known))

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[Piece]:
        """Return what makes the bytes from `start` to before `stop`; nothing of it is drawn yet."""
        wanted, summed = self._wanted(start, stop)
        sums = {each: each.sum_up() for each in summed if each.sum_up is not None}
        yield from approach(next(drawn_in(wanted, summed), None))
        for part, first, end in wanted:
            yield from part.pieces(first, end, sums)

    def cost(self, start: int = 0, stop: int | None = None) -> Cost:
        """Return what it takes to make a range: the elements that are drawn, and what must come before them."""
        return cost_of_drawing(drawn_in(*self._wanted(start, stop)), (self.length if stop is None else stop) - start)

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        """Make piece after piece in this thread."""
        for piece in self.pieces(start, stop):
            yield piece.make()()

    def whole(self) -> bytes:
        return b"".join(self.chunks())

    def _wanted(self, start: int, stop: int | None) -> tuple[list[tuple[Part, int, int]], dict[Values[Any], None]]:
        """Return the parts to be made for a range, each with its own, and the values to be gone through as a whole.

        Of values that something in the range is owed for and that stand before it, nothing is shown.
        """
        if not start and stop is None:
            touched = [(part, 0, part.length) for part in self.parts]
        else:
            touched = list(self._within(start, self.length if stop is None else stop))
        owed = (each for part, _, _ in touched for each in part.owes)
        summed = dict.fromkeys(each for each in owed if each.known is None)
        shown = {part for part, _, _ in touched}
        return [*((each, 0, 0) for each in summed if each not in shown), *touched], summed

    def _within(self, start: int, stop: int) -> Iterator[tuple[Part, int, int]]:
        """Return the parts that a range touches, each with its own range."""
        for index in range(bisect_right(self._ends, start), len(self.parts)):
            part = self.parts[index]
            begin = self._ends[index] - part.length
            if begin >= stop:
                return
            yield part, max(0, start - begin), min(part.length, stop - begin)


def drawn_in(
    wanted: Sequence[tuple[Part, int, int]], summed: Mapping[Values[Any], None]
) -> Iterator[tuple[PlannedParameter, int, int]]:
    """Return the parameters of which something is drawn for these parts, with the first element and the one after."""
    for part, first, end in wanted:
        if isinstance(part, Values):
            begin, after = part.drawn(first, end, part in summed)
            if begin < after:
                yield part.parameter.within(begin, after), begin, after


class Way:
    """How far streams have been walked: where one parameter ends the next goes on, unless it has another generator."""

    def __init__(self) -> None:
        self._reached = 0

    def to(self, parameter: PlannedParameter, begin: int, after: int) -> int:
        """Return the operations that it takes to come to the first of these elements; they are drawn then."""
        passing = parameter.passing(begin)
        ahead = max(0, passing - self._reached)
        self._reached = max(self._reached, passing) + parameter.operations + GOING_ON * (after - begin)
        return ahead


def cost_of_drawing(drawn: Iterable[tuple[PlannedParameter, int, int]], length: int) -> Cost:
    """Return what it takes to draw of parameters, in this order, from one element to before another.

    One is made at a time: of those that must stand in memory the largest counts.
    """
    way = Way()
    elements = operations = standing = walking = arrays = 0
    for parameter, begin, after in drawn:
        stopping.check()
        ahead = way.to(parameter, begin, after)
        walking += ahead + parameter.walking
        operations += ahead + parameter.operations
        elements += after - begin
        arrays += 1
        standing = max(standing, parameter.standing)
    return Cost(elements, length, operations, standing, walking, arrays)


def approach(first: tuple[PlannedParameter, int, int] | None) -> Iterator[Piece]:
    """Return a heavy piece that comes to the first element that is drawn, where a stream must be walked far for it."""
    if first is None:
        return
    parameter, begin, _ = first
    if parameter.operations > HEAVY or parameter.passing(begin) <= 2 * HEAVY:
        return

    def make() -> Finish:
        parameter.open().draw(begin, 1)
        return bytes

    yield Piece(make, heavy=True)


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


def blocks(start: int, stop: int, first: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Return (first, count) of the blocks that elements are drawn in; a parameter's first block may be another size."""
    while start < stop:
        end = first if start < first else first + ((start - first) // BLOCK + 1) * BLOCK
        yield start, min(end, stop) - start
        start = end
