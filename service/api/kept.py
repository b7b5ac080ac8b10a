"""Plans of addresses, kept: a thousand ranges of one file read and plan its spec once.

Keyed by the canonical text, so that however an address spells it, it is one plan. Bounded by what plans take in
memory, about; those that were asked for longest ago go first.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from sys import getsizeof
from typing import TYPE_CHECKING

from fastapi import Request

from service.api.admission import Grant, Room
from service.api.door.visits import visit_of, whose
from service.api.parsing import parse_spec
from service.api.planning import admitted
from service.api.store import Store, text_of
from service.api.working import LIGHT_BODY, in_worker, is_light
from service.formats import Payload
from service.formats.sharding import Shard, shards
from service.networks.plan import Plan, PlannedParameter
from service.once import once
from service.pipeline import Workers
from service.prices import reading
from service.specs.addresses import LongAddress, checked, digest_in, inflated, under_digest, unpacked
from service.specs.spec import Spec

if TYPE_CHECKING:
    from service.api.snapshots import File

# Bytes that a plan takes, its files' layouts included, for each of its parameters, and for what those share that are
# alike; measured: 1,500 to 2,000, and 3,000.
EACH_PARAMETER, EACH_ARRAY = 2048, 4096
TEXTS = 2**24  # bytes of addresses and their texts that are remembered: to read a long one takes milliseconds
MOST_SHARDINGS = 4  # ways to cut a plan's checkpoint that are remembered
LAID_OUT_AT_ONCE = 64  # parameters of a plan whose files are laid out in less time than a thread takes to begin


@dataclass(eq=False)
class Kept:
    """A plan, and how its files are laid out, each from when it is first asked for.

    There may be any number of slices and shards: those laid out longest ago are forgotten.
    """

    plan: Plan
    payloads: dict[str, Payload] = field(default_factory=dict)
    shardings: dict[int, list[Shard]] = field(default_factory=dict)  # by a shard's bytes
    files: "dict[str, File] | None" = None  # of a repository's revision, once they are asked for
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: int = 0

    @once
    def parameters(self) -> dict[str, PlannedParameter]:
        """The parameters by their names in a file of all."""
        return {parameter.key: parameter for parameter in self.plan.parameters}

    @property
    def weight(self) -> int:
        return self._room + 2 * len(self.plan.canonical_json())

    @once
    def _room(self) -> int:
        arrays = {id(parameter.array) for parameter in self.plan.parameters}
        return EACH_PARAMETER * len(self.plan.parameters) + EACH_ARRAY * (len(arrays) + 1)

    def shards(self, shard_bytes: int) -> list[Shard]:
        """Return the files of a checkpoint whose shards have so many bytes."""
        found = self.shardings.get(shard_bytes)
        if found is None:
            found = shards(self.plan, shard_bytes)
            if len(self.shardings) >= MOST_SHARDINGS:
                self.shardings.clear()
            self.shardings[shard_bytes] = found
        return found

    def laid_out(self, name: str, lay_out: Callable[[], Payload]) -> Payload:
        """Return the file of this name, which `lay_out` makes the first time."""
        if (found := self.payloads.get(name)) is not None:
            return found
        made = lay_out()
        with self._lock:
            if name not in self.payloads:
                self.payloads[name] = made
                self._held += made.weight
            while self._held > self._room:
                self._held -= self.payloads.pop(next(iter(self.payloads))).weight
        return made


def planned(spec: Spec, request: Request) -> Plan:
    """Return the plan of a spec; raises as `admitted` does."""
    with admitted(spec, request):
        return spec.plan()


def reached(plan: Plan) -> Plan:
    """Return the plan that an address led to with the one that it has: where none can hold its spec, it is kept."""
    return under_digest(plan) if plan.address is None else plan


def ready(plan: Plan) -> Kept:
    """Return the plan with all that is asked of it later and takes as long as there are parameters."""
    kept = Kept(reached(plan))
    _ = kept.parameters, kept.weight, kept.plan.cost, kept.plan.digest
    return kept


class Plans:
    """The plans that are kept, for the event loop alone."""

    def __init__(self, workers: Workers, store: Store | None, room: Room, most: int, longest: int) -> None:
        self._workers, self._store, self._room, self._most, self._longest = workers, store, room, most, longest
        self._held = 0
        self._plans: OrderedDict[str, Kept] = OrderedDict()
        self._planning: dict[str, asyncio.Lock] = {}
        self._texts: OrderedDict[str, str] = OrderedDict()  # of addresses, those of which a plan was made
        self._read_bytes = 0

    async def at(self, address: str, request: Request) -> Kept:
        """Return the plan of the spec that an address holds or names; raises for one that is none."""
        with visit_of(request).phase("plan"):
            return await self._at(address, request)

    async def _at(self, address: str, request: Request) -> Kept:
        if (digest := digest_in(address)) is not None:
            return await self.of(await text_of(digest, self._store), request)
        if (text := self._texts.get(address)) is not None:
            return await self.of(text, request)
        try:
            text = unpacked(address, LIGHT_BODY)
        except LongAddress:  # it takes memory, as a body does, and up to 50 milliseconds to read
            with self._room.for_request(whose(request)) as grant:
                text = await in_worker(self._workers, request, lambda: self._read(address, grant))
                kept = await self.of(text, request)
        else:
            kept = await self.of(text, request)
        self._remember(address, text)
        return kept

    def _read(self, address: str, grant: Grant) -> str:
        text = inflated(address, self._longest)
        self._room.for_body(grant, len(text))
        return checked(text)

    def _remember(self, address: str, text: str) -> None:
        """Remember what an address holds: a spec, since a kilobyte may hold a megabyte of anything else."""
        if address not in self._texts:
            self._texts[address] = text
            self._read_bytes += getsizeof(address) + getsizeof(text)
        while self._read_bytes > TEXTS:
            oldest, forgotten = self._texts.popitem(last=False)
            self._read_bytes -= getsizeof(oldest) + getsizeof(forgotten)

    async def of(self, text: str, request: Request) -> Kept:
        """Return the plan of a canonical text. Requests that come while it is made wait for it, and share it."""
        if (kept := self._found(text)) is not None:
            return kept
        lock = self._planning.setdefault(text, asyncio.Lock())
        try:
            async with lock:
                return self._found(text) or self._keep(text, await self._planned(text.encode(), request))
        finally:
            if not lock.locked():
                self._planning.pop(text, None)

    async def payload(self, kept: Kept, name: str, lay_out: Callable[[], Payload], request: Request) -> Payload:
        """Return how a file of this name is laid out; `lay_out` makes it the first time."""
        if name in kept.payloads or len(kept.plan.parameters) <= LAID_OUT_AT_ONCE:
            return kept.laid_out(name, lay_out)
        return await in_worker(self._workers, request, lambda: kept.laid_out(name, lay_out))

    async def shards(self, kept: Kept, shard_bytes: int, request: Request) -> list[Shard]:
        """Return the files of a plan's checkpoint whose shards have so many bytes."""
        if shard_bytes in kept.shardings or len(kept.plan.parameters) <= LAID_OUT_AT_ONCE:
            return kept.shards(shard_bytes)
        return await in_worker(self._workers, request, lambda: kept.shards(shard_bytes))

    async def _planned(self, body: bytes, request: Request) -> Kept:
        if len(body) <= LIGHT_BODY and b'"recipe"' not in body:
            spec = parse_spec(body)
            if is_light(spec):
                return Kept(reached(planned(spec, request)))
        return await in_worker(self._workers, request, lambda: ready(planned(parse_spec(body), request)), reading(body))

    def _found(self, text: str) -> Kept | None:
        kept = self._plans.get(text)
        if kept is not None:
            self._plans.move_to_end(text)
        return kept

    def _keep(self, text: str, kept: Kept) -> Kept:
        if kept.weight <= self._most:
            self._plans[text] = kept
            self._held += kept.weight
        while self._held > self._most:
            _, oldest = self._plans.popitem(last=False)
            self._held -= oldest.weight
        return kept
