"""The service without a collector of rings: how many objects only that would have freed, since somebody last asked.

`python -m tests.faults.collected serve` serves as `python -m service serve` does. On SIGUSR1 the file that
FAULTS_COLLECTED names gets a line: how many objects were freed then.
"""

import gc
import os
import signal
from pathlib import Path
from types import FrameType

from service.cli import main

VARIABLE = "FAULTS_COLLECTED"


def tell(number: int, frame: FrameType | None) -> None:
    with Path(os.environ[VARIABLE]).open("a") as file:
        print(gc.collect(), file=file)


if __name__ == "__main__":
    setattr(gc, "set_threshold", lambda *_: gc.disable())  # noqa: B010 - the service sets its own when it starts
    signal.signal(signal.SIGUSR1, tell)
    main()
