"""Whether two answers are one but for what differs between machines: roundings of what is measured, zlib's builds."""

import hashlib
import json
import re
from typing import Any

import pytest

from service.errors import InvalidAddress
from service.specs.addresses import unpacked

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
ADDRESS = re.compile(r"(?<=weights/)(eN[\w-]+)")


def in_short(value: Any) -> Any:
    """Return an answer with its measured numbers cut to four digits."""
    if isinstance(value, dict):
        return {key: in_short(member) for key, member in value.items()}
    if isinstance(value, list):
        return [in_short(member) for member in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def held(address: re.Match[str]) -> str:
    """Return the digest of the text that an address holds, in its place."""
    try:
        return hashlib.sha256(unpacked(address[1], 2000).encode()).hexdigest()
    except InvalidAddress:
        return address[1]


def parts(value: Any) -> tuple[list[str], list[float]]:
    """Return what is said of an answer between its numbers, and the numbers."""
    text = ADDRESS.sub(held, json.dumps(value, sort_keys=True))
    return NUMBER.split(text), [float(number) for number in NUMBER.findall(text)]


def alike(one: Any, other: Any) -> bool:
    said, numbers = parts(one)
    said_there, numbers_there = parts(other)
    return said == said_there and numbers == pytest.approx(numbers_there, rel=2e-3, abs=2e-3)
