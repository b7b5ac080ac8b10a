"""Making a shard: what is there with the right digest stays, anything else is drawn, hashed and written."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

from service.formats.payload import Chunk
from service.materialize import records
from service.materialize.checkpoint import SUMS, Checkpoint, Shard, checkpoint_of
from service.materialize.engines.engine import Told
from service.materialize.hashing import Hashing
from service.materialize.job import Job
from service.materialize.places import place_at
from service.materialize.places.place import Place
from service.materialize.places.retrying import retried
from service.materialize.records import Record, is_sha256
from service.writing import made


class TooLate(Exception):
    """The deadline has passed."""

    def __init__(self) -> None:
        super().__init__("the deadline has passed")


class Made(NamedTuple):
    """A shard that stands where it was to; `found` says that it stood there before."""

    sha256: str
    bytes: int
    found: bool


def make_shard(job: Job, number: int, told: Told) -> Made:
    """See to it that a shard is there, whole; `number` counts from 0. Raises PlaceError, TooLate.

    What a place does not do, and may do another time, is tried again from the shard's beginning.
    """
    place = place_at(job.place, job.options)
    checkpoint = checkpoint_of(job.spec, job.shard_bytes)
    shard = checkpoint.shards[number]

    def attempt() -> Made:
        with taken_back(told) as heard:
            in_time = told_in_time(job, heard)
            in_time(0)
            return found(place, checkpoint, shard, in_time) or written(job, place, shard, in_time)

    return retried(attempt, job.deadline)


@contextmanager
def taken_back(told: Told) -> Iterator[Told]:
    """Pass on what is told, and take it back where it comes to nothing."""
    done = 0

    def counting(more: int) -> None:
        nonlocal done
        done += more
        told(more)

    try:
        yield counting
    except BaseException:
        told(-done)
        raise


def told_in_time(job: Job, told: Told) -> Told:
    """Return what passes on what it is told, and raises TooLate after a job's deadline."""

    def in_time(more: int) -> None:
        if job.deadline is not None and time.time() > job.deadline:
            raise TooLate
        told(more)

    return in_time


def found(place: Place, checkpoint: Checkpoint, shard: Shard, told: Told) -> Made | None:
    """Return what is known of a shard that is there as it was written; None where it is to be made."""
    there = place.entry(shard.name)
    if there is None:
        return None
    record = records.kept(place, shard.name)
    sha256 = listed(place).get(shard.name) if record is None else record.sha256
    if sha256 is None or there.bytes != shard.bytes:
        return None
    if record is not None and there.tag is not None and (there.tag, there.bytes) == (record.tag, record.bytes):
        told(shard.bytes)
        return Made(sha256, shard.bytes, found=True)
    done = 0
    hashing = Hashing()
    for chunk in hashing.passing(place.chunks(shard.name)):
        done += len(chunk)
        told(len(chunk))
    if hashing.hexdigest() == sha256:
        return Made(sha256, shard.bytes, found=True)
    told(-done)
    return None


def listed(place: Place) -> dict[str, str]:
    """Return the digests that SHA256SUMS has, by the files' names; none where it is not there. Lines of no sense go."""
    lines = (place.read(SUMS) or b"").decode(errors="replace").splitlines()
    return {line[66:]: line[:64] for line in lines if line[64:66] == "  " and is_sha256(line[:64])}


def written(job: Job, place: Place, shard: Shard, told: Told) -> Made:
    """Draw, hash and write a shard, and leave a record of it."""
    payload, hashing = shard.payload(), Hashing()
    with (
        closing(made(payload.pieces(), job.threads)) as drawn,
        closing(counted(hashing.passing(drawn), told)) as passing,
    ):
        entry = place.write(shard.name, passing, payload.length)
    record = Record(hashing.hexdigest(), entry.bytes, entry.tag)
    records.keep(place, shard.name, record)
    return Made(record.sha256, record.bytes, found=False)


def counted(chunks: Iterable[Chunk], told: Told) -> Generator[Chunk, None, None]:
    for chunk in chunks:
        yield chunk
        told(len(chunk))
