"""Place: what a checkpoint needs of wherever it is written."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from service.formats.payload import Chunk


class PlaceError(OSError):
    """What a place did not do. `passing` says that it may do it another time."""

    def __init__(self, why: str, passing: bool = False) -> None:
        super().__init__(why)
        self.passing = passing


class Entry(NamedTuple):
    """What is there under a name: bytes, and a tag that changes with them, where the place has one to be relied on."""

    bytes: int
    tag: str | None


class Place(Protocol):
    """A flat place of files, each whole or not there. Names may have one folder before them. Raises PlaceError.

    `name` is what a person calls it, without anything secret.
    """

    name: str

    def names(self) -> list[str]:
        """Return the names of what is there, those of folders left out."""
        ...

    def entry(self, name: str) -> Entry | None:
        """Return what is there under a name; None where nothing is."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return a small file; None where it is not there."""
        ...

    def chunks(self, name: str) -> Iterator[Chunk]:
        """Yield a file from its first byte to its last."""
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Write a small file where there is none of this name, and return whether that was so."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """Write a small file, instead of what is there."""
        ...

    def write(self, name: str, chunks: Iterable[Chunk], length: int) -> Entry:
        """Write a file of `length` bytes while it is made, in bounded memory; it has its name once it is whole.

        What `chunks` raises is raised, and nothing is left behind.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there; a folder with its last file."""
        ...

    def free(self) -> int | None:
        """Return how many bytes it still takes; None where nothing is known to bound them."""
        ...

    def clear(self) -> None:
        """Remove what runs that were killed left half written, and nothing that a run is writing."""
        ...
