"""--index I --of N: shards I, I + N, … alone; whoever then finds all of them recorded makes the checkpoint complete.

Nobody is told of anybody else. A shard's record comes after the shard, so that of all whose last shard is made at once
one at least sees every record; several do no harm, since each writes the same.
"""

import os
from dataclasses import dataclass

from service.errors import UnsupportedCombination
from service.materialize import records
from service.materialize.checkpoint import Checkpoint
from service.materialize.engines.engine import Engine
from service.materialize.job import Job
from service.materialize.places import place_at
from service.materialize.places.place import Place
from service.materialize.places.retrying import retried
from service.materialize.run import Report, finish, made
from service.progress import Bar

INDEX = "JOB_COMPLETION_INDEX"  # what Kubernetes calls a pod's index in its environment


@dataclass(frozen=True)
class Part:
    """Which shards are one's own: `index` counts from 0, up to before `of`."""

    index: int
    of: int

    def numbers(self, count: int) -> range:
        """Return which of `count` shards; none where there are fewer than parts."""
        return range(self.index, count, self.of)


def part_of(index: int | None, of: int | None) -> Part | None:
    """Return the part that a command line and the environment name; None for all of it. Raises InitserveError."""
    if of is None:
        if index is None:
            return None
        raise UnsupportedCombination("--index is of several: say of how many, --of N")
    told = os.environ.get(INDEX) if index is None else str(index)
    if told is None:
        raise UnsupportedCombination(f"--of {of}: say which of them this is, --index I, or in the environment {INDEX}")
    if not (told.isascii() and told.isdigit() and int(told) < of):
        raise UnsupportedCombination(f"{told[:40]!r} is no index of {of}: they are 0 to {of - 1}")
    return Part(int(told), of)


def write_part(job: Job, checkpoint: Checkpoint, engine: Engine, bar: Bar, part: Part) -> tuple[Report, bool]:
    """Write what is missing of a part; return what came of it, and whether the checkpoint is complete with it."""
    place = place_at(job.place, job.options)
    place.clear()
    report = made(job, part.numbers(len(checkpoint.shards)), engine, bar)
    return report, not report.missing and retried(lambda: completed(place, checkpoint), job.deadline)


def completed(place: Place, checkpoint: Checkpoint) -> bool:
    """Make a checkpoint complete if all of its shards are recorded; return whether it is complete now."""
    digests = recorded(place, checkpoint)
    if digests is not None:
        finish(place, checkpoint, digests)
        return True
    # Records go once the index is there: those that are gone, or were left behind, are of who was here first.
    if place.entry(checkpoint.index_name) is None:
        return False
    for shard in checkpoint.shards:
        records.forget(place, shard.name)
    return True


def recorded(place: Place, checkpoint: Checkpoint) -> list[str] | None:
    """Return the digests of all shards; None where one has no record. The last begun is likeliest to have none yet."""
    digests = []
    for shard in reversed(checkpoint.shards):
        record = records.kept(place, shard.name)
        if record is None:
            return None
        digests.append(record.sha256)
    return digests[::-1]
