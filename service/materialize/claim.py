"""A place's claim, initserve.json: whose checkpoint is written there, so that no other comes between its files."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from service.materialize.checkpoint import CLAIM, Checkpoint
from service.materialize.places.place import Place, PlaceError

CLAIMED = {"digest": str, "shard_bytes": int, "spec": dict}  # what is read of it

Planned = Callable[[int | None], Checkpoint]  # with this seed, where the spec has none


class Refused(PlaceError):
    """The place is another checkpoint's, or holds files that no run has claimed."""


def claim(place: Place, planned: Planned) -> Checkpoint:
    """Claim a place for a checkpoint, or find it claimed for the same; return that. Raises Refused.

    A spec without a seed is gone on with by the one that it was begun with.
    """
    while (found := claimed(place, planned)) is None:
        checkpoint = planned(None)
        refuse_unclaimed(place, checkpoint)
        if place.create(CLAIM, checkpoint.claim):
            return checkpoint
    return found


def claimed(place: Place, planned: Planned) -> Checkpoint | None:
    """Return the checkpoint, where its claim stands in a place; None where none does. Raises Refused."""
    there = read(place)
    if there is None:
        return None
    checkpoint = planned(seed_in(there))
    if there["digest"] != checkpoint.plan.digest:
        raise Refused(
            f"{place.name} is the place of another spec, {there['digest']}; this is {checkpoint.plan.digest}: "
            "name another place"
        )
    if there["shard_bytes"] != checkpoint.shard_bytes:
        raise Refused(
            f"{place.name} holds this spec, {checkpoint.plan.digest}, in shards of {there['shard_bytes']} bytes, "
            f"not of {checkpoint.shard_bytes}: name another place, or say --shard-bytes {there['shard_bytes']}"
        )
    return checkpoint


def read(place: Place) -> dict[str, Any] | None:
    """Return the claim that stands in a place; None where none does. Raises Refused for what is no claim."""
    text = place.read(CLAIM)
    return None if text is None else parsed(place, text)


def parsed(place: Place, text: bytes) -> dict[str, Any]:
    """Return what a place's claim says; raises Refused for what is no claim."""
    try:
        told: dict[str, Any] = json.loads(text)
        if all(type(told[name]) is kind for name, kind in CLAIMED.items()):
            return told
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise Refused(f"{place.name} has an {CLAIM} that is no claim of this command: name another place, or remove it")


def seed_in(there: Mapping[str, Any]) -> int | None:
    seed = there["spec"].get("seed")
    return int(seed) if isinstance(seed, str) and seed.isascii() and seed.isdigit() and len(seed) < 30 else None


def refuse_unclaimed(place: Place, checkpoint: Checkpoint) -> None:
    """Raise Refused where files of the checkpoint's names, or in its way, stand in a place that nobody has claimed."""
    ours = {*checkpoint.names, checkpoint.in_its_way} - {CLAIM}
    if taken := sorted(ours.intersection(place.names())):
        more = f" and {len(taken) - 1:,} more of the checkpoint's names" if len(taken) > 1 else ""
        raise Refused(f"{place.name} has {taken[0]}{more}, and no {CLAIM}: name another place, or remove what is there")
