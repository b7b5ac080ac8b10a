"""Work that is not of shards: it can be sent by its name, and says where it was done."""

import hashlib
import os
import signal
import time
from pathlib import Path

from service.materialize.engines.engine import Told


def digest(number: int, told: Told) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def refused(number: int, told: Told) -> int:
    if number % 3 == 0:
        raise ValueError(f"{number} is not to be had")
    return number


def deadly(marks: Path, deaths: dict[int, int], number: int, told: Told) -> int:
    """Kill the process the first so many times that a number is tried; leave a mark of each try."""
    tries = tried(marks, number)
    with (marks / str(number)).open("a") as file:
        file.write(f"{os.getpid()}\n")
    if tries < deaths.get(number, 0):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return number


def tried(marks: Path, number: int) -> int:
    path = marks / str(number)
    return len(path.read_text().splitlines()) if path.exists() else 0
