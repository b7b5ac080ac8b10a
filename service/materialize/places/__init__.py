"""Where a checkpoint is written: a directory, or a bucket of an object store."""

from collections.abc import Mapping

from service.materialize.places.directory import Directory
from service.materialize.places.place import Place


def place_at(address: str, options: Mapping[str, str]) -> Place:
    """Return the place that an address names: a directory's path, which file:// may stand before."""
    return Directory(address.removeprefix("file://"))
