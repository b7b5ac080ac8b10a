"""Records: what is known of the files that are written, until the checkpoint is complete."""

import json
import re
from typing import NamedTuple

from service.materialize.places.place import Place

FOLDER = ".initserve"


class Record(NamedTuple):
    """A file as it was written: its SHA-256 in hexadecimal, its bytes, and the tag that its place had for it."""

    sha256: str
    bytes: int
    tag: str | None


def name_of(name: str) -> str:
    return f"{FOLDER}/{name}.json"


def keep(place: Place, name: str, record: Record) -> None:
    place.put(name_of(name), json.dumps(record._asdict()).encode() + b"\n")


def kept(place: Place, name: str) -> Record | None:
    """Return what is known of a file; None where nothing is, or what is there is no record."""
    text = place.read(name_of(name))
    try:
        record = None if text is None else Record(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
    return record if record is not None and is_sha256(record.sha256) else None


def is_sha256(text: object) -> bool:
    """Whether this is a SHA-256 in hexadecimal."""
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None


def forget(place: Place, name: str) -> None:
    place.remove(name_of(name))
