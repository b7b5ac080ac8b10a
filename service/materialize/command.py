"""initserve materialize: its arguments, and what they come to."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

from service.formats.sharding import LARGEST_SHARD_BYTES, SHARD_BYTES
from service.materialize import claim, run, verifying
from service.materialize.checkpoint import CLAIM, Checkpoint
from service.materialize.engines import ENGINES, Asked
from service.materialize.engines.engine import Engine
from service.materialize.job import Job
from service.materialize.manifest import IMAGE
from service.materialize.places import everywhere, place_at
from service.materialize.places.place import PlaceError
from service.materialize.preview import dry_run, print_job
from service.materialize.share import INDEX, part_of, write_part
from service.materialize.together import refuse_unread
from service.materialize.uncollected import uncollected
from service.progress import Bar, progress_bar
from service.specs.spec import Spec
from service.writing import terminated_as_by_interrupt

DESCRIPTION = (
    "Writes every shard, the index, config.json where there is one, initserve.json and SHA256SUMS. What is there "
    "already stays, so that the same command goes on where it was ended. Exit status: 0 where the checkpoint is "
    "complete, 1 where shards are missing, or differ, 2 where the same command will not do."
)
COMPLETE, MISSING, WRONG_USE = 0, 1, 2
INTERRUPTED = 130
MOST_NAMED = 20  # files that are told of, one by one


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("spec", metavar="SPEC", help="a JSON file as POST /init takes it; - for standard input")
    command.add_argument("place", metavar="DEST", help="a directory, or the address of a store")
    command.add_argument(
        "--shard-bytes",
        type=number_up_to(LARGEST_SHARD_BYTES),
        default=SHARD_BYTES,
        metavar="N",
        help="bytes of tensors in a file, at the most, unless it has only one; default: %(default)s",
    )
    command.add_argument(
        "--option",
        action="append",
        default=[],
        type=pair,
        metavar="KEY=VALUE",
        help="of the store, as obstore has it; what is secret rather in the environment, since command lines are seen",
    )
    command.add_argument(
        "--deadline", type=seconds, metavar="SECONDS", help="after which no shard is begun or gone on with"
    )
    command.add_argument(
        "--of", type=number_up_to(10**6), metavar="N", help="commands that write it together, each some of its shards"
    )
    command.add_argument(
        "--index", type=int, metavar="I", help=f"which of them this is, from 0 on; left out: what {INDEX} says"
    )
    engine = command.add_argument_group("engine", "what makes shards side by side")
    engine.add_argument("--engine", choices=ENGINES, default="processes", help="default: processes of this machine")
    engine.add_argument("--workers", type=number_up_to(10**6), metavar="N", help="at once; left out: one a processor")
    engine.add_argument("--address", metavar="ADDRESS", help="of a Ray cluster; left out: a local one")
    engine.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster; left out: a local one")
    instead = command.add_mutually_exclusive_group()
    instead.add_argument("--verify", action="store_true", help="read all back, and compare it with what the spec gives")
    add_previews(command, instead)


def add_previews(command: argparse.ArgumentParser, instead: "argparse._MutuallyExclusiveGroup") -> None:
    """Add what tells of a checkpoint, or of the Job that would write it, and writes nothing."""
    instead.add_argument(
        "--dry-run", action="store_true", help="say how much it is, and how long so many --workers take; write nothing"
    )
    instead.add_argument(
        "--print-job",
        action="store_true",
        help="print a Kubernetes Indexed Job of so many --workers, for kubectl apply --server-side -f -",
    )
    dry = command.add_argument_group("--dry-run", "what is stated of workers and of the store")
    dry.add_argument("--gbits", type=seconds, metavar="N", help="a second of each worker's network; to a store 1")
    dry.add_argument("--store-gbits", type=seconds, metavar="N", help="a second that a store or a disk takes in all")
    job = command.add_argument_group("--print-job", "what the Job is")
    job.add_argument("--name", metavar="NAME", help="left out: one of its own for each spec and place")
    job.add_argument("--image", metavar="IMAGE", default=IMAGE, help="default: %(default)s")
    job.add_argument("--namespace", metavar="NAME", help="left out: kubectl's")
    job.add_argument("--claim", metavar="NAME", help="the PersistentVolumeClaim that stands at DEST, a directory")


def number_up_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:20]) <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r}: this takes a whole number, 1 to {most:,}")
        return int(text)

    return number


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: this takes a number above 0")
    return value


def pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError("this takes KEY=VALUE")
    return name, value


def materialize(chosen: argparse.Namespace, spec: Spec) -> int:
    """Write, or verify, the checkpoint that a command line asks for; return the exit status. Raises InitserveError."""
    refuse_unread(chosen)
    try:
        with terminated_as_by_interrupt():
            if chosen.verify:
                return told_or_unknown(chosen, spec)
            if chosen.dry_run or chosen.print_job:
                return (dry_run if chosen.dry_run else print_job)(chosen, planned_by(chosen, spec)(None))
            return written(chosen, spec)
    except KeyboardInterrupt:
        say(GO_ON)
        return INTERRUPTED
    except SystemExit:
        say(GO_ON)
        raise


GO_ON = "ended before it was done; run the same command again to go on"


def planned_by(chosen: argparse.Namespace, spec: Spec) -> claim.Planned:
    """Return what plans the checkpoint, with a seed where the spec has none."""

    def planned(seed: int | None) -> Checkpoint:
        given = spec if spec.seed is not None or seed is None else spec.model_copy(update={"seed": seed})
        with uncollected():
            return Checkpoint(given.plan(), chosen.shard_bytes)

    return planned


def job_of(chosen: argparse.Namespace, checkpoint: Checkpoint) -> Job:
    deadline = None if chosen.deadline is None else time.time() + chosen.deadline
    text = checkpoint.plan.canonical_json()
    return Job(text, chosen.shard_bytes, everywhere(chosen.place), dict(chosen.option), deadline)


def engine_of(chosen: argparse.Namespace) -> Engine:
    return ENGINES[chosen.engine](Asked(chosen.workers, chosen.address, chosen.scheduler))


def bar_of(name: str, checkpoint: Checkpoint, numbers: range) -> AbstractContextManager[Bar]:
    total = sum(checkpoint.shards[number].bytes for number in numbers)
    return progress_bar(name, total, len(numbers), lines=True)


def written(chosen: argparse.Namespace, spec: Spec) -> int:
    """Write the checkpoint, or what is missing of it; return the exit status."""
    part = part_of(chosen.index, chosen.of)
    making = engine_of(chosen)  # before anything is claimed: its package may be missing
    place = place_at(chosen.place, dict(chosen.option))
    checkpoint = claim.claim(place, planned_by(chosen, spec))
    say(f"{place.name}: spec {checkpoint.plan.digest}, seed {checkpoint.plan.seed}")
    for warning in checkpoint.plan.warnings:
        say(f"warning: {warning.pointer}: {warning.detail}")
    job, count, complete = job_of(chosen, checkpoint), len(checkpoint.shards), True
    numbers = range(count) if part is None else part.numbers(count)
    with making as engine, bar_of(place.name, checkpoint, numbers) as bar:
        job = replace(job, threads=engine.threads(len(numbers)))
        if part is None:
            report = run.write(job, checkpoint, engine, bar)
        else:
            report, complete = write_part(job, checkpoint, engine, bar, part)
    if report.missing:
        say(missing_line(report.missing, count))
        return MISSING
    there = f", {report.found} of which were there before" if report.found else ""
    if complete:
        say(f"{place.name}: complete: {count} shards{there}, {checkpoint.plan.elements:,} elements")
    else:
        say(f"{place.name}: {len(numbers)} of {count} shards{there}; not all of the others are there yet")
    return COMPLETE


def missing_line(missing: Mapping[int, str], count: int) -> str:
    """Return which shards are missing, why the first is, and what to do about it."""
    numbers = sorted(missing)
    verb = "is" if len(numbers) == 1 else "are"
    which = f"shard{'s' * (len(numbers) > 1)} {in_ranges([number + 1 for number in numbers])} of {count} {verb} missing"
    return f"{which}: {missing[numbers[0]]}; run the same command again"


def in_ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers in words: 3, 7-9."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def told_or_unknown(chosen: argparse.Namespace, spec: Spec) -> int:
    """Verify; what a place does not tell now is no difference, though it may be told another time."""
    try:
        return verified(chosen, spec)
    except PlaceError as error:
        say(str(error))
        return WRONG_USE


def verified(chosen: argparse.Namespace, spec: Spec) -> int:
    """Compare the checkpoint that is there with its spec; return the exit status."""
    place = place_at(chosen.place, dict(chosen.option))
    checkpoint = claim.claimed(place, planned_by(chosen, spec))
    if checkpoint is None:
        raise PlaceError(f"{place.name} has no {CLAIM}: no checkpoint was begun there")
    job, count = job_of(chosen, checkpoint), len(checkpoint.shards)
    with engine_of(chosen) as engine, bar_of(place.name, checkpoint, range(count)) as bar:
        found = verifying.verify(replace(job, threads=engine.threads(count)), checkpoint, engine, bar)
    lines = [f"{name}: {why}" for each in (found.different, found.unknown) for name, why in each.items()]
    for line in lines[:MOST_NAMED]:
        say(line)
    if len(lines) > MOST_NAMED:
        say(f"and {len(lines) - MOST_NAMED:,} more files")
    if not lines:
        say(f"{place.name}: all {count} shards are what the spec gives, and so are the files beside them")
    return MISSING if found.different else WRONG_USE if found.unknown else COMPLETE


def say(line: str) -> None:
    sys.stderr.write(f"initserve: {line}\n")
    sys.stderr.flush()
