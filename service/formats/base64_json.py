"""The JSON answer: every parameter with its npy file in base64, its digest, its statistics, as asked.

The text goes out while values are drawn, so digests and statistics follow the values they speak of. A statistic's
width is not known before, so its place is filled up with spaces, which JSON allows: the length is exact.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pybase64

from service.analysis.statistics import BINS, Statistics
from service.formats import npy
from service.formats.payload import Include, Payload
from service.weights.dtypes import DTYPES
from service.weights.plan import Caution, Plan, PlannedParameter, Source

LONGEST_NUMBER = -1.2345678901234567e-300  # 24 characters, as many as a float64 can take


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def describe(parameter: PlannedParameter) -> dict[str, Any]:
    """Return what the plan already knows of a parameter."""
    return {
        "name": parameter.name,
        "shape": list(parameter.shape),
        "dtype": parameter.dtype,
        **describe_source(parameter.source),
    }


def describe_source(source: Source) -> dict[str, Any]:
    """Return fans, scheme and reason; with the true fans where the scheme counts by others."""
    described: dict[str, Any] = {"fan_in": source.fans.fan_in, "fan_out": source.fans.fan_out}
    if source.fans != source.stated.fans:
        true = source.stated.fans
        described["true_fans"] = {"fan_in": true.fan_in, "fan_out": true.fan_out}
    scheme, reason = source.choice.scheme.model_dump(), source.choice.reason
    return described | {"scheme": scheme, "formula": source.formula, "reason": reason}


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


def envelope(plan: Plan) -> dict[str, str]:
    return {"algorithm": plan.algorithm, "seed": str(plan.seed), "layout": plan.layout, "dtype": plan.dtype}


def statistics_width(parameter: PlannedParameter) -> int:
    """Return how many characters the parameter's statistics can take at the most."""
    widest = Statistics(parameter.expectation, count=parameter.elements).summary()
    widest |= dict.fromkeys(("mean", "std", "min", "max"), LONGEST_NUMBER)
    width = len(dumps(widest))
    return width + BINS * (len(str(parameter.elements)) - 1)  # the counts are 0 here


def parameter_chunks(parameter: PlannedParameter, include: Include, width: int) -> Iterator[bytes]:
    """Return what follows a parameter's description: values, digest, statistics, closing brace."""
    digest, statistics = hashlib.sha256(), Statistics(parameter.expectation)
    read = DTYPES[parameter.dtype].read
    left = b""
    if include.weights:
        left = npy.header(parameter.dtype, parameter.shape)
        yield b',"npy":"'
    for block in parameter.blocks():
        raw = block.view("u1").data
        digest.update(raw)
        if include.statistics:
            statistics.add(read(block))
        if include.weights:
            joined = left + raw if left else raw  # base64 takes three bytes at a time
            whole = len(joined) - len(joined) % 3
            yield pybase64.b64encode(joined[:whole])
            left = bytes(joined[whole:])
    if include.weights:
        yield pybase64.b64encode(left) + b'"'
    yield f',"sha256":"{digest.hexdigest()}"'.encode()
    if include.statistics:
        yield b',"statistics":' + dumps(statistics.summary()).encode().ljust(width)
    yield b"}"


def encode(plan: Plan, include: Include) -> Payload:
    """Return the whole answer; its parts are laid out before, so that their lengths add up."""
    pieces: list[bytes | tuple[PlannedParameter, int]] = []
    text = dumps(envelope(plan))[:-1] + ',"layers":['
    for index, layer in enumerate(plan.layers):
        head = {"name": layer.name, "type": layer.type, "activation": layer.activation}
        text += ("," if index else "") + dumps(head)[:-1] + ',"parameters":['
        for place, parameter in enumerate(layer.parameters):
            text += ("," if place else "") + dumps(describe(parameter))[:-1]
            pieces += [text.encode(), (parameter, statistics_width(parameter) if include.statistics else 0)]
            text = ""
        text += "]}"
    text += '],"warnings":' + dumps([describe_warning(warning) for warning in plan.warnings]) + "}"
    pieces.append(text.encode())

    def chunks() -> Iterator[bytes]:
        for piece in pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from parameter_chunks(piece[0], include, piece[1])

    return Payload(sum(length_of(piece, include) for piece in pieces), chunks())


def length_of(piece: bytes | tuple[PlannedParameter, int], include: Include) -> int:
    if isinstance(piece, bytes):
        return len(piece)
    parameter, width = piece
    length = len(',"sha256":""') + 64 + len("}")
    if include.weights:
        length += len(',"npy":""') + -(-npy.size_of(parameter) // 3) * 4
    if include.statistics:
        length += len(',"statistics":') + width
    return length
