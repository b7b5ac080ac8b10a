"""Tells of which kind a file is by its first bytes, whatever it is called or declared to be."""

from collections.abc import Generator

from service.errors import InvalidFile
from service.networks.schemes.npy import MAGIC
from service.verification import npy, npz, safetensors
from service.verification.arrays import Hold, Reading
from service.verification.tape import Tape

# What else people keep weights in, by its first bytes.
OTHERS = {
    b"\x89HDF": "an HDF5 file", b"\x80": "a Python pickle", b"GGUF": "a GGUF file", b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2", b"\x28\xb5\x2f\xfd": "compressed by Zstandard", b"{": "JSON", b"<": "XML or HTML",
}  # fmt: skip
ARCHIVES = (b"PK\3\4", b"PK\5\6")  # the latter begins one without members


def recognised(tape: Tape, hold: Hold, most: int) -> Generator[None, None, Reading]:
    """Return what reads a file, by its kind; raises InvalidFile for one that is none of them."""
    tape.reading = "its first bytes"
    begin = yield from tape.peek(9)
    if not begin:
        raise InvalidFile("it is empty")
    if begin.startswith(ARCHIVES):
        return npz.read(tape, hold, most)
    if begin.startswith(MAGIC):
        return npy.read(tape, hold)
    if begin[8:9] == b"{":
        return safetensors.read(tape, hold)
    for first, what in OTHERS.items():
        if begin.startswith(first):
            raise InvalidFile(f"it is {what}; safetensors, .npz and .npy files can be compared")
    raise InvalidFile("neither a safetensors, nor an .npz, nor an .npy file begins so")
