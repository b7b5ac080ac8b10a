"""Verifying: what stands in a place is read back, and compared byte for byte with what the spec gives."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError

from service.errors import InitserveError
from service.formats.payload import Chunk, Payload, Values
from service.materialize import run
from service.materialize.checkpoint import CLAIM, Checkpoint, Shard, checkpoint_of
from service.materialize.engines.engine import Engine, Told
from service.materialize.hashing import Hashing
from service.materialize.job import Job
from service.materialize.making import told_in_time
from service.materialize.places import place_at
from service.materialize.places.place import Place
from service.progress import Bar
from service.specs.spec import Spec
from service.stream.dtypes import DTYPES
from service.writing import made


class Verified(NamedTuple):
    """What a shard's bytes come to: their digest, and how what is there differs, None where it does not."""

    sha256: str
    fault: str | None
    bytes: int


class Findings(NamedTuple):
    """How files differ, and why that cannot be told of others, by their names."""

    different: Mapping[str, str]
    unknown: Mapping[str, str]


def verify(job: Job, checkpoint: Checkpoint, engine: Engine, bar: Bar) -> Findings:
    """Compare all of a claimed checkpoint; raises PlaceError."""
    place = place_at(job.place, job.options)
    digests: dict[int, str] = {}
    different: dict[str, str] = {}
    unknown: dict[str, str] = {}
    with closing(engine.map(partial(verify_shard, job), range(len(checkpoint.shards)), bar)) as outcomes:
        for number, verified, error in outcomes:
            name = checkpoint.shards[number].name
            if verified is None:
                unknown[name] = error or "nothing came of it"
                continue
            digests[number] = verified.sha256
            if verified.fault is not None:
                different[name] = verified.fault
            bar.part(0 if engine.tells else verified.bytes)
    told = None if unknown else [digests[number] for number in range(len(checkpoint.shards))]
    different |= small_faults(place, checkpoint, told)
    return Findings(dict(sorted(different.items())), dict(sorted(unknown.items())))


def small_faults(place: Place, checkpoint: Checkpoint, digests: list[str] | None) -> Iterator[tuple[str, str]]:
    """Yield how the files beside the shards differ; SHA256SUMS too, where the digests of all shards are known."""
    claim = place.read(CLAIM) or b""
    if not claims(claim, checkpoint):
        yield CLAIM, "its spec is not the one of its digest"
    for name, content in run.beside(checkpoint, claim, digests).items():
        there = place.read(name)
        if there != content:
            yield name, "it is not there" if there is None else "it is another than it was written as"


def claims(claim: bytes, checkpoint: Checkpoint) -> bool:
    """Whether the spec that a claim holds is the checkpoint's, whoever may have written its digest."""
    try:
        return Spec.model_validate(json.loads(claim)["spec"]).plan().digest == checkpoint.plan.digest
    except (ValueError, KeyError, ValidationError, InitserveError):
        return False


def verify_shard(job: Job, number: int, told: Told) -> Verified:
    """Read a shard back and make it again; `number` counts from 0. Raises PlaceError, TooLate."""
    place = place_at(job.place, job.options)
    shard = checkpoint_of(job.spec, job.shard_bytes).shards[number]
    in_time = told_in_time(job, told)
    in_time(0)
    payload, hashing = shard.payload(), Hashing()
    there = place.entry(shard.name)
    found = iter(()) if there is None else place.chunks(shard.name)
    with closing(made(payload.pieces(), job.threads)) as drawn, closing(hashing.passing(drawn)) as passing:
        difference = first_difference(passing, found, in_time)
    fault = None if difference is None else described(shard, payload, difference, there and there.bytes)
    return Verified(hashing.hexdigest(), fault, payload.length)


def first_difference(wanted: Iterable[Chunk], found: Iterator[Chunk], told: Told) -> int | None:
    """Return the place of the first byte that is another, or that one has and the other has not; None where none is.

    All of what is wanted is gone through, of which `told` hears.
    """
    place, difference = 0, None
    rest = memoryview(b"")
    for chunk in wanted:
        left = memoryview(chunk)
        while left and difference is None:
            rest = rest or memoryview(next(found, b""))
            count = min(len(left), len(rest))
            same = equal_bytes(left[:count], rest[:count])
            if same < count or not count:
                difference = place + len(chunk) - len(left) + same
            left, rest = left[count:], rest[count:]
        place += len(chunk)
        told(len(chunk))
    if difference is None and (rest or next(found, b"")):
        return place
    return difference


def equal_bytes(one: memoryview, other: memoryview) -> int:
    """Return how many bytes at the beginning of two pieces of one length are the same."""
    if not one:
        return 0
    unequal = np.frombuffer(one, "u1") != np.frombuffer(other, "u1")
    first = int(unequal.argmax())
    return first if unequal[first] else len(one)


def described(shard: Shard, payload: Payload, place: int, length: int | None) -> str:
    """Return what stands at the place of the first difference, in words; `length` is that of the file, if any."""
    if length is None:
        return "it is not there"
    if place >= payload.length:
        return f"it goes on after its {payload.length:,} bytes"
    cut = f"it ends after {length:,} of {payload.length:,} bytes" if length < payload.length else ""
    if place == length:
        return cut
    cut, begin = cut and f"{cut}; ", 0
    for part in payload.parts:
        if place < begin + part.length:
            break
        begin += part.length
    if not isinstance(part, Values):
        return f"{cut}its header differs first, at byte {place:,}"
    parameter = part.parameter
    index = np.unravel_index((place - begin) // DTYPES[parameter.dtype].size, parameter.shape)
    return f"{cut}{parameter.key} differs first, at {[int(each) for each in index]}"
