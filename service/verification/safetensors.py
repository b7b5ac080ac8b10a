"""Reads a safetensors file: its header whole, within bounds, then the tensors' data in the order in which it stands.

The header is read entry by entry: as one JSON document, 25 MB of it could come to gigabytes of objects.
"""

import json
import re
from collections.abc import Generator, Iterator, Sequence
from math import prod
from typing import Any, NamedTuple, NoReturn

from service.errors import InvalidFile
from service.stream.dtypes import DTYPES, DtypeName
from service.verification.arrays import TURN, Array, Hold, Listing, Reading, blocks
from service.verification.tape import Tape

LARGEST_HEADER = 25_000_000  # bytes, as clients of the Hub have it
LONGEST_ENTRY = 4096  # characters of what is said of one tensor
# Members of the metadata, of which trainers write some hundreds: the largest header has room for 1.5 million and more,
# which would take many seconds.
MOST_METADATA = 2**16
AT_ONCE = 1000  # entries: some milliseconds
HELD = 10  # bytes of memory for each byte of a header
STEP = 2**18  # bytes of a header at a time
METADATA = "__metadata__"
MEMBERS = {"dtype", "shape", "data_offsets"}
OURS: dict[str, DtypeName] = {each.safetensors: name for name, each in DTYPES.items()}
# Bits of an element of the other dtypes that the format has.
OTHERS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "I32": 32, "U32": 32, "I64": 64, "U64": 64, "C64": 64,
}  # fmt: skip
BITS = OTHERS | {word: 8 * DTYPES[name].size for word, name in OURS.items()}
SPACE = re.compile(r"[ \t\r\n]*")


class Tensor(NamedTuple):
    """An array, and where its data stands, in bytes from the end of the header on."""

    start: int
    stop: int
    array: Array


def read(tape: Tape, hold: Hold) -> Reading:
    """Tell what is listed, then every tensor with its data; raises InvalidFile for what is no such file."""
    tape.reading = "the header"
    length = int.from_bytes((yield from tape.exactly(8)), "little")
    if length > LARGEST_HEADER:
        raise InvalidFile(f"its header has {length:,} bytes; at most {LARGEST_HEADER:,} are read")
    tensors, spec = yield from read_header((yield from gathered(tape, length, hold)))
    yield Listing(tuple(tensor.array for tensor in tensors), spec)
    for tensor in tensors:
        tape.reading = f"the data of {tensor.array.name}"
        yield tensor.array
        yield from blocks(tape, tensor.stop - tensor.start, tensor.array.size)
    if (yield from tape.some(1)):
        raise InvalidFile(f"it goes on after {tape.place - 1:,} bytes, where its header says that it ends")


def gathered(tape: Tape, length: int, hold: Hold) -> Generator[None, None, bytes]:
    """Return a header; memory is held for it as it comes, not as it says that it will."""
    parts: list[bytes] = []
    while length:
        count = min(length, STEP)
        hold(HELD * count)
        parts.append((yield from tape.exactly(count)))
        length -= count
    return b"".join(parts)


def read_header(header: bytes) -> Generator[bytes, None, tuple[list[Tensor], str | None]]:
    """Return the tensors in the order of their data, and the spec that the metadata has."""
    try:
        scanner = Scanner(header.decode())
    except UnicodeDecodeError:
        refuse("it is not UTF-8")
    tensors: list[Tensor] = []
    spec: str | None = None
    names: set[str] = set()
    for name in scanner.members():
        if name in names:
            refuse(f"{name!r} stands twice")
        names.add(name)
        if not len(names) % AT_ONCE:
            yield TURN
        if name == METADATA:
            spec = yield from read_metadata(scanner)
        else:
            tensors.append(tensor_of(name, scanner.small()))
    scanner.end()
    tensors.sort(key=lambda tensor: tensor[:2])
    refuse_gaps(tensors)
    return tensors, spec


def read_metadata(scanner: "Scanner") -> Generator[bytes, None, str | None]:
    """Pass over the metadata; return the spec in it, None where there is none."""
    spec = None
    for count, key in enumerate(scanner.members(), 1):
        if count > MOST_METADATA:
            refuse(f"its metadata has more than {MOST_METADATA:,} members, the most that are read")
        value = scanner.string()
        if key == "spec" and spec is not None:
            refuse("its metadata has two specs")
        if key == "spec":
            spec = value
        if not count % AT_ONCE:
            yield TURN
    return spec


class Scanner:
    """A JSON text that is read from its beginning to its end, in parts of bounded size."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0

    def members(self) -> Iterator[str]:
        """Yield the name of each member of an object; its value is to be read before the next."""
        self._take("{")
        if self._next() == "}":
            self._take("}")
            return
        while True:
            name = self.string()
            self._take(":")
            yield name
            if self._next() == "}":
                self._take("}")
                return
            self._take(",")

    def string(self) -> str:
        if self._next() != '"':
            self._refuse("a string")
        found, self._place = self._decoded(self._text, self._place)
        try:
            found.encode()
        except UnicodeEncodeError:
            refuse("a string has half of a surrogate pair")
        return str(found)

    def small(self) -> Any:
        """Return a value that takes no more than LONGEST_ENTRY characters."""
        self._next()
        found, length = self._decoded(self._text[self._place : self._place + LONGEST_ENTRY], 0)
        self._place += length
        return found

    def end(self) -> None:
        if self._next():
            self._refuse("the end")

    def _decoded(self, text: str, place: int) -> tuple[Any, int]:
        try:
            return DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            self._refuse(f"JSON, a value of at most {LONGEST_ENTRY:,} characters")

    def _next(self) -> str:
        """Pass over what is blank; return the character after it, none at the end."""
        found = SPACE.match(self._text, self._place)
        self._place = found.end() if found else self._place
        return self._text[self._place : self._place + 1]

    def _take(self, wanted: str) -> None:
        if self._next() != wanted:
            self._refuse(wanted)
        self._place += 1

    def _refuse(self, wanted: str) -> NoReturn:
        refuse(f"at its character {self._place:,} is not {wanted}")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=once)


def tensor_of(name: str, entry: Any) -> Tensor:
    """Return what an entry says; refuses one whose data has another length than dtype and shape make."""
    if not isinstance(entry, dict) or not entry.keys() >= MEMBERS:
        refuse(f"{name!r} has no dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        refuse(f"{name!r} is of a dtype that there is not: {dtype!r:.40}")
    if not counts(shape) or not counts(offsets) or len(offsets) != 2:
        refuse(f"{name!r} has a shape or data_offsets that are not whole numbers")
    start, stop = offsets
    bits = prod(shape) * BITS[dtype]
    if 8 * (stop - start) != bits:
        takes = f"{-(-bits // 8):,}" if bits < 2**67 else "more than 2^64"
        refuse(f"{name!r} has {stop - start:,} bytes of data; {dtype} of shape {shape!s:.99} takes {takes}")
    return Tensor(start, stop, Array(name, OURS.get(dtype, dtype), tuple(shape)))


def counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and 0 <= each < 2**64 for each in value)


def refuse_gaps(tensors: Sequence[Tensor]) -> None:
    """Refuse data that overlaps or that belongs to no tensor; `tensors` are sorted by where it begins."""
    place = 0
    for start, stop, array in tensors:
        if start != place:
            what = "overlaps the data before it" if start < place else "leaves a gap before it"
            refuse(f"the data of {array.name!r} {what}: it begins at {start:,}, not at {place:,}")
        place = stop


def refuse(why: str) -> NoReturn:
    raise InvalidFile(f"its header cannot be: {why}")
