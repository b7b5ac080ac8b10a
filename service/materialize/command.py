"""initserve materialize: its arguments, and what they come to."""

import argparse
import sys
import time
from dataclasses import replace

from service.formats.sharding import LARGEST_SHARD_BYTES, SHARD_BYTES
from service.materialize.checkpoint import Checkpoint
from service.materialize.engines import ENGINES, Asked
from service.materialize.job import Job
from service.materialize.places import place_at
from service.materialize.run import Report, claim, write
from service.materialize.share import INDEX, part_of, write_part
from service.specs.spec import Spec
from service.writing import progress_bar, terminated_as_by_interrupt

COMPLETE, MISSING, UNKNOWN = 0, 1, 2  # exit statuses


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("spec", metavar="SPEC", help="a JSON file as POST /init takes it; - for standard input")
    command.add_argument("place", metavar="DEST", help="a directory, or the address of a store")
    command.add_argument(
        "--shard-bytes", type=at_least_one, default=SHARD_BYTES, metavar="N", help="of tensors in a file, at the most"
    )
    command.add_argument("--engine", choices=ENGINES, default="processes", help="what makes shards side by side")
    command.add_argument("--workers", type=at_least_one, metavar="N", help="at once; left out: one a processor")
    command.add_argument("--address", metavar="ADDRESS", help="of a Ray cluster; left out: a local one")
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster; left out: a local one")
    command.add_argument(
        "--of",
        type=at_least_one,
        metavar="N",
        help="commands that write the checkpoint together, each some shards of it",
    )
    command.add_argument(
        "--index", type=int, metavar="I", help=f"which of them this is, from 0 on; left out: what {INDEX} says"
    )
    command.add_argument("--deadline", type=seconds, metavar="SECONDS", help="after which nothing is gone on with")
    command.add_argument(
        "--option", action="append", default=[], type=pair, metavar="KEY=VALUE", help="of the store, as obstore has it"
    )


def at_least_one(text: str) -> int:
    value = int(text)
    if not 1 <= value <= LARGEST_SHARD_BYTES:
        raise argparse.ArgumentTypeError(f"it is 1 to {LARGEST_SHARD_BYTES:,}")
    return value


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("it is more than 0")
    return value


def pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError("it is KEY=VALUE")
    return name, value


def materialize(chosen: argparse.Namespace, spec: Spec) -> int:
    """Write the checkpoint that a command line asks for; return the exit status."""
    began = time.time()
    part = part_of(chosen.index, chosen.of)
    deadline = None if chosen.deadline is None else began + chosen.deadline
    options = dict(chosen.option)

    def planned(seed: int | None) -> Checkpoint:
        given = spec if spec.seed is not None or seed is None else spec.model_copy(update={"seed": seed})
        return Checkpoint(given.plan(), chosen.shard_bytes)

    place = place_at(chosen.place, options)
    checkpoint = claim(place, planned)
    count = len(checkpoint.shards)
    numbers = range(count) if part is None else part.numbers(count)
    say(f"seed {checkpoint.plan.seed}, {len(numbers)} of {count} shards")
    job = Job(checkpoint.plan.canonical_json(), chosen.shard_bytes, chosen.place, options, deadline)
    total = sum(checkpoint.shards[number].bytes for number in numbers)
    asked = Asked(chosen.workers, chosen.address, chosen.scheduler)
    with terminated_as_by_interrupt(), ENGINES[chosen.engine](asked) as engine, progress_bar(place.name, total) as told:
        job, complete = replace(job, threads=engine.threads(len(numbers))), True
        if part is None:
            report = write(job, checkpoint, engine, told)
        else:
            report, complete = write_part(job, checkpoint, engine, told, part)
    if report.missing:
        say(missing_line(report, count))
        return MISSING
    others = "" if complete else f" of {count}; not all of the others are there yet"
    say(f"{place.name}: {len(numbers)} shards, {total:,} bytes, seed {checkpoint.plan.seed}{others}")
    return COMPLETE


def missing_line(report: Report, count: int) -> str:
    numbers = sorted(report.missing)
    why = report.missing[numbers[0]]
    return f"shards {in_ranges([n + 1 for n in numbers])} of {count} are missing: {why}; run the same command again"


def in_ranges(numbers: list[int]) -> str:
    """Return ascending numbers in words: 3, 7-9."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def say(line: str) -> None:
    sys.stderr.write(f"initserve: {line}\n")
    sys.stderr.flush()
