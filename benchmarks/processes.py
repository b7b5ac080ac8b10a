"""Child processes that never outlive what they were started for."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
GRACE = 10.0  # seconds to end in
CHECK = 0.02  # seconds between two looks


class NotRunning(RuntimeError):
    """A process ended, or never did what it was started for."""


def environment(root: Path = ROOT, /, **variables: str) -> Mapping[str, str]:
    """Return the environment in which `python -m` finds the packages of this checkout, not installed ones."""
    return {**os.environ, "PYTHONPATH": str(root), **variables}


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


@contextmanager
def running(
    command: Sequence[str], root: Path = ROOT, ready: Callable[[], bool] = lambda: True, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the background, from when it is ready until the end of the block."""
    with tempfile.TemporaryFile("w+") as log:  # a pipe that nobody reads would fill up and stop the process
        # In a session of its own: Ctrl-C comes here alone, and the children are ended in order.
        process = subprocess.Popen(
            command, cwd=root, env=environment(root, **variables), stdout=log, stderr=log, start_new_session=True
        )
        try:
            if not becomes_ready(process, ready):
                log.seek(0)
                raise NotRunning(f"{command[0]} did not start: {log.read()[-2000:]}")
            yield process
        finally:
            end(process)


def becomes_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if ready():
            return True
        time.sleep(CHECK)
    return False


def end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(timeout=GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
