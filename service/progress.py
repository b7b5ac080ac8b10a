"""How far something of a known length has come: a bar on a terminal, plain lines elsewhere where they are wanted."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REFRESH = 0.1  # seconds between two looks of the bar
BETWEEN = 10.0  # seconds between two lines where there is no terminal
WIDTH = 30  # characters of the bar
REMEMBERED = 30.0  # seconds that the rate is taken over

Progress = Callable[[int], None]  # told how many more bytes there are; fewer, where something is begun anew


class Bar:
    """Is told how many more of `length` bytes there are, and when one of `parts` files is whole; shows nothing."""

    between = float("inf")  # seconds between two looks

    def __init__(self, name: str, length: int, parts: int | None) -> None:
        self.name, self._length, self._parts = name, length, parts
        self._done, self._whole = 0, 0
        self._looked = time.monotonic()
        self._past = deque([(self._looked, 0)])  # when there were how many bytes

    def __call__(self, more: int) -> None:
        self._done += more
        now = time.monotonic()
        if now - self._looked >= self.between:
            self._looked = now
            self.show()

    def part(self, more: int = 0) -> None:
        """Count a file that is whole, of which `more` bytes were not told of yet."""
        self._whole += 1
        self(more)

    def show(self) -> None:
        """Show how far it has come."""

    def end(self) -> None:
        """Show how far it has come in the end."""

    @property
    def share(self) -> float:
        return self._done / self._length if self._length else 1.0

    def words(self) -> list[str]:
        """Return what there is to tell: bytes, files, the rate of late, and the time that the rest takes by it."""
        now = time.monotonic()
        while len(self._past) > 1 and now - self._past[0][0] > REMEMBERED:
            self._past.popleft()
        (then, before), left = self._past[0], self._length - self._done
        self._past.append((now, self._done))
        rate = max(0.0, self._done - before) / max(now - then, 1e-9)
        told = [f"{self._done / 1e9:.2f} of {self._length / 1e9:.2f} GB"]
        told += [] if self._parts is None else [f"{self._whole:,} of {self._parts:,} files"]
        return [*told, f"{rate / 1e6:,.0f} MB/s", f"{in_time(left / rate)} left"] if rate and left else told


class OnTerminal(Bar):
    """A bar, and words beside it, on one line; nothing of what is over before there was anything to see."""

    between = REFRESH
    _seen = False

    def show(self) -> None:
        self._seen = True
        bar = ("█" * round(self.share * WIDTH)).ljust(WIDTH, "░")
        sys.stderr.write(f"\r{self.name} {bar} {self.share:4.0%}  {'  '.join(self.words())} \x1b[K")
        sys.stderr.flush()

    def end(self) -> None:
        if self._seen:
            self.show()
            sys.stderr.write("\n")


class InLines(Bar):
    """A line at the beginning, one at the end, and now and then one between them."""

    between = BETWEEN

    def show(self) -> None:
        sys.stderr.write(f"{self.name}: {self.share:.0%}, {', '.join(self.words())}\n")
        sys.stderr.flush()

    end = show


def in_time(seconds: float) -> str:
    """Return a time in its two largest units."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:,.0f} h {seconds % 3600 // 60:.0f} min"


@contextmanager
def progress_bar(name: str, length: int | None, parts: int | None = None, lines: bool = False) -> Iterator[Bar]:
    """Show on standard error how far something of `length` bytes, if that is known, has come, in `parts` files.

    Where that is no terminal nothing is shown, or lines where they are asked for.
    """
    kind = Bar
    if length and sys.stderr.isatty():
        kind = OnTerminal
    elif lines:
        kind = InLines
    bar = kind(name, length or 0, parts)
    if lines:
        bar.show()
    try:
        yield bar
    finally:
        bar.end()
