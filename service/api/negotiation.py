"""Which format an answer takes: ?format= first, then Accept (RFC 9110, section 12.5.1), then JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from service.api.problems import RequestProblem
from service.formats import FORMATS, PICTURE, Format, Include
from service.formats.sharding import LARGEST_SHARD_BYTES, SHARD_BYTES

OCTETS = "application/octet-stream"
SVG = PICTURE.media_type
MOST_RANGES = 128  # of an Accept header; browsers list some ten
DIGITS = re.compile(r"[0-9]{1,16}", re.ASCII)
WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)  # RFC 9110, section 12.4.2


@dataclass(frozen=True, slots=True)
class Chosen:
    name: str
    format: Format
    media_type: str


def accept_of(request: Request) -> str:
    """Return a request's Accept, all of its lines as one (RFC 9110, section 5.3)."""
    return ", ".join(request.headers.getlist("accept"))


def read_accept(header: str) -> dict[str, float]:
    """Return each media range of an Accept header with its weight; what cannot be read counts as absent.

    Refuses more ranges than any client has reason to list: each takes time.
    """
    ranges: dict[str, float] = {}
    items = header.split(",", MOST_RANGES)
    if len(items) > MOST_RANGES:
        raise RequestProblem("malformed-request", f"Accept lists more than {MOST_RANGES} ranges")
    for item in items:
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        if media and WEIGHT.fullmatch(weight):
            ranges[media] = float(weight)
    return ranges


def weight_of(media_type: str, ranges: dict[str, float]) -> float:
    """Return the weight of the most specific range that holds this type."""
    kind = media_type.partition("/")[0]
    return next((ranges[media] for media in (media_type, f"{kind}/*", "*/*") if media in ranges), 0.0)


def choose_among(offered: Mapping[str, str], wanted: str | None, accept: str) -> str:
    """Return the name of the media type to answer with: the one asked for, or the best by Accept, or the first.

    Refuses what none satisfies, naming those there are.
    """
    if wanted is not None:
        if wanted not in offered:
            raise RequestProblem("invalid-query", f"format is one of {', '.join(offered)}, not {wanted!r}")
        return wanted
    first = next(iter(offered))
    if accept == "*/*" or not accept.strip(", \t"):
        return first
    ranges = read_accept(accept)
    weights = {name: weight_of(media_type, ranges) for name, media_type in offered.items()}
    best = max(weights, key=lambda name: weights[name])  # the first of equals: the server's own order
    if weights[best] == 0.0:
        listed = ", ".join(f"{media_type} (?format={name})" for name, media_type in offered.items())
        raise RequestProblem("not-acceptable", f"none of {accept!r} is offered; these are: {listed}")
    return best


MEDIA_TYPES = {name: format.media_type for name, format in FORMATS.items()}


def choose_format(wanted: str | None, accept: str) -> Chosen:
    """Return the format of an answer of /init; a file that was asked for by name may go out as mere octets."""
    name = choose_among(MEDIA_TYPES, wanted, accept)
    media_type = FORMATS[name].media_type
    if wanted is not None and accept:
        ranges = read_accept(accept)
        if ranges.get(OCTETS, 0.0) > 0.0 and weight_of(media_type, ranges) == 0.0:
            media_type = OCTETS
    return Chosen(name, FORMATS[name], media_type)


def choose_picture(wanted: str | None, accept: str, include: Include) -> bool:
    """Whether statistics are to be shown as a figure; refuses to draw weights."""
    if wanted is None and SVG not in accept:
        return False
    only_statistics = include.statistics and not include.weights
    if wanted == "svg" and not only_statistics:
        raise RequestProblem("invalid-query", "format=svg shows statistics: ask for it with include=statistics")
    return only_statistics and choose_among({**MEDIA_TYPES, "svg": SVG}, wanted, accept) == "svg"


def read_include(text: str) -> Include:
    parts = text.split(",")
    if not parts or len(set(parts)) < len(parts) or not set(parts) <= {"weights", "statistics"}:
        raise RequestProblem("invalid-query", f"include is weights, statistics or weights,statistics, not {text!r}")
    return Include(weights="weights" in parts, statistics="statistics" in parts)


def read_network(asked: Mapping[str, str]) -> bool:
    """Return whether a plan is to say how its layers are joined."""
    text = asked.get("include")
    if text not in (None, "network"):
        raise RequestProblem("invalid-query", f"include is network, or left out, not {text[:40]!r}")
    return text is not None


def read_shard_bytes(asked: Mapping[str, str]) -> int:
    """Return how many bytes of tensors a shard has at the most, as the address says it."""
    text = asked.get("shard_bytes", str(SHARD_BYTES))
    if not DIGITS.fullmatch(text) or not 1 <= int(text) <= LARGEST_SHARD_BYTES:
        detail = f"shard_bytes is a whole number from 1 to {LARGEST_SHARD_BYTES}, not {text[:40]!r}"
        raise RequestProblem("invalid-query", detail, remedy={"shard_bytes": SHARD_BYTES})
    return int(text)
