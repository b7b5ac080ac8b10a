"""The JSON answer: every parameter with its npy file in base64, its digest, its statistics, as asked.

The text goes out while values are drawn, so digests and statistics follow the values they speak of. A statistic's
width is not known before, so its place is filled up with spaces, which JSON allows: the length is exact.
"""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pybase64
from pydantic_core import to_json

from service.analysis.statistics import BINS, Statistics
from service.formats import npy
from service.formats.payload import Chunk, Finish, Include, Payload, Piece, afterwards, opened, ranges, text
from service.networks.plan import Caution, Plan, PlannedParameter, Source
from service.stream.drawing import BLOCK, Drawing
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.streams import ALGORITHM

LONGEST_NUMBER = -1.2345678901234567e-300  # 24 characters, as many as a float64 can take


def dumps(value: object) -> bytes:
    return to_json(value)  # seven times as fast as the standard library's, for numbers above all


def describe(parameter: PlannedParameter) -> dict[str, Any]:
    """Return what the plan already knows of a parameter."""
    return {
        "name": parameter.name,
        "shape": list(parameter.shape),
        "dtype": parameter.dtype,
        **describe_source(parameter.source, parameter.dtype),
    }


def describe_source(source: Source, dtype: DtypeName) -> dict[str, Any]:
    """Return fans, scheme and reason; with the true fans where the scheme counts by others."""
    described: dict[str, Any] = {"fan_in": source.fans.fan_in, "fan_out": source.fans.fan_out}
    if source.fans != source.stated.fans:
        true = source.stated.fans
        described["true_fans"] = {"fan_in": true.fan_in, "fan_out": true.fan_out}
    scheme, reason = source.choice.scheme.model_dump(), source.choice.reason
    return described | {"scheme": scheme, "formula": source.formula(dtype), "reason": reason}


def describe_warning(warning: Caution) -> dict[str, Any]:
    return {"code": warning.code, "pointer": warning.pointer, "detail": warning.detail, "try": warning.remedy}


def describe_plan(plan: Plan) -> dict[str, Any]:
    """Return the answer of /plan: that of /init without numbers, with bytes and totals."""
    return {
        **envelope(plan),
        "layers": [
            {
                "name": layer.name,
                "type": layer.type,
                "activation": layer.activation,
                "parameters": [describe(parameter) | {"bytes": parameter.bytes} for parameter in layer.parameters],
            }
            for layer in plan.layers
        ],
        "warnings": [describe_warning(warning) for warning in plan.warnings],
        "totals": {"parameters": len(plan.parameters), "elements": plan.elements, "bytes": plan.bytes},
    }


def envelope(plan: Plan) -> dict[str, Any]:
    exact = {} if plan.algorithm == ALGORITHM else {"exact": plan.exact}
    return {"algorithm": plan.algorithm, **exact, "seed": str(plan.seed), "layout": plan.layout, "dtype": plan.dtype}


def statistics_width(empty: Statistics, elements: int) -> int:
    """Return how many characters the statistics of so many elements can take at the most."""
    widest = empty.summary() | dict.fromkeys(("mean", "std", "min", "max"), LONGEST_NUMBER)
    return len(dumps(widest)) + (BINS + 1) * (len(str(elements)) - 1)  # the counts are 0 here


class Told:
    """A parameter's values as they go out in JSON, and what is known of them afterwards."""

    def __init__(self, parameter: PlannedParameter, include: Include) -> None:
        self.parameter = parameter
        self.include = include
        self.digest = hashlib.sha256()
        self.statistics = Statistics(parameter.expectation) if include.statistics else None
        self.width = 0 if self.statistics is None else statistics_width(self.statistics, parameter.elements)
        self.header = npy.header(parameter.dtype, parameter.shape) if include.weights else b""

    def __len__(self) -> int:
        length = len(',"sha256":""}') + 2 * self.digest.digest_size
        if self.include.weights:
            length += len(',"npy":""') + -(-npy.size_of(self.parameter) // 3) * 4
        if self.statistics is not None:
            length += len(',"statistics":') + self.width
        return length

    def pieces(self) -> Iterator[Piece]:
        """Return what follows the parameter's description: values, digest, statistics, closing brace."""
        size = DTYPES[self.parameter.dtype].size
        if self.include.weights:
            yield text(b',"npy":"')
        drawing = yield from opened(self.parameter)
        for first, count in ranges(self.parameter.elements, first_block(len(self.header), size)):
            weight = count * size * (7 if self.include.weights else 3) // 3  # base64 beside the values
            yield Piece(partial(self.make, drawing, first, count), weight=weight)
        yield afterwards(self.closing)

    def make(self, drawing: Drawing, first: int, count: int) -> Finish:
        values = drawing.draw(first, count)
        raw = values.view("u1").data
        encoded = b""
        if self.include.weights:
            head = b"" if first else self.header
            split = -len(head) % 3  # base64 takes three bytes at a time; the block ends where it has taken all
            encoded = pybase64.b64encode(head + raw[:split]) + pybase64.b64encode(raw[split:])
        statistics = self.statistics
        part = None if statistics is None else statistics.survey(DTYPES[self.parameter.dtype].read(values))

        def finish() -> Chunk:
            self.digest.update(raw)
            if statistics is not None and part is not None:
                statistics.merge(part)
            return encoded

        return finish

    def closing(self) -> bytes:
        end = b'"' if self.include.weights else b""
        end += f',"sha256":"{self.digest.hexdigest()}"'.encode()
        if self.statistics is not None:
            end += b',"statistics":' + dumps(self.statistics.summary()).ljust(self.width)
        return end + b"}"


def first_block(head: int, size: int) -> int:
    """Return how many elements of `size` bytes the first block has, so that with `head` bytes it is a multiple of 3."""
    return next(count for count in (BLOCK, BLOCK - 4, BLOCK - 8) if (head + count * size) % 3 == 0)


def encode(plan: Plan, include: Include) -> Payload:
    """Return the whole answer; its parts are laid out before, so that their lengths add up."""
    parts: list[bytes | Told] = []
    words = dumps(envelope(plan))[:-1] + b',"layers":['
    for index, layer in enumerate(plan.layers):
        head = {"name": layer.name, "type": layer.type, "activation": layer.activation}
        words += (b"," if index else b"") + dumps(head)[:-1] + b',"parameters":['
        for place, parameter in enumerate(layer.parameters):
            words += (b"," if place else b"") + dumps(describe(parameter))[:-1]
            parts += [words, Told(parameter, include)]
            words = b""
        words += b"]}"
    parts.append(words + b'],"warnings":' + dumps([describe_warning(warning) for warning in plan.warnings]) + b"}")

    def pieces() -> Iterator[Piece]:
        for part in parts:
            if isinstance(part, Told):
                yield from part.pieces()
            else:
                yield text(part)

    return Payload(sum(len(part) for part in parts), pieces())
