"""The command as it is run, and who of all processes is in the middle of a shard."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ROOT

LAYER = {"type": "dense", "shape": [2000, 3000], "bias": None}  # 24 MB: some tenths of a second of work
SPEC: dict[str, Any] = {"seed": 7, "layers": [LAYER] * 6}
SHARD_BYTES = 24_000_000  # a layer
MOST = 120.0  # seconds that a run takes, beside others


def begun(spec: Any, place: Path | str, *more: str, **environment: str) -> "subprocess.Popen[str]":
    """Begin the command, in a session of its own."""
    command = [
        sys.executable,
        "-m",
        "service",
        "materialize",
        "-",
        str(place),
        "--shard-bytes",
        str(SHARD_BYTES),
        *more,
    ]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        cwd=ROOT,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(spec))
    process.stdin.close()
    process.stdin = None
    return process


def ended(process: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
    try:
        out, error = process.communicate(timeout=MOST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, error = process.communicate()
        raise AssertionError(f"not done after {MOST} s: {out}\n{error}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def materialize(spec: Any, place: Path | str, *more: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return ended(begun(spec, place, *more, **environment))


class Writer(NamedTuple):
    """A process that has a shard open, of which it has not written all."""

    pid: int
    shard: str


def writers(place: Path) -> Iterator[Writer]:
    """Yield who is in the middle of a shard of a directory, as the kernel knows them."""
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with suppress(OSError):  # it has ended, or is somebody else's
            for each in folder.iterdir():
                with suppress(OSError):
                    path = Path(os.readlink(each))
                    if path.parent == place / ".initserve" and path.name.startswith("model-"):
                        yield Writer(int(folder.parent.name), path.name[: path.name.index(".")])


def killed(place: Path, process: "subprocess.Popen[str]", chosen: Callable[[Writer], bool], most: int) -> list[Writer]:
    """Kill writers that are chosen, one after the other, until it is enough or the run has ended; return them."""
    found: list[Writer] = []
    deadline = time.monotonic() + MOST
    while len(found) < most and process.poll() is None and time.monotonic() < deadline:
        for writer in writers(place):
            if len(found) < most and writer not in found and chosen(writer):
                os.kill(writer.pid, signal.SIGKILL)
                found.append(writer)
        time.sleep(0.01)
    return found
