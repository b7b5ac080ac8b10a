"""Reads an .npz file forward, member after member, as it comes: a ZIP of .npy files (APPNOTE 6.3).

Readers of archives go by the directory at the end; this one has read the members by then, so it holds the directory
against them: what it says is equal is what every other reader will find.
"""

import struct
from collections.abc import Generator
from hashlib import sha256
from typing import NamedTuple

from service.errors import InvalidFile
from service.formats.npz import BEYOND, CENTRAL, END, END64, LOCAL, LOCATOR64
from service.verification.arrays import Array, Event, Hold, Listing, Reading, blocks
from service.verification.members import Allowance, Deflated, Inside, Stored
from service.verification.npy import read_array
from service.verification.tape import Tape

MOST_MEMBERS = 2**17
HELD, AT_ONCE = 512, 100  # bytes that a member holds until the end, and of how many is told at a time
SUFFIX = ".npy"
PICKLE = "/data.pkl"  # a member of what torch.save writes
DESCRIBED_AFTERWARDS, UTF8 = 0x8, 0x800
KNOWN = 0x6 | DESCRIBED_AFTERWARDS | UTF8  # flags; the first two say how hard a deflater tried
STORED, DEFLATED = 0, 8
ZIP64 = 1
LATEST = 63  # version 6.3 of the format, in the lower byte of what a reader needs
DESCRIPTOR = b"PK\7\10"


class Sizes(NamedTuple):
    """A member's checksum, its bytes in the archive, and those that it holds."""

    checksum: int
    stored: int
    size: int


class Seen(NamedTuple):
    name: bytes  # its digest: names are of any length, and there may be many
    flags: int  # without that of what is told of it afterwards, which few repeat
    method: int
    sizes: Sizes


class Head(NamedTuple):
    """A member's local header. `sizes` is None where a descriptor follows its data; `wide` is that of ZIP64."""

    raw: bytes
    name: str
    flags: int
    method: int
    sizes: Sizes | None
    wide: bool


def read(tape: Tape, hold: Hold, most: int) -> Reading:
    """Tell of every member's array with its data; raises InvalidFile for what is no such archive.

    At most `most` bytes are inflated.
    """
    yield Listing()
    allowance = Allowance(most)
    seen: dict[int, Seen] = {}
    names: set[bytes] = set()
    while True:
        tape.reading, place = "the archive, between two members", tape.place
        kind = yield from tape.exactly(4)
        if kind != b"PK\3\4":
            tape.give_back(kind)
            break
        if len(seen) == MOST_MEMBERS:
            raise InvalidFile(f"the archive has more than {MOST_MEMBERS:,} members")
        if not len(seen) % AT_ONCE:
            hold(HELD * AT_ONCE)
        head = yield from read_head(tape)
        digest = sha256(head.raw).digest()
        if digest in names:
            raise InvalidFile(f"{head.name} stands twice in the archive")
        names.add(digest)
        tape.reading = head.name
        seen[place] = Seen(digest, head.flags, head.method, (yield from read_member(tape, head, allowance)))
    yield from read_directory(tape, seen)


def read_head(tape: Tape) -> Generator[None, None, Head]:
    """Return what stands before a member's data, but for its first four bytes."""
    fixed = yield from tape.exactly(LOCAL.size - 4)
    _, flags, method, _, _, checksum, stored, size, name_length, extra_length = struct.unpack("<5H3I2H", fixed)
    raw = yield from tape.exactly(name_length)
    extra = extra_of((yield from tape.exactly(extra_length)))
    name = named(raw, flags)
    if flags & ~KNOWN:
        raise InvalidFile(f"{name} is encrypted, or packed as no .npz is: its flags are {flags:#x}")
    if method not in (STORED, DEFLATED):
        raise InvalidFile(f"{name} is compressed by method {method}; members are stored or deflated")
    if extra is not None and BEYOND in (stored, size):
        size, stored = wide(extra, 2)
    known = None if flags & DESCRIBED_AFTERWARDS else Sizes(checksum, stored, size)
    return Head(raw, name, flags & ~DESCRIBED_AFTERWARDS, method, known, extra is not None)


def named(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8" if flags & UTF8 else "cp437")
    except UnicodeDecodeError:
        raise InvalidFile("a member's name is not UTF-8") from None


def extra_of(fields: bytes) -> bytes | None:
    """Return the field of ZIP64 among the extra fields of a header, None where there is none."""
    while len(fields) >= 4:
        kind, length = struct.unpack_from("<2H", fields)
        if 4 + length > len(fields):
            raise InvalidFile("an extra field in the archive is longer than all of them")
        if kind == ZIP64:
            return fields[4 : 4 + length]
        fields = fields[4 + length :]
    return None


def wide(field: bytes, count: int) -> tuple[int, ...]:
    """Return the first 64-bit numbers of a field of ZIP64."""
    if len(field) < 8 * count:
        raise InvalidFile("a field of ZIP64 in the archive is too short")
    return struct.unpack_from(f"<{count}Q", field)


def read_member(tape: Tape, head: Head, allowance: Allowance) -> Generator[Event, None, Sizes]:
    """Tell of a member's array with its data; return what was found, once it agrees with what is said of it."""
    content: Inside
    if head.method == DEFLATED:
        content = Deflated(tape, head.name, allowance)
    else:
        content = Stored(tape, head.name, None if head.sizes is None else head.sizes.stored)
    if head.name.endswith(PICKLE):
        raise InvalidFile("it is a pickle of PyTorch's in a ZIP; safetensors, .npz and .npy files can be compared")
    if head.name.endswith(SUFFIX):
        yield from read_content(content, head)
    elif not head.name.endswith("/"):  # which is a folder's, and holds nothing
        yield Array(head.name, "no array", ())
        if head.sizes is None and head.method == STORED:
            raise InvalidFile(f"{head.name} is no .npy file, so that nothing tells where it ends")
        yield from content.passed()
    elif (yield from content.passed()):
        raise InvalidFile(f"{head.name} is a folder that holds something")
    found = Sizes(content.checksum, content.stored, content.size)
    told = head.sizes or (yield from read_descriptor(tape, head, found))
    if told != found:
        what = "data does not agree with its CRC-32" if told[1:] == found[1:] else "sizes are not those that it states"
        raise InvalidFile(f"the archive is damaged: {head.name}: {what}")
    return found


def read_content(content: Inside, head: Head) -> Reading:
    """Tell of the array in a member, with its data."""
    array, length = yield from read_array(content, head.name.removesuffix(SUFFIX))
    yield array
    if length is None and head.sizes is None and head.method == STORED:
        raise InvalidFile(f"{head.name} is of dtype {array.dtype}, so that nothing tells where it ends")
    if length is not None:
        yield from blocks(content, length, array.size)
    if (yield from content.passed()) and length is not None:
        raise InvalidFile(f"{head.name} goes on where its array ends")


def read_descriptor(tape: Tape, head: Head, found: Sizes) -> Generator[None, None, Sizes]:
    """Return what is said of a member after its data."""
    begin = yield from tape.exactly(4)
    if begin == DESCRIPTOR and found.checksum != int.from_bytes(DESCRIPTOR, "little"):
        begin = yield from tape.exactly(4)
    long = head.wide or max(found.stored, found.size) >= BEYOND
    stored, size = struct.unpack("<2Q" if long else "<2I", (yield from tape.exactly(16 if long else 8)))
    return Sizes(int.from_bytes(begin, "little"), stored, size)


def read_directory(tape: Tape, seen: dict[int, Seen]) -> Generator[None, None, None]:
    """Read all that follows the members; raises InvalidFile unless it says of them what was found."""
    start, count = tape.place, len(seen)
    tape.reading = "the archive's directory"
    for _ in range(count):
        yield from read_entry(tape, seen)
    length = tape.place - start
    kind = yield from tape.peek(4)
    far = kind == b"PK\6\6"
    if far:
        yield from read_end64(tape, count, length, start)
    end = END.unpack((yield from tape.exactly(END.size)))
    signature, *numbers, comment = end
    expected = [0, 0, min(count, 0xFFFF), min(count, 0xFFFF), min(length, BEYOND), min(start, BEYOND)]
    beyond = [0, 0, 0xFFFF, 0xFFFF, BEYOND, BEYOND]
    agree = all(
        number == wanted or (far and number == most)
        for number, wanted, most in zip(numbers, expected, beyond, strict=True)
    )
    if signature != b"PK\5\6" or not agree:
        raise disagreement("its end does not lead to the directory of the members that stand in it")
    if b"PK\5\6" in (yield from tape.exactly(comment)) or (yield from tape.some(1)):
        raise disagreement("there is more after its end")


def read_entry(tape: Tape, seen: dict[int, Seen]) -> Generator[None, None, None]:
    fields = CENTRAL.unpack((yield from tape.exactly(CENTRAL.size)))
    signature, _, needed, flags, method, _, _, checksum, stored, size, name, extra, comment, _, _, _, offset = fields
    if signature != b"PK\1\2" or needed & 0xFF > LATEST:
        raise disagreement("its directory does not list every member that stands in it")
    raw = yield from tape.exactly(name)
    field = extra_of((yield from tape.exactly(extra)))
    yield from tape.exactly(comment)
    numbers = [size, stored, offset]  # in this order those that do not fit stand in the field of ZIP64
    if field is not None:
        missing = [place for place, number in enumerate(numbers) if number == BEYOND]
        for place, number in zip(missing, wide(field, len(missing)), strict=True):
            numbers[place] = number
    size, stored, offset = numbers
    told = Seen(sha256(raw).digest(), flags & ~DESCRIBED_AFTERWARDS, method, Sizes(checksum, stored, size))
    if seen.pop(offset, None) != told:
        raise disagreement("its directory says otherwise of a member than what stands in it")


def read_end64(tape: Tape, count: int, length: int, start: int) -> Generator[None, None, None]:
    place = tape.place
    fields = END64.unpack((yield from tape.exactly(END64.size)))
    _, rest, _, _, *numbers = fields
    if rest != END64.size - 12 or numbers != [0, 0, count, count, length, start]:
        raise disagreement("its end of ZIP64 does not lead to the directory of the members that stand in it")
    if LOCATOR64.unpack((yield from tape.exactly(LOCATOR64.size))) != (b"PK\6\7", 0, place, 1):
        raise disagreement("its locator of ZIP64 does not lead to the end of ZIP64")


def disagreement(why: str) -> InvalidFile:
    return InvalidFile(f"the archive is damaged: {why}")
