"""Reads safetensors and .npy files, strictly: every length, offset and name is checked before it is used."""

import ast
import json
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
BFLOAT16 = "BF16"
# How values stand in a safetensors file. NumPy has no bfloat16: it is read into float32, which has all its values.
STORED = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", BFLOAT16: "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
OF_NPY = {np.dtype(each) for name, each in STORED.items() if name != BFLOAT16}
LONGEST_HEADER = 100_000_000  # bytes, as the safetensors library has it
LONGEST_NPY_HEADER = 10_000
MOST_AXES = 32


class InvalidFile(ValueError):
    """Bytes are no file of the kind that they should be."""


class Entry(NamedTuple):
    """A tensor of a safetensors file; `begin` and `end` are places in its data."""

    name: str
    kind: str
    shape: Shape
    begin: int
    end: int


def read_safetensors(content: bytes | bytearray | memoryview) -> dict[str, NDArray[Any]]:
    """Return the arrays of a safetensors file, in the file's order. They share its memory, but for bfloat16's."""
    length = header_length(content)
    entries, _ = read_header(bytes(content[8 : 8 + length]))
    data = memoryview(content)[8 + length :]
    if sum(each.end - each.begin for each in entries) != len(data):
        raise InvalidFile(f"the file has {len(data):,} bytes of data, not those that its header tells of")
    return {each.name: values(data[each.begin : each.end], each.kind, each.shape) for each in entries}


def header_length(content: bytes | bytearray | memoryview) -> int:
    """Return how long the header is that follows a file's first 8 bytes."""
    if len(content) < 8:
        raise InvalidFile("a safetensors file has 8 bytes at least")
    length = int.from_bytes(content[:8], "little")
    if length > LONGEST_HEADER:
        raise InvalidFile(f"the header would have {length:,} bytes")
    return length


def read_header(text: bytes) -> tuple[list[Entry], dict[str, str]]:
    """Return a header's tensors in the order of their data, which has no gaps, and its metadata."""
    try:
        document = json.loads(text.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise InvalidFile("the header is no JSON, or is cut short") from None
    if not isinstance(document, dict):
        raise InvalidFile("the header is no JSON object")
    metadata = document.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(each, str) for each in metadata.values()):
        raise InvalidFile("the header's metadata are not texts")
    entries = sorted(map(entry_of, document.items()), key=lambda entry: (entry.begin, entry.end))
    place = 0
    for entry in entries:
        if entry.begin != place:
            raise InvalidFile(f"{entry.name} begins at {entry.begin:,}, not at {place:,}")
        place = entry.end
    return entries, metadata


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def entry_of(item: tuple[str, Any]) -> Entry:
    name, told = item
    if not isinstance(told, dict) or told.keys() != {"dtype", "shape", "data_offsets"}:
        raise InvalidFile(f"{name} does not have dtype, shape and data_offsets alone")
    kind, offsets = told["dtype"], told["data_offsets"]
    if not isinstance(kind, str) or kind not in STORED:
        raise InvalidFile(f"{name} is of the unknown dtype {kind!r:.40}")
    shape = checked_shape(told["shape"], name)
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(natural, offsets)):
        raise InvalidFile(f"{name} has no two offsets")
    begin, end = offsets
    if end - begin != prod(shape) * np.dtype(STORED[kind]).itemsize:
        raise InvalidFile(f"{name} of shape {list(shape)} does not have {end - begin:,} bytes")
    return Entry(name, kind, shape, begin, end)


def natural(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def checked_shape(shape: object, name: str) -> Shape:
    if not isinstance(shape, list | tuple) or len(shape) > MOST_AXES or not all(map(natural, shape)):
        raise InvalidFile(f"{name} has no shape")
    return tuple(shape)


def values(data: memoryview, kind: str, shape: Shape) -> NDArray[Any]:
    """Return little-endian data of a safetensors dtype as an array of this shape."""
    if len(data) != prod(shape) * np.dtype(STORED[kind]).itemsize:
        raise InvalidFile(f"{len(data):,} bytes are no {kind} of shape {list(shape)}")
    stored: NDArray[Any] = np.frombuffer(data, STORED[kind]).reshape(shape)
    if kind == BFLOAT16:
        return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return stored


def read_as(kind: str) -> np.dtype[Any]:
    """Return the dtype of the arrays that values of a safetensors dtype are read into."""
    return np.dtype(np.float32) if kind == BFLOAT16 else np.dtype(STORED[kind])


def read_npy(content: bytes | bytearray | memoryview) -> NDArray[Any]:
    """Return the array of a .npy file. It shares the file's memory; a transposed one (Fortran's order) is a view."""
    if bytes(content[:6]) != b"\x93NUMPY" or len(content) < 12:
        raise InvalidFile("it does not begin as a .npy file does")
    size = {1: 2, 2: 4, 3: 4}.get(content[6], 0)
    length = int.from_bytes(content[8 : 8 + size], "little")
    if not size or content[7] or length > LONGEST_NPY_HEADER:
        raise InvalidFile("its version or the length of its header is none")
    end = 8 + size + length
    kind, transposed, shape = npy_header(bytes(content[8 + size : end]))
    data = memoryview(content)[end:]
    if len(data) != prod(shape) * kind.itemsize:
        raise InvalidFile(f"{len(data):,} bytes are no {kind} of shape {list(shape)}")
    found: NDArray[Any] = np.frombuffer(data, kind)
    return found.reshape(shape, order="F" if transposed else "C")


def npy_header(text: bytes) -> tuple[np.dtype[Any], bool, Shape]:
    try:
        told = ast.literal_eval(text.decode("latin-1").strip())
        kind, transposed, shape = (told[name] for name in ("descr", "fortran_order", "shape"))
        dtype = np.dtype(kind)
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise InvalidFile("its header does not have descr, fortran_order and shape") from None
    if len(told) != 3 or not isinstance(kind, str) or dtype not in OF_NPY or not isinstance(transposed, bool):
        raise InvalidFile(f"its header says what cannot be read here: {text[:80]!r}")
    return dtype, transposed, checked_shape(shape, "the array")
