"""The service with a watch on its event loop: how long it was held, at the most, since somebody last asked.

`python -m tests.faults.probed serve` serves as `python -m service serve` does. The file that FAULTS_WATCH names
holds the longest time, in seconds; who wants to know it anew puts a zero there.
"""

import asyncio
import mmap
import os
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from service.api.app import Application
from service.cli import main

VARIABLE = "FAULTS_WATCH"
FORM = struct.Struct("d")
STEP = 0.002  # seconds between two looks


class Watch:
    """A number that two processes see."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._held = mmap.mmap(file.fileno(), FORM.size)

    @property
    def seconds(self) -> float:
        found: float = FORM.unpack(self._held[:])[0]
        return found

    @seconds.setter
    def seconds(self, value: float) -> None:
        self._held[:] = FORM.pack(value)


async def look(watch: Watch) -> None:
    while True:
        began, worked = time.perf_counter(), time.process_time()
        await asyncio.sleep(STEP)
        # Of a process that had no processor meanwhile, nothing held the loop.
        held = min(time.perf_counter() - began - STEP, time.process_time() - worked)
        if held > watch.seconds:
            watch.seconds = held


def watched(lifespan: Any) -> Any:
    @asynccontextmanager
    async def live(app: Application) -> AsyncIterator[Any]:
        async with lifespan(app) as state:
            looking = asyncio.create_task(look(Watch(Path(os.environ[VARIABLE]))))
            yield state
            looking.cancel()

    return live


if __name__ == "__main__":
    make = Application.__init__

    def make_watched(self: Application, *arguments: Any, lifespan: Any, **more: Any) -> None:
        make(self, *arguments, lifespan=watched(lifespan), **more)

    setattr(Application, "__init__", make_watched)  # noqa: B010 - whose own type is as long as this file
    main()
