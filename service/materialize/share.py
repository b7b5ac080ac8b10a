"""--index I --of N: shards I, I + N, … alone; whoever then finds all of them recorded makes the checkpoint complete.

Nobody is told of anybody else. A shard's record comes after the shard, so that of all whose last shard is made at once
one at least sees every record; several do no harm, since each writes the same.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.errors import UnsupportedCombination
from service.materialize import records
from service.materialize.checkpoint import CLAIM, Checkpoint
from service.materialize.engines.engine import Engine
from service.materialize.job import Job
from service.materialize.making import listed
from service.materialize.places import place_at
from service.materialize.places.place import Place
from service.materialize.places.retrying import retried
from service.materialize.run import Report, beside, finish, made
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
    report = made(job, checkpoint, part.numbers(len(checkpoint.shards)), engine, bar)
    return report, not report.missing and retried(lambda: completed(place, checkpoint, report.digests), job.deadline)


def completed(place: Place, checkpoint: Checkpoint, own: Mapping[int, str]) -> bool:
    """Make a checkpoint complete if all of its shards are there and known; return whether it is complete now.

    `own` are the digests of one's own shards, by their numbers.
    """
    sums = listed(place)
    digests = None if sums else known(place, checkpoint, sums)
    if digests is None and (sums := sums or listed(place)):  # records go once SHA256SUMS and the index are there
        if {shard.name for shard in checkpoint.shards}.difference(place.names()):
            return False
        if stands(place, checkpoint, sums, own):
            forget_what_is_left(place, checkpoint, own)
            return True
        digests = known(place, checkpoint, sums)
    if digests is None:
        return False
    finish(place, checkpoint, digests)
    return True


def forget_what_is_left(place: Place, checkpoint: Checkpoint, own: Iterable[int]) -> None:
    """Remove one's own records, and all where somebody died who was removing them: the last shard's goes last."""
    last = records.kept(place, checkpoint.shards[-1].name)
    left = [checkpoint.shards[number] for number in own] if last is None else checkpoint.shards
    for shard in left:
        records.forget(place, shard.name)


def stands(place: Place, checkpoint: Checkpoint, sums: Mapping[str, str], own: Mapping[int, str]) -> bool:
    """Whether the files beside the shards are there, as they are written of these digests."""
    digests = [sums.get(shard.name, "") for shard in checkpoint.shards]
    if any(digests[number] != digest for number, digest in own.items()):
        return False
    wanted = beside(checkpoint, place.read(CLAIM) or b"", digests)
    return all(place.read(name) == content for name, content in wanted.items())


def known(place: Place, checkpoint: Checkpoint, sums: Mapping[str, str]) -> list[str] | None:
    """Return the digests of all shards, by their records, or else by SHA256SUMS; None where one has neither.

    The last begun is likeliest to have none yet.
    """
    digests = []
    for shard in reversed(checkpoint.shards):
        record = records.kept(place, shard.name)
        digest = sums.get(shard.name) if record is None else record.sha256
        if digest is None:
            return None
        digests.append(digest)
    return digests[::-1]
