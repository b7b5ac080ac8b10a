"""python -m service.materialize.engines.worker: one of the local engine's processes.

Its argument is the number of a file that it inherits: a connection to its parent, over which it hears what to do and
tells what came of it. It ends when its parent does.
"""

import os
import pickle
import signal
import sys
import time
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any, NoReturn

from service.materialize.engines.engine import Work

GRACE = 0.8  # seconds to clear away what was begun
PAUSE = 0.1  # seconds between two words of progress


Word = tuple[int, tuple[Any] | None, str | None]  # bytes, and what came of a number or went wrong, once that is known


class Progress:
    """Tells the parent of bytes, now and then; `more` are those that it was not told of yet."""

    def __init__(self, parent: "Connection[Any, Any]") -> None:
        self._parent, self.more, self._told = parent, 0, 0.0

    def __call__(self, more: int) -> None:
        self.more += more
        if time.monotonic() - self._told >= PAUSE:
            self._told = time.monotonic()
            self._parent.send((self.more, None, None))
            self.more = 0


def serve(parent: "Connection[Any, Any]") -> NoReturn:
    """Do what the parent asks, number after number, until it has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal it comes to all: the parent ends its workers
    signal.signal(signal.SIGTERM, leave)
    asked: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=listen, args=(parent, asked), daemon=True).start()
    work: Work[Any] = pickle.loads(asked.get())
    while True:
        number, progress = int(asked.get()), Progress(parent)
        try:
            result = work(number, progress)
            answer: Word = (progress.more, (result,), None)
        except Exception as error:  # whatever it is, this number came to nothing, and others may come to something
            answer = (0, None, str(error) or type(error).__name__)
        try:
            parent.send(answer)
        except OSError:  # it has gone
            sys.exit(1)


def listen(parent: "Connection[Any, Any]", asked: "SimpleQueue[bytes]") -> None:
    """Hear what is asked; once the parent has gone, let this process unwind, and end it in any case."""
    try:
        while True:
            asked.put(parent.recv_bytes())
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)


def leave(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what is cleared away now is not to be interrupted
    sys.exit(128 + number)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
