"""A run: shards by an engine into a place that is claimed, then what tells that the checkpoint is whole, index last."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import NamedTuple

from service.materialize import records
from service.materialize.checkpoint import CLAIM, CONFIG, SUMS, Checkpoint, Shard
from service.materialize.claim import parsed
from service.materialize.engines.engine import Engine
from service.materialize.job import Job
from service.materialize.making import make_shard
from service.materialize.places import place_at
from service.materialize.places.place import Place, PlaceError
from service.materialize.places.retrying import retried
from service.progress import Bar


class Report(NamedTuple):
    """What came of a run: the digests of the shards that are there, and why others are missing."""

    digests: Mapping[int, str]
    found: int  # shards that were there before
    missing: Mapping[int, str]


def write(job: Job, checkpoint: Checkpoint, engine: Engine, bar: Bar) -> Report:
    """Write all of a claimed checkpoint that is missing; raises PlaceError where its last files cannot be written."""
    place = place_at(job.place, job.options)
    report = made(job, checkpoint, range(len(checkpoint.shards)), engine, bar)
    if not report.missing:
        digests = [report.digests[number] for number in range(len(checkpoint.shards))]
        retried(lambda: finish(place, checkpoint, digests), job.deadline)
    return report


def made(job: Job, checkpoint: Checkpoint, numbers: Sequence[int], engine: Engine, bar: Bar) -> Report:
    """Let an engine see to it that these shards are there; raises PlaceError where there is no room for them."""
    place = place_at(job.place, job.options)
    place.clear()
    refuse_where_full(place, [checkpoint.shards[number] for number in numbers])
    try:
        return outcomes_of(job, numbers, engine, bar)
    finally:
        with suppress(PlaceError):  # it matters less than what this came to
            place.clear()


def refuse_where_full(place: Place, shards: Iterable[Shard]) -> None:
    free = place.free()
    if free is None:
        return
    needed = sum(shard.bytes for shard in shards if place.entry(shard.name) is None)
    if needed > free:
        raise PlaceError(f"{place.name}: {needed:,} bytes are to be written, and {free:,} are free there")


def outcomes_of(job: Job, numbers: Sequence[int], engine: Engine, bar: Bar) -> Report:
    digests: dict[int, str] = {}
    missing: dict[int, str] = {}
    found = 0
    with closing(engine.map(partial(make_shard, job), numbers, bar)) as outcomes:
        for number, result, error in outcomes:
            if result is None:
                missing[number] = error or "nothing came of it"
                continue
            digests[number] = result.sha256
            found += result.found
            bar.part(0 if engine.tells else result.bytes)
    return Report(digests, found, missing)


def finish(place: Place, checkpoint: Checkpoint, digests: Sequence[str]) -> None:
    """Write what tells that all shards are there, the index last; `digests` are the shards', in their order.

    Raises PlaceError where something that was there is there no more.
    """
    claim = place.read(CLAIM)
    if claim is not None and parsed(place, claim)["digest"] != checkpoint.plan.digest:
        raise PlaceError(f"{place.name} has become the place of another spec")
    gone = {shard.name for shard in checkpoint.shards}.difference(place.names())
    if claim is None or gone:
        raise PlaceError(f"{place.name}: {min(gone) if claim else CLAIM} was there, and is gone")
    for name, content in beside(checkpoint, claim, digests).items():
        place.put(name, content)
    for shard in checkpoint.shards:
        records.forget(place, shard.name)
    place.clear()


def beside(checkpoint: Checkpoint, claim: bytes, digests: Sequence[str] | None) -> dict[str, bytes]:
    """Return the files beside the shards and the claim, the index last; SHA256SUMS where all digests are known."""
    config = {} if checkpoint.config is None else {CONFIG: checkpoint.config}
    known = {} if digests is None else {SUMS: sums(checkpoint, claim, digests)}
    return {**config, **known, checkpoint.index_name: checkpoint.index}


def sums(checkpoint: Checkpoint, claim: bytes, digests: Sequence[str]) -> bytes:
    """Return what stands in SHA256SUMS, as sha256sum writes it: every file but itself, in the order of their names."""
    known = {CLAIM: claim, checkpoint.index_name: checkpoint.index}
    known |= {CONFIG: checkpoint.config} if checkpoint.config is not None else {}
    found = {name: hashlib.sha256(content).hexdigest() for name, content in known.items()}
    found |= {shard.name: digest for shard, digest in zip(checkpoint.shards, digests, strict=True)}
    return "".join(f"{found[name]}  {name}\n" for name in sorted(found)).encode()
