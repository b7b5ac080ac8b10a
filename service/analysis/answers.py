"""What is measured, as the JSON of an answer has it: null for numbers that overflow."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from service.analysis.blocks import MeasuredBlock, Sides, Stream
from service.analysis.observations import Observations
from service.analysis.verdicts import Judgement, worst


def finite(measured: Any) -> Any:
    """Return numbers, and what holds them, as JSON has them: null for what overflowed."""
    if isinstance(measured, float):
        return measured if isfinite(measured) else None
    if is_dataclass(measured):
        return {field.name: finite(getattr(measured, field.name)) for field in fields(measured)}
    if isinstance(measured, Mapping):
        return {key: finite(value) for key, value in measured.items()}
    if isinstance(measured, list | tuple):
        return [finite(value) for value in measured]
    return measured


def observed(seen: Observations | None, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Return the members of an answer that tell of the network as a whole; empty ones where nothing was measured."""
    if seen is None:
        return {"blocks": [], "streams": [], "attention": [], "output": None}
    return {
        "blocks": [block_of(block, judgements) for block in seen.blocks],
        "streams": [stream_of(stream) for stream in seen.streams],
        "attention": finite(seen.attention),
        "output": finite(seen.output),
    }


def block_of(block: MeasuredBlock, judgements: Sequence[Judgement]) -> dict[str, Any]:
    return {
        "name": block.name,
        "layers": block.layers,
        "stream": sides_of(block.stream),
        "gradient": sides_of(block.gradient),
        "branches": finite(block.branches),
        "verdict": worst([judgements[number] for number in block.places]),
    }


def sides_of(sides: Sides) -> dict[str, Any]:
    return {"in": finite(sides.enters), "out": finite(sides.leaves)}


def stream_of(stream: Stream) -> dict[str, Any]:
    growth = stream.growth
    return {
        "first": stream.first,
        "last": stream.last,
        "blocks": growth.blocks,
        "growth": growth.kind,
        "in": finite(growth.begins),
        "out": finite(growth.ends),
        "added": finite(growth.added),
        "factor": finite(growth.factor),
        "summary": growth.told(),
    }
