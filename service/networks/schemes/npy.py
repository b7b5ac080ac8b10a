"""Reads an array that a request holds as a .npy file in base64: numbers that are the same on every machine, or nothing.

NumPy's own reader evaluates the header as Python, takes types whose bytes depend on the machine, and warns of what it
mends; this one takes what the format's description has (NumPy Enhancement Proposal 1, versions 1.0 to 3.0).
"""

import binascii
import re
from math import prod

import numpy as np
import pybase64
from numpy.typing import NDArray
from pydantic_core import PydanticCustomError

from service.networks.description import LARGEST

MAGIC = b"\x93NUMPY"
LENGTHS = {b"\1\0": 2, b"\2\0": 4, b"\3\0": 4}  # version -> bytes of the header's own length
MOST_AXES = 32
LONGEST_HEADER = 2**16
# One member of the header's dictionary, written as a Python literal by whatever wrote the file.
MEMBER = re.compile(
    rb"""\s*(?P<quote>['"])(?P<name>descr|fortran_order|shape)(?P=quote)\s*:\s*"""
    rb"""((?P<quoted>['"])(?P<dtype>[<>|=]?[a-zA-Z?]\d{0,9}(\[\d*[a-zA-Z]+\])?)(?P=quoted)"""
    rb"""|(?P<order>True|False)"""
    rb"""|\(\s*(?P<shape>(\d{1,19}\s*,\s*)*(\d{1,19}\s*)?)\))\s*(,|(?=\}))"""
)

NUMBERS = re.compile(r"[<>]f[248]|[<>][iu][248]|[|<>][iu]1")


def load_npy(text: str) -> NDArray[np.float64]:
    """Return the numbers of a .npy file in base64, in C order; raises PydanticCustomError for what is none."""
    try:
        array = read(pybase64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise PydanticCustomError(
            "npy", "not a complete .npy file of real numbers (integers, or floats of 16 to 64 bits), in base64"
        ) from None
    if array.size == 0 or not np.isfinite(array).all() or np.abs(array).max() > LARGEST:
        raise PydanticCustomError("npy", "every number of the array must be finite, and there must be one")
    return array


def read_npy(text: str) -> str:
    """Refuse what is not a .npy file of finite numbers in base64."""
    load_npy(text)
    return text


def read(file: bytes) -> NDArray[np.float64]:
    """Return the array in a file; raises ValueError for what is not just that."""
    version = file[len(MAGIC) : len(MAGIC) + 2]
    if not file.startswith(MAGIC) or version not in LENGTHS:
        raise ValueError("no such version")
    start = len(MAGIC) + 2 + LENGTHS[version]
    end = start + int.from_bytes(file[len(MAGIC) + 2 : start], "little")
    if end - start > LONGEST_HEADER or end > len(file):
        raise ValueError("the header is cut short")
    word, backwards, shape = read_header(file[start:end])
    if not NUMBERS.fullmatch(word):
        raise ValueError("no numbers")
    dtype = np.dtype(word)
    if len(file) - end != prod(shape) * dtype.itemsize:
        raise ValueError("other bytes than the shape takes")
    values = np.frombuffer(file, dtype, offset=end).reshape(shape, order="F" if backwards else "C")
    with np.errstate(all="ignore"):  # what is not finite is refused by name
        return values.astype(np.float64, order="C")


def read_header(header: bytes) -> tuple[str, bool, tuple[int, ...]]:
    """Return NumPy's word for the dtype, whether the order is Fortran's, and shape; raises ValueError for no header."""
    text = header.strip()
    found: dict[bytes, re.Match[bytes]] = {}
    place = 1
    while member := MEMBER.match(text, place):
        if member["name"] in found:
            raise ValueError("a member stands twice")
        found[member["name"]] = member
        place = member.end()
    if not text.startswith(b"{") or text[place:].strip() != b"}" or len(found) < 3:
        raise ValueError("no header")
    dtype, order, shape = found[b"descr"]["dtype"], found[b"fortran_order"]["order"], found[b"shape"]["shape"]
    if dtype is None or order is None or shape is None:
        raise ValueError("a member is of another kind")
    sizes = tuple(int(size) for size in shape.split(b",") if size.strip())
    if len(sizes) > MOST_AXES or (len(sizes) == 1 and b"," not in shape):
        raise ValueError("no shape")
    return dtype.decode(), order == b"True", sizes
