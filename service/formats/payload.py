"""What every format gives: chunks and their total length."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Include:
    """Which parts of a JSON answer are wanted; tensor files hold weights alone."""

    weights: bool = True
    statistics: bool = False


@dataclass(frozen=True, slots=True)
class Payload:
    """`length` is in bytes, exact; `chunks` draws as it is read, and only once."""

    length: int
    chunks: Iterator[bytes | memoryview]
