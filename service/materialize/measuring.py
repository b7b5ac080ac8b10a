"""How fast this machine makes a checkpoint: a little of what most of its bytes are is drawn and hashed."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from service.formats.payload import HEAVY
from service.materialize.checkpoint import Checkpoint
from service.materialize.forecast import Shard
from service.networks.plan import PlannedParameter
from service.prices import before, drawing
from service.stream.drawing import BLOCK
from service.stream.dtypes import DtypeName
from service.stream.views import Shape

SECONDS = 1.0  # that are spent on it, about
MOST_KINDS = 12  # of arrays that are drawn: those with the most bytes
AFFORDED = 0.1  # seconds that may come before an array's first number for it to be among them

Kind = tuple[str, DtypeName, Shape]


class Measured(NamedTuple):
    """What a checkpoint takes: each shard's share, and of all of them the seconds of what comes before numbers.

    `rate` is bytes a second of a core, `share` of how many of the bytes a little was drawn.
    """

    shards: list[Shard]
    rate: float
    share: float
    before: float


class Rates(NamedTuple):
    """Seconds of each element, by kind; of those that were not drawn, `prices` times what the house's prices say."""

    drawn: Mapping[Kind, float]
    prices: float

    def seconds(self, parameter: PlannedParameter) -> float:
        """Return the seconds of a parameter's numbers, without what comes before the first."""
        found = self.drawn.get(kind_of(parameter))
        return self.prices * numbers(parameter) if found is None else found * parameter.elements


def measured(checkpoint: Checkpoint, seconds: float = SECONDS) -> Measured:
    """Return what each shard takes of one processor like this one."""
    rates, share = rates_of([each for shard in checkpoint.shards for each in shard.parameters], seconds)
    shards, coming = [], 0.0
    for shard in checkpoint.shards:
        payload = shard.payload()
        first = rates.prices * before(payload.cost().operations)
        coming += first
        shards.append(Shard(payload.length, first + sum(map(rates.seconds, shard.parameters))))
    total = sum(shard.seconds for shard in shards)
    return Measured(shards, sum(shard.bytes for shard in shards) / max(total, 1e-9), share, coming)


def kind_of(parameter: PlannedParameter) -> Kind:
    """Return what tells arrays that take as long as each other."""
    return type(parameter.source.distribution).__name__, parameter.dtype, parameter.shape


def numbers(parameter: PlannedParameter) -> float:
    """Return the seconds that the house's prices have for a parameter's numbers alone."""
    return drawing(parameter.array.cost._replace(operations=0))


def rates_of(parameters: Sequence[PlannedParameter], seconds: float) -> tuple[Rates, float]:
    """Draw a little of the arrays that most bytes are of; return what that took, and the share of these bytes."""
    first: dict[Kind, PlannedParameter] = {}
    sizes: dict[Kind, int] = {}
    for parameter in parameters:
        key = kind_of(parameter)
        first.setdefault(key, parameter)
        sizes[key] = sizes.get(key, 0) + parameter.bytes
    chosen = [key for key in sorted(sizes, key=lambda key: -sizes[key])[:MOST_KINDS] if affordable(first[key])]
    drawn = {key: drawn_in(first[key], seconds / len(chosen)) for key in chosen}
    spent = sum(drawn[key] * first[key].elements for key in chosen)
    priced = sum(numbers(first[key]) for key in chosen)
    share = sum(sizes[key] for key in chosen) / max(1, sum(sizes.values()))
    return Rates(drawn, spent / priced if priced else 1.0), share


def affordable(parameter: PlannedParameter) -> bool:
    """Return whether a parameter's first number is soon come to."""
    operations = parameter.operations + parameter.passing(0)
    return parameter.elements > 0 and (operations <= HEAVY or before(operations) <= AFFORDED)


def drawn_in(parameter: PlannedParameter, seconds: float) -> float:
    """Return the seconds of this thread that an element takes, drawn and hashed, in so many seconds of trying.

    An array that is small is drawn again and again, each time from its stream on; what is heavy is opened once.
    """
    elements, spent = 0, 0.0
    opened = parameter.open()
    opened.draw(0, 1)  # a kernel is loaded when it is first called
    until = time.monotonic() + seconds
    while not elements or time.monotonic() < until:
        began, digest = time.thread_time(), hashlib.sha256()
        opened = parameter.open() if parameter.operations <= HEAVY else opened
        for start in range(0, parameter.elements, BLOCK):
            values = opened.draw(start, min(BLOCK, parameter.elements - start))
            digest.update(values.view("u1").data)
            elements += values.size
            if time.monotonic() >= until:
                break
        spent += time.thread_time() - began
    return spent / elements
