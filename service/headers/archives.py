"""Reads the headers in an archive: arrays of a .npz file, and the weights in a .keras file."""

import zipfile
from typing import IO, BinaryIO

import numpy as np

from service.errors import InvalidFile
from service.headers import hdf5
from service.headers.entry import Entry

WEIGHTS = "model.weights.h5"  # of a .keras file
MOST_MEMBERS = 200_000
LONGEST_HEADER = 10_000  # bytes, as NumPy has it
READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read(file: BinaryIO) -> dict[str, Entry]:
    """Return the arrays of an archive; raises InvalidFile for one that is damaged, or holds something else."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise InvalidFile(f"the archive has more than {MOST_MEMBERS:,} members")
            if WEIGHTS in archive.namelist():
                return of_keras(archive)
            return {each.filename.removesuffix(".npy"): header_in(archive, each) for each in members}
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise InvalidFile(f"this archive cannot be read: {error}") from None


def of_keras(archive: zipfile.ZipFile) -> dict[str, Entry]:
    with archive.open(WEIGHTS) as weights:
        return hdf5.read(weights)


def header_in(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Entry:
    """Return what the header of an array says: the first hundred bytes or so of its member."""
    if not member.filename.endswith(".npy"):
        raise InvalidFile(f"{member.filename!r} in the archive is no array: a .npz file holds .npy files alone")
    with archive.open(member) as file:
        return header_of(file, member.filename)


def header_of(file: IO[bytes], name: str) -> Entry:
    try:
        version = np.lib.format.read_magic(file)
        if version not in READERS:
            raise InvalidFile(f"{name!r} is of version {version[0]}.{version[1]} of .npy, which is not read")
        shape, _, dtype = READERS[version](file, max_header_size=LONGEST_HEADER)
    except ValueError as error:
        raise InvalidFile(f"{name!r} is no .npy file: {error}") from None
    return Entry(shape=list(shape), dtype=dtype.name if dtype.kind in "fiub" else str(dtype))
