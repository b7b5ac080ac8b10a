"""A bar on a terminal's last line: how far a download has come."""

import sys
import time

REFRESH = 0.1  # seconds
WIDTH = 30  # characters


class Bar:
    """Shows places of a file of `length` bytes on standard error, where `wanted` and that is a terminal."""

    def __init__(self, name: str, length: int, wanted: bool) -> None:
        self._name, self._length = name, length
        self._shown = wanted and length > 0 and sys.stderr.isatty()
        self._began = self._last = time.monotonic()
        self._first: int | None = None  # where this process began
        self._place = 0

    def at(self, place: int) -> None:
        if self._first is None or place < self._first:
            self._first = place
        self._place = place
        if self._shown and time.monotonic() - self._last >= REFRESH:
            self._draw()

    def close(self) -> None:
        if self._shown:
            self._draw()
            print(file=sys.stderr)

    def _draw(self) -> None:
        self._last = time.monotonic()
        share = min(self._place / self._length, 1.0)
        rate = (self._place - (self._first or 0)) / max(self._last - self._began, 1e-9)
        bar = ("█" * round(share * WIDTH)).ljust(WIDTH, "░")
        size = f"{self._place / 1e9:.2f} of {self._length / 1e9:.2f} GB"
        print(
            f"\r{self._name} {bar} {share:4.0%}  {size}  {rate / 1e6:,.0f} MB/s ", end="", file=sys.stderr, flush=True
        )
