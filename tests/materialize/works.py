"""Work for engines that draws nothing: what it does to its process is what is tried."""

import os
import signal
import time
from pathlib import Path

from service.materialize.engines.engine import Told


def square(number: int, told: Told) -> int:
    told(number)
    return number**2


def dies_once(folder: str, number: int, told: Told) -> int:
    """Die by SIGKILL over odd numbers, each the first time, when some of it was told of."""
    told(1000)
    died = Path(folder, str(number))
    if number % 2 and not died.exists():
        died.touch()
        time.sleep(0.15)  # so that what is told next is sent
        told(0)
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies_over_three(number: int, told: Told) -> int:
    told(7)
    if number == 3:
        os._exit(9)
    return number


def refuses_three(number: int, told: Told) -> int:
    told(7)
    if number == 3:
        raise ValueError("three is refused")
    return number


def waits(folder: str, number: int, told: Told) -> int:
    """Say who is at it, and go on for ever, telling nothing."""
    Path(folder, str(os.getpid())).touch()
    try:
        time.sleep(600)
    finally:
        Path(folder, "cleared").touch()
    return number


def modules(number: int, told: Told) -> list[str]:
    import sys

    return [*sys.modules]
