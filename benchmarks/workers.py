"""The other end of peers.py and filling.py: starts a process and has it run one thing at a time."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from benchmarks.measuring import Side
from benchmarks.processes import ROOT, NotRunning, end, environment, module


class Missing(RuntimeError):
    """The framework is not installed here."""


class Worker:
    def __init__(self, process: subprocess.Popen[str], log: IO[str]) -> None:
        self.process, self.log = process, log

    def side(self, initialiser: str) -> Side:
        return lambda: float(self._ask(f"{initialiser}\n"))

    def greet(self) -> None:
        greeting = json.loads(self._ask(""))
        if "missing" in greeting:
            raise Missing(greeting["missing"])

    def _ask(self, line: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line)
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.log.seek(0)
            raise NotRunning(f"a framework's process ended: {self.log.read()[-2000:]}")
        return answer


@contextmanager
def framework(name: str, keras_backend: str = "") -> Iterator[Worker]:
    """Run a framework with its default settings; raises Missing where it is not installed."""
    with worker(module("benchmarks.peers", name), **({"KERAS_BACKEND": keras_backend} if keras_backend else {})) as it:
        yield it


@contextmanager
def worker(command: Sequence[str], **variables: str) -> Iterator[Worker]:
    """Run what greets with a JSON object, then answers a line with seconds; raises Missing where it says so."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(**variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            started = Worker(process, log)
            started.greet()
            yield started
        finally:
            end(process)
