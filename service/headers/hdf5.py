"""Reads which datasets an HDF5 file holds: the headers of its objects, never their data.

It follows the HDF5 File Format Specification 3.0 as far as Keras and h5py write such files: superblocks 0 to 3, headers
of objects 1 and 2, groups as symbol tables or as links in their header.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, NoReturn

from service.errors import InvalidFile
from service.headers.entry import Entry

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1
MOST_OBJECTS = 200_000
DEEPEST = 64  # groups within each other
LARGEST_BLOCK = 2**24  # bytes of a header or of a group's names
DATASPACE, LINK_INFO, DATATYPE, LINK, CONTINUATION, SYMBOL_TABLE = 0x01, 0x02, 0x03, 0x06, 0x10, 0x11
INTEGER, FLOAT, OPAQUE, ENUM = 0, 1, 5, 8  # classes of datatypes
BFLOAT16_EXPONENT = 8  # bits, as against the five of float16


def read(file: IO[bytes]) -> dict[str, Entry]:
    """Return the datasets of a file by their paths; raises InvalidFile for what is damaged or of another form."""
    reader = Reader(file)
    try:
        return dict(reader.datasets(reader.root(), "", 0))
    except (struct.error, IndexError, ValueError):  # among these a name that is not UTF-8, or that has no end
        refuse("a header in it ends too soon")


def refuse(why: str) -> NoReturn:
    raise InvalidFile(f"this HDF5 file cannot be read: {why}")


@dataclass
class Reader:
    """Reads objects where they stand; every address is counted from the superblock's base."""

    file: IO[bytes]
    base: int = 0
    seen: set[int] = field(default_factory=set)

    def at(self, address: int, count: int) -> bytes:
        """Return so many bytes; refuses more than a header has, and what is not in the file."""
        if count > LARGEST_BLOCK:
            refuse(f"a header of {count:,} bytes")
        try:
            self.file.seek(self.base + address)
        except (OverflowError, ValueError, OSError):
            refuse("an address leads out of it")
        found = self.file.read(count)
        if len(found) < count:
            refuse("it ends in the middle of a header")
        return found

    def root(self) -> int:
        """Return the address of the root group's header."""
        head = io.BytesIO(self.at(0, 96))
        if head.read(8) != SIGNATURE:
            refuse("it does not begin as one")
        version = head.read(1)[0]
        if version in (0, 1):
            head.read(4)
            self._refuse_sizes(head.read(2))
            head.seek(24 if version == 0 else 28)
            self.base, _, _, _, _, root = struct.unpack("<6Q", head.read(48))
            return int(root)
        if version in (2, 3):
            self._refuse_sizes(head.read(2))
            head.read(1)
            self.base, _, _, root = struct.unpack("<4Q", head.read(32))
            return int(root)
        refuse(f"its superblock is of version {version}")

    def _refuse_sizes(self, sizes: bytes) -> None:
        if sizes != b"\x08\x08":
            refuse("its addresses are not of eight bytes")

    def datasets(self, address: int, path: str, depth: int) -> Iterator[tuple[str, Entry]]:
        """Yield every dataset in an object and below, with its path."""
        if address in self.seen:  # a second link to the same object, or a circle of groups
            return
        self.seen.add(address)
        if len(self.seen) > MOST_OBJECTS or depth > DEEPEST:
            refuse(f"it has more than {MOST_OBJECTS:,} objects, or groups in {DEEPEST} others")
        messages = list(self.messages(address))
        kinds = {kind for kind, _ in messages}
        if {DATASPACE, DATATYPE} <= kinds:
            by_kind = dict(reversed(messages))
            yield path, Entry(shape=shape_in(by_kind[DATASPACE]), dtype=dtype_in(by_kind[DATATYPE]))
            return
        for name, child in self.children(messages):
            yield from self.datasets(child, f"{path}/{name}" if path else name, depth + 1)

    def children(self, messages: list[tuple[int, bytes]]) -> Iterator[tuple[str, int]]:
        """Yield the names of what a group holds, and where it stands."""
        for kind, data in messages:
            if kind == SYMBOL_TABLE:
                tree, heap = struct.unpack_from("<2Q", data)
                yield from self.symbols(tree, self.names(heap), 0)
            elif kind == LINK:
                yield from link_in(data)
            elif kind == LINK_INFO and dense(data):
                refuse("a group has its names in HDF5's newest form (a fractal heap); write it with libver='earliest'")

    def names(self, heap: int) -> bytes:
        """Return the local heap that the names of a group stand in."""
        signature, _, size, _, data = struct.unpack("<4sI3Q", self.at(heap, 32))
        if signature != b"HEAP":
            refuse("a group has no names")
        return self.at(data, size)

    def symbols(self, address: int, names: bytes, depth: int) -> Iterator[tuple[str, int]]:
        """Yield what a B-tree of symbols holds."""
        head = self.at(address, 24)
        signature, kind, level, entries = struct.unpack_from("<4sBBH", head)
        if signature != b"TREE" or kind != 0 or depth > DEEPEST:
            refuse("a group's tree is no tree of names")
        keys = struct.unpack(f"<{2 * entries + 1}Q", self.at(address + 24, 8 * (2 * entries + 1)))
        for child in keys[1::2]:
            if level:
                yield from self.symbols(child, names, depth + 1)
            else:
                yield from self.node(child, names)

    def node(self, address: int, names: bytes) -> Iterator[tuple[str, int]]:
        signature, _, count = struct.unpack("<4sHH", self.at(address, 8))
        if signature != b"SNOD":
            refuse("a group's tree leads to no names")
        entries = self.at(address + 8, 40 * count)
        for place in range(0, 40 * count, 40):
            offset, header = struct.unpack_from("<2Q", entries, place)
            yield names[offset : names.index(b"\0", offset)].decode(), header

    def messages(self, address: int) -> Iterator[tuple[int, bytes]]:
        """Yield the messages of an object's header: what kind each is of, and its data."""
        if self.at(address, 4) == b"OHDR":
            yield from self._messages_of_2(address)
        else:
            yield from self._messages_of_1(address)

    def _messages_of_1(self, address: int) -> Iterator[tuple[int, bytes]]:
        version, _, _, _, size = struct.unpack("<BBHII", self.at(address, 12))
        if version != 1:
            refuse(f"a header of an object is of version {version}")
        blocks = [(address + 16, size)]
        for start, length in blocks:
            block, place = self.at(start, length), 0
            while place + 8 <= length:
                kind, count = struct.unpack_from("<HH", block, place)
                data = block[place + 8 : place + 8 + count]
                place += 8 + count
                if kind == CONTINUATION:
                    self._follow(blocks, data)
                else:
                    yield kind, data

    def _messages_of_2(self, address: int) -> Iterator[tuple[int, bytes]]:
        flags = self.at(address + 5, 1)[0]
        start = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        length = int.from_bytes(self.at(address + start, width), "little")
        blocks = [(address + start + width, length)]
        head = 6 if flags & 4 else 4
        for place, (first, size) in enumerate(blocks):
            at = first + 4 if place else first  # OCHK
            block, end = self.at(at, size - 8 if place else size), size - 8 if place else size
            here = 0
            while here + head <= end:
                kind, count = struct.unpack_from("<BH", block, here)
                data = block[here + head : here + head + count]
                here += head + count
                if kind == CONTINUATION:
                    self._follow(blocks, data)
                else:
                    yield kind, data

    def _follow(self, blocks: list[tuple[int, int]], data: bytes) -> None:
        block = struct.unpack_from("<2Q", data)
        if block in blocks or len(blocks) > MOST_OBJECTS:
            refuse("a header goes on in a circle")
        blocks.append(block)


def dense(data: bytes) -> bool:
    """Whether a group has its links in a heap, as link information says it."""
    place = 2 + (8 if data[1] & 1 else 0)
    return bool(struct.unpack_from("<Q", data, place)[0] != UNDEFINED)


def link_in(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the name and the place of what a link message leads to; none for one to another file or by a path."""
    flags, place = data[1], 2
    kind = 0
    if flags & 8:
        kind, place = data[place], place + 1
    place += 8 if flags & 4 else 0
    place += 1 if flags & 0x10 else 0
    width = 1 << (flags & 3)
    length = int.from_bytes(data[place : place + width], "little")
    name = data[place + width : place + width + length].decode()
    if kind == 0:
        yield name, struct.unpack_from("<Q", data, place + width + length)[0]


def shape_in(data: bytes) -> list[int]:
    """Return the sizes in a dataspace message."""
    version, rank = data[0], data[1]
    if version not in (1, 2):
        refuse(f"a dataspace is of version {version}")
    return list(struct.unpack_from(f"<{rank}Q", data, 8 if version == 1 else 4))


def dtype_in(data: bytes) -> str:
    """Return the name of a datatype: float16, bfloat16, int64, bool and their like."""
    kind, size = data[0] & 0x0F, struct.unpack_from("<I", data, 4)[0]
    if kind == FLOAT:
        return "bfloat16" if size == 2 and data[13] == BFLOAT16_EXPONENT else f"float{8 * size}"
    if kind == INTEGER:
        return f"{'' if data[1] & 8 else 'u'}int{8 * size}"
    if kind == OPAQUE and size == 2:  # as Keras keeps it
        return "bfloat16"
    return "bool" if kind == ENUM and size == 1 else f"of class {kind}"
