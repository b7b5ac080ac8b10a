"""`python -m benchmarks.materialize [MODEL]`: whole checkpoints to disk beside dd, to a store beside its own client.

The same bytes each time, in the same shards: on disk `dd … conv=fsync` writes zeros, and in the store (moto's, which
speaks S3, on this machine) obstore's `put` takes them from files in memory, in the same parts. Sides run in turn; what
is told is the median of each round's ratio, beside the most memory that any process of ours held. All of a command is
counted; the first row is what it takes where there is next to nothing to write.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from benchmarks.processes import ROOT, environment, free_port, module, running
from service.materialize.checkpoint import checkpoint_of

GPT2_XL = {"recipe": "gpt2", "size": "xl", "head": "causal_lm", "seed": 1}
LLAMA_8B = {"recipe": "llama", "size": "8b", "head": "causal_lm", "dtype": "bfloat16", "seed": 1}
GIGABYTE = {"layers": [{"type": "dense", "shape": [5000, 5000]}] * 10, "seed": 1}
SMALL = {"layers": [{"type": "dense", "shape": [10, 10]}], "seed": 1}
MODELS: Mapping[str, Any] = {"gigabyte": GIGABYTE, "gpt2-xl": GPT2_XL, "llama-8b": LLAMA_8B}
BUCKET = "checkpoints"
LOOK = 0.2  # seconds between two looks at the memory of processes
SERVER = "import sys, moto.server; moto.server.main(sys.argv[1:])"
# Puts every file of a folder into a bucket as the store's client does by itself, so many files at once.
UPLOAD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from service.materialize.places.opening import PATIENT, opened
from service.materialize.places.parts import at_once, part_size
store = opened(sys.argv[1], {}, PATIENT)
def put(path):
    size = part_size(path.stat().st_size)
    store.put(path.name, path, chunk_size=size, max_concurrency=at_once(size))
with ThreadPoolExecutor(int(sys.argv[3])) as threads:
    list(threads.map(put, sorted(Path(sys.argv[2]).glob("*.safetensors"))))
"""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Run(NamedTuple):
    """What a command took: seconds, those of processors, and the MiB that its largest process held at its largest."""

    seconds: float
    processors: float
    memory: float


def timed(command: Sequence[str], **variables: str) -> Run:
    began, most = time.perf_counter(), 0.0
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(**variables), stdout=log, stderr=log)
        try:
            while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
                most = max([most, *map(peak, family(process.pid))])
                time.sleep(LOOK)
        except BaseException:
            process.terminate()
            raise
        seconds = time.perf_counter() - began
        if status := os.waitstatus_to_exitcode(ended[1]):
            log.seek(0)
            raise SystemExit(f"{command[:4]} ended with {status}: {log.read()[-2000:]}")
    return Run(seconds, ended[2].ru_utime + ended[2].ru_stime, most)


def family(parent: int) -> list[int]:
    """Return a process and its children."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return [parent]
    return [parent, *map(int, children)]


def peak(process: int) -> float:
    """Return the MiB that a process held at its largest; 0 where it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) / 1024 if found else 0.0


def materialize(spec: Path, place: str, shard_bytes: int, workers: int, **variables: str) -> Run:
    sizes = ["--shard-bytes", str(shard_bytes), "--workers", str(workers)]
    return timed(module("service", "materialize", str(spec), place, *sizes), **variables)


@contextmanager
def store() -> Iterator[dict[str, str]]:
    """Serve a store with one bucket; yield what the environment says of it."""
    port = free_port()
    command = [sys.executable, "-c", SERVER, "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}

    def ready() -> bool:
        try:
            urlopen(Request(f"{url}/{BUCKET}", method="PUT"), timeout=5).close()
        except OSError:
            return False
        return True

    with running(command, ready=ready):
        yield {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", **keys}


def compared(name: str, total: int, rounds: int, ours: Callable[[], Run], theirs: Callable[[], Run]) -> None:
    """Run both sides in turn, and tell what came of it."""
    own: list[Run] = []
    other: list[Run] = []
    for _ in range(rounds):
        own.append(ours())
        other.append(theirs())
        rates = " beside ".join(f"{total / each.seconds / 1e6:.0f} MB/s" for each in (own[-1], other[-1]))
        say(f"  {name}: {rates}, {other[-1].seconds / own[-1].seconds:.2f}")
    rates = " | ".join(f"{total / median(each.seconds for each in side) / 1e6:.0f} MB/s" for side in (own, other))
    spent = " | ".join(f"{median(each.processors for each in side) / total * 1e9:.2f} s" for side in (own, other))
    ratio = median(theirs.seconds / ours.seconds for ours, theirs in zip(own, other, strict=True))
    memory = max(each.memory for each in own)
    say(f"| {name} | {total / 1e9:.1f} GB | {rates} | {ratio:.2f} | {spent} | {memory:.0f} MiB |")


def start(folder: Path, rounds: int) -> None:
    """Tell what the command takes for a spec of a few bytes."""
    spec, place = folder / "small.json", folder / "small"
    spec.write_text(json.dumps(SMALL))
    runs = []
    for _ in range(rounds):
        shutil.rmtree(place, ignore_errors=True)
        runs.append(materialize(spec, str(place), 10**9, 1))
    taken = f"{median(run.seconds for run in runs):.1f} s, {median(run.processors for run in runs):.1f} of processors"
    say(f"| start | {taken} | | | | | | {max(run.memory for run in runs):.0f} MiB |")


def to_disk(name: str, spec: Path, folder: Path, shard_bytes: int, workers: int, rounds: int) -> None:
    place, beside = folder / "checkpoint", folder / "dd"

    def ours() -> Run:
        shutil.rmtree(place, ignore_errors=True)
        os.sync()
        return materialize(spec, str(place), shard_bytes, workers)

    def theirs() -> Run:
        shutil.rmtree(place, ignore_errors=True)
        os.sync()
        blocks = f"count={-(-total // 2**22)}"
        run = timed(["dd", "if=/dev/zero", f"of={beside}", "bs=4M", blocks, "conv=fsync"])
        beside.unlink()
        return run

    total = bytes_of(spec, shard_bytes)
    compared(f"{name}, disk, {workers} processes", total, rounds, ours, theirs)
    shutil.rmtree(place, ignore_errors=True)


def to_store(name: str, spec: Path, folder: Path, shard_bytes: int, workers: int, rounds: int) -> None:
    files = folder / "checkpoint"
    materialize(spec, str(files), shard_bytes, workers)
    total = bytes_of(spec, shard_bytes)
    with store() as variables:
        address = f"s3://{BUCKET}/checkpoint"

        def ours() -> Run:
            emptied(variables)
            return materialize(spec, address, shard_bytes, workers, **variables)

        def theirs() -> Run:
            emptied(variables)
            warm(files)
            command = [sys.executable, "-c", UPLOAD, address, str(files), str(workers)]
            return timed(command, **variables)

        compared(f"{name}, store, {workers} processes", total, rounds, ours, theirs)
    shutil.rmtree(files)


def emptied(variables: Mapping[str, str]) -> None:
    """Let the store forget all that is in it, so that every run finds it as the first did."""
    url = variables["AWS_ENDPOINT_URL"]
    urlopen(Request(f"{url}/moto-api/reset", method="POST"), timeout=60).close()
    urlopen(Request(f"{url}/{BUCKET}", method="PUT"), timeout=60).close()


def warm(files: Path) -> None:
    """Read files, so that they are in memory."""
    for path in files.iterdir():
        with path.open("rb") as file:
            while file.read(2**24):
                pass


def bytes_of(spec: Path, shard_bytes: int) -> int:
    return sum(shard.bytes for shard in checkpoint_of(spec.read_text(), shard_bytes).shards)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.materialize", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)}; left out: gpt2-xl")
    parser.add_argument("--places", default="disk,store", help="disk, store or both")
    parser.add_argument("--workers", default="1,2", help="processes of ours, and files at once of the store's client")
    parser.add_argument("--shard-bytes", type=int, default=10**9, help="of a shard (1 GB)")
    parser.add_argument("--rounds", type=int, default=3, help="of each pair (3)")
    parser.add_argument("--folder", type=Path, help="of a file system with three times a model's bytes free")
    chosen = parser.parse_args()
    if unknown := set(models := chosen.models or ["gpt2-xl"]) - MODELS.keys():
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as Ctrl-C does, so that what was started is stopped
    columns = ["", "bytes", "ours", "beside", "ratio", "a GB takes of processors", "beside", "memory"]
    say(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        start(Path(folder), chosen.rounds)
        for name in models:
            spec = Path(folder) / "spec.json"
            spec.write_text(json.dumps(MODELS[name]))
            for place, run in (("disk", to_disk), ("store", to_store)):
                for workers in map(int, chosen.workers.split(",")) if place in chosen.places else ():
                    run(name, spec, Path(folder), chosen.shard_bytes, workers, chosen.rounds)


if __name__ == "__main__":
    main()
