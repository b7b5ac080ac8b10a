"""Where a checkpoint is written: a directory, or a bucket of an object store."""

import os
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from service.materialize.places.bucket import Bucket
from service.materialize.places.directory import Directory
from service.materialize.places.opening import KNOWN
from service.materialize.places.place import Place, PlaceError

FILE = "file:"


def place_at(address: str, options: Mapping[str, str]) -> Place:
    """Return the place that an address names: a directory's path, or a URL. Raises PlaceError for what is none."""
    if not address:
        raise PlaceError(f"the place has no name: give {KNOWN}")
    if is_store(address):
        return Bucket.at(address, options)
    if options:
        raise PlaceError(f"{address}: a directory has no options, and {next(iter(options))} is given")
    return Directory(path_of(address) if address.startswith(FILE) else address)


def is_store(address: str) -> bool:
    return "://" in address and not address.startswith(FILE)


def everywhere(address: str) -> str:
    """Return an address that means the same in whatever directory a worker runs."""
    return address if is_store(address) or address.startswith(FILE) else os.path.abspath(address)


def path_of(address: str) -> str:
    """Return the path that a file URL names."""
    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/") or parts.query or parts.fragment:
        raise PlaceError(f"{address}: a file's address is file:///, with the path of a directory of this machine")
    return unquote(parts.path)
