"""Reads the header of a safetensors file: its first eight bytes are its length."""

from typing import BinaryIO

from service.errors import InvalidFile
from service.headers.entry import Entry
from service.verification.safetensors import LARGEST_HEADER, read_header


def read(file: BinaryIO) -> dict[str, Entry]:
    """Return a file's tensors in the order of their data; raises InvalidFile for what is no such header."""
    length = int.from_bytes(file.read(8), "little")
    if length > LARGEST_HEADER:
        raise InvalidFile(f"the header of {named(file)} has more than {LARGEST_HEADER:,} bytes")
    header = file.read(length)
    if len(header) < length:
        raise InvalidFile(f"{named(file)} ends in the middle of its header")
    reading = read_header(header)
    try:
        while True:
            next(reading)
    except StopIteration as end:
        tensors, _ = end.value
    return {each.array.name: Entry(shape=list(each.array.shape), dtype=each.array.dtype) for each in tensors}


def named(file: BinaryIO) -> str:
    return str(getattr(file, "name", "it"))
