"""Headers: the names, shapes and dtypes of a file's tensors, read without their data."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from service.errors import InvalidFile
from service.headers import archives, hdf5, safetensors
from service.headers.entry import Entry
from service.networks.layouts import Layout
from service.networks.telling.names import layout_of
from service.verification.safetensors import LARGEST_HEADER

SUFFIXES = ".safetensors, .index.json, .h5, .keras, .npz"


def listing_of(path: Path) -> tuple[dict[str, Entry], Layout]:
    """Return the tensors of a file and whose names they have; raises InvalidFile for what cannot be read, OSError."""
    if path.is_dir():
        path = in_directory(path)
    if path.name.endswith(".index.json"):
        tensors = of_index(path)
    else:
        with path.open("rb") as file:
            tensors = reader_of(file, path.name)(file)
    if not tensors:
        raise InvalidFile(f"{path.name} holds no tensor")
    keras = path.suffix in (".h5", ".hdf5", ".keras")
    return tensors, "keras" if keras else layout_of(tensors)


def in_directory(path: Path) -> Path:
    """Return the file of a model's directory that lists its tensors."""
    for name in ("model.safetensors.index.json", "model.safetensors"):
        if (path / name).exists():
            return path / name
    raise InvalidFile(f"{path} has no model.safetensors and no model.safetensors.index.json")


def reader_of(file: BinaryIO, name: str) -> Callable[[BinaryIO], dict[str, Entry]]:
    """Return what reads a file's header: by how it begins."""
    first = file.read(8)
    file.seek(0)
    if first == hdf5.SIGNATURE:
        return hdf5.read
    if first[:4] == b"PK\x03\x04":
        return archives.read
    if len(first) == 8 and int.from_bytes(first, "little") <= LARGEST_HEADER:
        return safetensors.read
    raise InvalidFile(f"{name} is none of {SUFFIXES}, nor a directory with one of the first two")


def of_index(path: Path) -> dict[str, Entry]:
    """Return the tensors that an index names, from the headers of the files beside it: it has no shapes itself."""
    weights = weight_map(path)
    found: dict[str, Entry] = {}
    for name in dict.fromkeys(weights.values()):
        with (path.parent / name).open("rb") as file:
            found |= safetensors.read(file)
    missing = next((name for name in weights if name not in found), None)
    if missing is not None:
        raise InvalidFile(f"{path.name} has {missing!r} in {weights[missing]}, whose header does not list it")
    return {name: found[name] for name in weights}


def weight_map(path: Path) -> Mapping[str, str]:
    """Return which file beside it an index has each tensor in."""
    if path.stat().st_size > LARGEST_HEADER:
        raise InvalidFile(f"{path.name} has more than {LARGEST_HEADER:,} bytes")
    try:
        document: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise InvalidFile(f"{path.name} is not JSON") from None
    weights = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(name, str) and is_beside(name) for name in weights.values()):
        raise InvalidFile(f"{path.name} has no weight_map from names of tensors to files beside it")
    return weights


def is_beside(name: str) -> bool:
    return name == Path(name).name and name not in ("", ".", "..")
