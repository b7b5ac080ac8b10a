"""Which format an answer takes: ?format= first, then Accept (RFC 9110, section 12.5.1), then JSON."""

from dataclasses import dataclass

from service.api.problems import RequestProblem
from service.formats import FORMATS, Format, Include

OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Chosen:
    name: str
    format: Format
    media_type: str


DEFAULT = Chosen("json", FORMATS["json"], FORMATS["json"].media_type)


def read_accept(header: str) -> dict[str, float]:
    """Return each media range of an Accept header with its weight; what cannot be read counts as absent."""
    ranges: dict[str, float] = {}
    for item in header.split(","):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        try:
            ranges[media] = min(max(float(weight), 0.0), 1.0) if media else 0.0
        except ValueError:
            continue
    return ranges


def weight_of(media_type: str, ranges: dict[str, float]) -> float:
    """Return the weight of the most specific range that holds this type."""
    kind = media_type.partition("/")[0]
    return next((ranges[media] for media in (media_type, f"{kind}/*", "*/*") if media in ranges), 0.0)


def choose_format(wanted: str | None, accept: str) -> Chosen:
    """Return the format of an answer; refuses an Accept that none satisfies, naming those there are."""
    if wanted is None and accept in ("", "*/*"):
        return DEFAULT
    if wanted is not None and wanted not in FORMATS:
        raise RequestProblem("invalid-query", f"format is one of {', '.join(FORMATS)}, not {wanted!r}")
    ranges = read_accept(accept)
    if wanted is not None:
        chosen = FORMATS[wanted]
        as_octets = ranges.get(OCTETS, 0.0) > 0.0 and weight_of(chosen.media_type, ranges) == 0.0
        return Chosen(wanted, chosen, OCTETS if as_octets else chosen.media_type)
    if not accept.strip():
        return DEFAULT
    weights = {name: weight_of(format.media_type, ranges) for name, format in FORMATS.items()}
    best = max(weights, key=lambda name: weights[name])  # the first of equals: the server's own order
    if weights[best] == 0.0:
        offered = ", ".join(f"{format.media_type} (?format={name})" for name, format in FORMATS.items())
        raise RequestProblem("not-acceptable", f"none of {accept!r} is offered; these are: {offered}")
    return Chosen(best, FORMATS[best], FORMATS[best].media_type)


def read_include(text: str) -> Include:
    parts = text.split(",")
    if not parts or len(set(parts)) < len(parts) or not set(parts) <= {"weights", "statistics"}:
        raise RequestProblem("invalid-query", f"include is weights, statistics or weights,statistics, not {text!r}")
    return Include(weights="weights" in parts, statistics="statistics" in parts)
