"""The JSON answer: every parameter with its npy file in base64, its digest, its statistics, as asked.

The text goes out while values are drawn, so digests and statistics follow the values they speak of. A statistic's
width is not known before, so its place is filled up with spaces, which JSON allows: the length is exact.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pybase64
from pydantic_core import to_json

from service.analysis.statistics import BINS, Statistics
from service.formats import npy
from service.formats.links import left_out, links_of, links_of_parameter, parameters_at
from service.formats.payload import Chunk, Encoding, Include, Known, Owed, Part, Payload, Unsaid, Values
from service.formats.sharding import SHARD_BYTES, shard_of
from service.networks.asked import Source
from service.networks.layers.listed import Taken
from service.networks.plan import Caution, Plan, PlannedParameter
from service.stream.drawing import BLOCK
from service.stream.dtypes import DTYPES, DtypeName, Stored
from service.stream.streams import ALGORITHM

LONGEST_NUMBER = -1.2345678901234567e-300  # 24 characters, as many as a float64 can take


def dumps(value: object) -> bytes:
    return to_json(value)  # seven times as fast as the standard library's, for numbers above all


def describe(parameter: PlannedParameter, address: str | None = None) -> dict[str, Any]:
    """Return what the plan, which has this address, already knows of a parameter."""
    return {
        "name": parameter.name,
        "shape": list(parameter.shape),
        "dtype": parameter.dtype,
        **describe_source(parameter.source, parameter.dtype),
        **({} if parameter.taken_for is None else {"taken_for": describe_taken(parameter.taken_for)}),
        **links_of_parameter(address, parameter),
    }


def describe_source(source: Source, dtype: DtypeName) -> dict[str, Any]:
    """Return fans, scheme and reason; with the true fans where the scheme counts by others."""
    described: dict[str, Any] = {"fan_in": source.fans.fan_in, "fan_out": source.fans.fan_out}
    if source.fans != source.stated.fans:
        true = source.stated.fans
        described["true_fans"] = {"fan_in": true.fan_in, "fan_out": true.fan_out}
    scheme, reason = source.choice.scheme.model_dump(), source.choice.reason
    return described | {"scheme": scheme, "formula": source.formula(dtype), "reason": reason}


def describe_taken(taken: Taken) -> dict[str, str]:
    return {"kind": taken.kind, "why": taken.why}


def describe_warning(warning: Caution) -> dict[str, Any]:
    return {"code": warning.code, "pointer": warning.pointer, "detail": warning.detail, "try": warning.remedy}


def describe_plan(plan: Plan, shard_bytes: int = SHARD_BYTES) -> dict[str, Any]:
    """Return the answer of /plan: that of /init without numbers, with bytes, shards and totals."""
    at, shards = parameters_at(plan), shard_of(plan, shard_bytes)
    totals = {"parameters": len(plan.parameters), "elements": plan.elements, "bytes": plan.bytes}
    return {
        **envelope(plan),
        "layers": [
            {
                "name": layer.name,
                "type": layer.type,
                "activation": layer.activation,
                "parameters": [
                    {**describe(parameter, at), "bytes": parameter.bytes, "shard": shards[parameter.key]}
                    for parameter in layer.parameters
                ],
            }
            for layer in plan.layers
        ],
        **closing(plan, shard_bytes),
        "totals": totals | {"shards": len(set(shards.values()))},
    }


def closing(plan: Plan, shard_bytes: int = SHARD_BYTES) -> dict[str, Any]:
    """Return what an answer ends with: links, where it has an address, and warnings."""
    warnings = (*plan.warnings, *left_out(plan))
    return {**links_of(plan, shard_bytes), "warnings": [describe_warning(warning) for warning in warnings]}


def envelope(plan: Plan) -> dict[str, Any]:
    exact = {} if plan.algorithm == ALGORITHM else {"exact": plan.exact}
    stated = {"algorithm": plan.algorithm, **exact, "seed": str(plan.seed), "layout": plan.layout, "dtype": plan.dtype}
    if plan.left_alone:
        stated["left_alone"] = {name: describe_taken(taken) for name, taken in plan.left_alone.items()}
    return stated | ({"tied": dict(plan.tied)} if plan.tied else {})


def statistics_width(empty: Statistics, elements: int) -> int:
    """Return how many characters the statistics of so many elements can take at the most."""
    widest = empty.summary() | dict.fromkeys(("mean", "std", "min", "max"), LONGEST_NUMBER)
    return len(dumps(widest)) + (BINS + 1) * (len(str(elements)) - 1)  # the counts are 0 here


class Base64(Encoding):
    """A .npy file whose header is `head` and whose elements have `size` bytes, in base64: 3 bytes to 4 characters."""

    weight = 7 / 3  # the values, and their base64 beside them

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.size = head, size
        self.first_block = first_block(len(head), size)

    def length(self, elements: int) -> int:
        return -(-(len(self.head) + elements * self.size) // 3) * 4

    def elements(self, start: int, stop: int, elements: int) -> tuple[int, int]:
        """Return elements that end, and begin unless they are the first, where base64 has taken all bytes before."""
        first, end = (max(0, place * 3 - len(self.head)) for place in (start // 4, -(-stop // 4)))
        begin, phase = first // self.size, self.first_block % 3
        begin = begin - (begin - phase) % 3
        last = -(-end // self.size)
        last = last + (phase - last) % 3
        return max(begin, 0), min(max(last, 1), elements)

    def place(self, first: int) -> int:
        return (len(self.head) + first * self.size) // 3 * 4 if first else 0

    def encode(self, raw: memoryview, first: int) -> Chunk:
        head = b"" if first else self.head
        split = -len(head) % 3  # base64 takes three bytes at a time; the block ends where it has taken all
        return pybase64.b64encode(head + raw[:split]) + pybase64.b64encode(raw[split:])


class Told:
    """What is known of a parameter's values when all were gone through: their digest, and statistics if wanted."""

    def __init__(self, parameter: PlannedParameter, statistics: bool) -> None:
        self._read = DTYPES[parameter.dtype].read
        self._digest = hashlib.sha256()
        self._statistics = Statistics(parameter.expectation) if statistics else None

    def add(self, values: Stored) -> Callable[[], None]:
        statistics = self._statistics
        part = None if statistics is None else statistics.survey(self._read(values))

        def take_in() -> None:
            self._digest.update(values.view("u1").data)
            if statistics is not None and part is not None:
                statistics.merge(part)

        return take_in

    def closing(self, length: int) -> bytes:
        """Return the members that tell it, and the parameter's closing brace, filled up to `length`."""
        found = f',"sha256":"{self._digest.hexdigest()}"'.encode()
        if self._statistics is not None:
            found += b',"statistics":' + dumps(self._statistics.summary())
        return found.ljust(length - 1) + b"}"


DIGEST = len(',"sha256":""}') + 2 * hashlib.sha256().digest_size


def longest(parameter: PlannedParameter, statistics: bool) -> int:
    """Return how many bytes a parameter's closing can take at the most."""
    if not statistics:
        return DIGEST
    return DIGEST + len(',"statistics":') + statistics_width(Statistics(parameter.expectation), parameter.elements)


def told_parts(words: bytes, parameter: PlannedParameter, include: Include) -> list[Part]:
    """Return a parameter's description, which ends `words`, and what follows: values, digest, statistics, a brace."""
    begin = partial(Told, parameter, include.statistics)
    values = Values(parameter, encoding_of(parameter, include), begin)
    opening, quote = (b',"npy":"', b'"') if include.weights else (b"", b"")
    length = longest(parameter, include.statistics)
    owed = Owed(len(quote) + length, [values], lambda sums: quote + sums[0].closing(length))
    if include.weights and not parameter.elements:  # nothing is drawn, not even what comes before the values
        return [Known(words + opening + pybase64.b64encode(npy.header(parameter))), owed]
    return [Known(words + opening), values, owed]


def encoding_of(parameter: PlannedParameter, include: Include) -> Encoding:
    if not include.weights:
        return Unsaid()
    return Base64(npy.header(parameter), DTYPES[parameter.dtype].size)


def first_block(head: int, size: int) -> int:
    """Return how many elements of `size` bytes the first block has, so that with `head` bytes it is a multiple of 3."""
    if (head + BLOCK * size) % 3 == 0:
        return BLOCK
    return next(count for count in (BLOCK - 4, BLOCK - 8) if (head + count * size) % 3 == 0)


def encode_parameter(parameter: PlannedParameter, address: str | None, include: Include) -> Payload:
    """Return what the whole answer, whose plan has this address, tells of one parameter."""
    return Payload(told_parts(dumps(describe(parameter, address))[:-1], parameter, include))


def encode(plan: Plan, include: Include) -> Payload:
    """Return the whole answer; its parts are laid out before, so that their lengths add up."""
    parts: list[Part] = []
    at = parameters_at(plan)
    words = dumps(envelope(plan))[:-1] + b',"layers":['
    for index, layer in enumerate(plan.layers):
        head = {"name": layer.name, "type": layer.type, "activation": layer.activation}
        words += (b"," if index else b"") + dumps(head)[:-1] + b',"parameters":['
        for place, parameter in enumerate(layer.parameters):
            words += (b"," if place else b"") + dumps(describe(parameter, at))[:-1]
            parts += told_parts(words, parameter, include)
            words = b""
        words += b"]}"
    words += b"]," + dumps(closing(plan))[1:]
    return Payload([*parts, Known(words)])
