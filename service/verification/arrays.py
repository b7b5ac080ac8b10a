"""What readers of files tell, one event after the other: what is listed, an array begins, its data, block by block."""

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias

from service.stream.drawing import BLOCK
from service.stream.dtypes import DTYPES
from service.stream.views import Shape
from service.verification.tape import Content

Hold: TypeAlias = Callable[[int], None]  # told how many more bytes of memory are held until the end


class Listing(NamedTuple):
    """What a file says of all of itself at its beginning: its arrays, and the spec that it was made of; None if not."""

    arrays: tuple["Array", ...] | None = None
    spec: str | None = None


class Array(NamedTuple):
    """An array as a file has it. `dtype` is one of DTYPES, or the file's own word for another.

    The name is None in a file of one array. `backwards` is Fortran's order, `swapped` big-endian.
    """

    name: str | None
    dtype: str
    shape: Shape
    backwards: bool = False
    swapped: bool = False

    @property
    def size(self) -> int:
        """Bytes of an element; 1 of another dtype, whose data is only passed over."""
        return DTYPES[self.dtype].size if self.dtype in DTYPES else 1


# None stands for: more bytes are needed. Bytes are data of the array named last: whole elements, a block at the most;
# none where reading has taken a while, so that others may have a turn.
Event: TypeAlias = Listing | Array | bytes | None
TURN = b""
Reading: TypeAlias = Generator[Event, None, None]


def blocks(content: Content, length: int, size: int) -> Reading:
    """Yield `length` bytes of elements of `size` bytes."""
    while length:
        part = min(length, BLOCK * size)
        yield (yield from content.exactly(part))
        length -= part
