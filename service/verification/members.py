"""What a member of a ZIP holds, read from first byte to last: stored, or deflated and inflated a step at a time."""

import zlib
from collections.abc import Generator
from typing import Protocol

from service.errors import InvalidFile, TooLarge
from service.verification.arrays import TURN
from service.verification.tape import Content, Tape

STEP = 2**18  # bytes inflated at a time
TAKEN = 2**16  # bytes of deflated data taken at a time


class Inside(Content, Protocol):
    """What a member holds. `checksum` is the CRC-32 of what was read, `size` its bytes, `stored` those in the file."""

    @property
    def checksum(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def stored(self) -> int: ...

    def passed(self) -> Generator[bytes | None, None, int]:
        """Read all that is left; return how many bytes that was."""
        ...


class Allowance:
    """How many bytes a file may still come to, inflated."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise TooLarge(f"the file inflates to more than {self._most:,} bytes; at most that are read")


class Stored:
    """A member as it is. Of one that is told of afterwards the length is not known: its array says where it ends."""

    def __init__(self, tape: Tape, name: str, length: int | None) -> None:
        self._tape, self._name, self._length = tape, name, length
        self.checksum = self.size = 0

    @property
    def stored(self) -> int:
        return self.size

    def exactly(self, count: int) -> Generator[None, None, bytes]:
        if self._length is not None and self.size + count > self._length:
            raise InvalidFile(f"{self._name} ends after {self._length:,} bytes, in the middle of its array")
        found = yield from self._tape.exactly(count)
        self.checksum = zlib.crc32(found, self.checksum)
        self.size += count
        return found

    def passed(self) -> Generator[bytes | None, None, int]:
        if self._length is None:
            return 0
        before = self.size
        while self.size < self._length:
            yield from self.exactly(min(STEP, self._length - self.size))
            yield TURN
        return self.size - before


class Deflated:
    """A member that is inflated as it is read, never further than what is asked for."""

    def __init__(self, tape: Tape, name: str, allowance: Allowance) -> None:
        self._tape, self._name, self._allowance = tape, name, allowance
        self._inflation = zlib.decompressobj(-zlib.MAX_WBITS)
        self._taken = b""  # not inflated yet
        self._made = Tape()
        self.checksum = self.size = self.stored = 0

    def exactly(self, count: int) -> Generator[None, None, bytes]:
        while self._made.waiting < count:
            if not (yield from self._inflate()):
                raise InvalidFile(f"{self._name} ends after {self.size:,} bytes, in the middle of its array")
        return self._made.now(count)

    def passed(self) -> Generator[bytes | None, None, int]:
        count = self._made.waiting
        self._made.now(count)
        while step := (yield from self._inflate()):
            count += step
            self._made.now(step)
            yield TURN
        return count

    def _inflate(self) -> Generator[None, None, int]:
        """Inflate a step; return how many bytes came of it, 0 at the end."""
        while not self._inflation.eof:
            if not self._taken:
                self._taken = yield from self._tape.some(TAKEN)
                self.stored += len(self._taken)
            ended = not self._taken
            try:
                made = self._inflation.decompress(self._taken, STEP)
            except zlib.error as error:
                raise InvalidFile(f"{self._name} cannot be inflated: {error}") from None
            self._taken = self._inflation.unconsumed_tail
            unused = self._inflation.unused_data  # which there is only at the end
            self._tape.give_back(unused)
            self.stored -= len(unused)
            if made:
                self._allowance.spend(len(made))
                self.checksum = zlib.crc32(made, self.checksum)
                self.size += len(made)
                self._made.add(made)
                return len(made)
            if ended:
                raise InvalidFile(f"it ends in the middle of {self._name}")
        return 0
