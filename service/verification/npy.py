"""Reads a .npy file, alone or as a member of an archive: a header, then the array's data."""

import re
from collections.abc import Generator
from math import prod

from service.errors import InvalidFile
from service.networks.schemes.npy import LENGTHS, LONGEST_HEADER, MAGIC, read_header
from service.stream.dtypes import DTYPES, DtypeName
from service.verification.arrays import Array, Hold, Listing, Reading, blocks
from service.verification.tape import Content, Tape

# NumPy's words for a dtype, without the order of its bytes. ml_dtypes's bfloat16 is saved as two bytes of anything.
WORDS: dict[str, DtypeName] = {"f4": "float32", "f8": "float64", "f2": "float16", "V2": "bfloat16"}
OTHER = re.compile(r"[<>|=]?(?P<kind>[biufcmMSUV])(?P<size>\d+)(\[.*\])?")


def read(tape: Tape, hold: Hold) -> Reading:
    """Tell of the only array; raises InvalidFile for what is no such file."""
    array, length = yield from read_array(tape, None)
    yield Listing((array,))
    yield array
    if length is None:
        raise InvalidFile(f"nothing is known of arrays of dtype {array.dtype}")
    tape.reading = "the array's data"
    yield from blocks(tape, length, array.size)
    if (yield from tape.some(1)):
        raise InvalidFile(f"it goes on after {tape.place - 1:,} bytes, where its array ends")


def read_array(content: Content, name: str | None) -> Generator[None, None, tuple[Array, int | None]]:
    """Return an array, and the bytes that its data takes where that can be told."""
    begin = yield from content.exactly(len(MAGIC) + 2)
    version = begin[len(MAGIC) :]
    if not begin.startswith(MAGIC) or version not in LENGTHS:
        raise InvalidFile(f"{name or 'it'} is no .npy file of version 1.0 to 3.0")
    whose = f"the .npy header of {name or 'the array'}"
    length = int.from_bytes((yield from content.exactly(LENGTHS[version])), "little")
    if length > LONGEST_HEADER:
        raise InvalidFile(f"{whose} has {length:,} bytes; at most {LONGEST_HEADER:,} are read")
    header = yield from content.exactly(length)
    try:
        word, backwards, shape = read_header(header)
    except ValueError as error:
        raise InvalidFile(f"{whose} cannot be: {error}") from None
    plain = word.lstrip("<>|=")
    ours = WORDS.get(plain)
    array = Array(name, ours or word, shape, backwards, ours is not None and word.startswith(">"))
    size = DTYPES[ours].size if ours else size_of(word)
    return array, None if size is None else size * prod(shape)


def size_of(word: str) -> int | None:
    """Return the bytes of an element of another dtype; None where nothing tells: of objects above all."""
    found = OTHER.fullmatch(word)
    if found is None:
        return None
    return int(found["size"]) * (4 if found["kind"] == "U" else 1)
