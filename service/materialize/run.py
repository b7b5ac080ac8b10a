"""A run: the claim first, then shards by an engine, then what tells that the checkpoint is whole, the index last."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

from service.materialize import records
from service.materialize.checkpoint import CLAIM, CONFIG, SUMS, Checkpoint
from service.materialize.engines.engine import Engine, Told
from service.materialize.job import Job
from service.materialize.making import make_shard
from service.materialize.places import place_at
from service.materialize.places.place import Place, PlaceError
from service.materialize.places.retrying import retried


class Refused(PlaceError):
    """The place is another checkpoint's, or holds files that no run has claimed."""


class Report(NamedTuple):
    """What came of a run: which shards are there, with their digests, and why others are missing."""

    digests: Mapping[int, str]
    found: int  # shards that were there before
    missing: Mapping[int, str]


def write(job: Job, checkpoint: Checkpoint, engine: Engine, told: Told) -> Report:
    """Write all of a claimed checkpoint that is missing; raises PlaceError."""
    place = place_at(job.place, job.options)
    place.clear()
    report = made(job, range(len(checkpoint.shards)), engine, told)
    if not report.missing:
        digests = [report.digests[number] for number in range(len(checkpoint.shards))]
        retried(lambda: finish(place, checkpoint, digests), job.deadline)
    return report


def made(job: Job, numbers: Sequence[int], engine: Engine, told: Told) -> Report:
    """Let an engine see to it that these shards are there."""
    digests: dict[int, str] = {}
    missing: dict[int, str] = {}
    found = 0
    with closing(engine.map(partial(make_shard, job), numbers, told)) as outcomes:
        for number, result, error in outcomes:
            if result is None:
                missing[number] = error or "nothing came of it"
            else:
                digests[number] = result.sha256
                found += result.found
    return Report(digests, found, missing)


def claimed(place: Place) -> dict[str, Any] | None:
    """Return the claim that stands in a place; None where there is none. Raises Refused for what is no claim."""
    text = place.read(CLAIM)
    if text is None:
        return None
    try:
        told = json.loads(text)
        if not all(isinstance(told[name], kind) for name, kind in CLAIMED.items()):
            raise TypeError
    except (ValueError, TypeError, KeyError):
        raise Refused(f"{place.name}: {CLAIM} is none that this command wrote; another place, or remove it") from None
    return dict(told)


CLAIMED = {"digest": str, "shard_bytes": int, "spec": dict}


def claim(place: Place, planned: Callable[[int | None], Checkpoint]) -> Checkpoint:
    """Claim a place for a checkpoint, or find it claimed for the same; return that.

    `planned` is told the seed of the claim that stands there, None where there is none: a spec without a seed is gone
    on with by the one that it was begun with. Raises Refused.
    """
    while (there := claimed(place)) is None:
        checkpoint = planned(None)
        refuse_unclaimed(place, checkpoint)
        if place.create(CLAIM, checkpoint.claim):
            return checkpoint
    checkpoint = planned(seed_in(there))
    told, ours = (there["digest"], there["shard_bytes"]), (checkpoint.plan.digest, checkpoint.shard_bytes)
    if told != ours:
        raise Refused(
            f"{place.name} is another checkpoint's: it was begun with spec {told[0]} in shards of {told[1]:,} bytes, "
            f"and this is spec {ours[0]} in shards of {ours[1]:,}"
        )
    return checkpoint


def seed_in(there: Mapping[str, Any]) -> int | None:
    seed = there["spec"].get("seed", "")
    return int(seed) if isinstance(seed, str) and seed.isascii() and seed.isdigit() else None


def refuse_unclaimed(place: Place, checkpoint: Checkpoint) -> None:
    """Raise Refused where files of the checkpoint's names stand in a place that nobody has claimed."""
    ours = {*checkpoint.names} - {CLAIM}
    if taken := sorted(ours.intersection(place.names())):
        count = "" if len(taken) == 1 else f" and {len(taken) - 1:,} more of its names"
        raise Refused(f"{place.name} has {taken[0]}{count} that no run has claimed by {CLAIM}: name another place")


def finish(place: Place, checkpoint: Checkpoint, digests: Sequence[str]) -> None:
    """Write what tells that all shards are there, the index last; `digests` are the shards', in their order."""
    shards = {shard.name: digest for shard, digest in zip(checkpoint.shards, digests, strict=True)}
    known = {CLAIM: place.read(CLAIM) or b"", checkpoint.index_name: checkpoint.index}
    if checkpoint.config is not None:
        known[CONFIG] = checkpoint.config
        place.put(CONFIG, checkpoint.config)
    sums = shards | {name: hashlib.sha256(content).hexdigest() for name, content in known.items()}
    text = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()
    place.put(SUMS, text)
    place.put(checkpoint.index_name, checkpoint.index)
    for shard in checkpoint.shards:
        records.forget(place, shard.name)
