"""Tells of which kind a file is by its first bytes, whatever it is called or declared to be."""

from collections.abc import Generator

from service.errors import InvalidFile
from service.networks.schemes.npy import MAGIC
from service.verification import npy, npz, safetensors
from service.verification.arrays import Hold, Reading
from service.verification.tape import Tape

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
    raise InvalidFile("neither a safetensors, nor an .npz, nor an .npy file begins so")
