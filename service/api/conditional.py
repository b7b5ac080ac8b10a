"""Conditional requests (RFC 9110, section 13): whether a representation is to be sent, and whether its range is.

There is one strong entity tag a representation and no date, so conditions on dates are ignored, as section 13.1 has it.
"""

import re
from enum import Enum

from starlette.datastructures import Headers

# An entity tag (section 8.8.3); headers come as ISO 8859-1.
TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
BETWEEN = re.compile(r"[ \t,]*")


class Condition(Enum):
    HOLDS = 200
    NOT_MODIFIED = 304
    FAILED = 412


def listed(headers: Headers, name: str) -> str | None:
    """Return a header's lines as one; None where there is none."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None


def tags_in(header: str) -> list[tuple[bool, str]]:
    """Return the entity tags of a list, each with whether it is weak; what follows a fault is not read."""
    found = []
    place = 0
    while tag := TAG.match(header, match_end(header, place)):
        found.append((tag.group(1) is not None, tag.group(2)))
        place = tag.end()
    return found


def match_end(header: str, place: int) -> int:
    found = BETWEEN.match(header, place)
    return place if found is None else found.end()


def names(header: str, etag: str, weakly: bool) -> bool:
    """Whether a list of entity tags, or `*`, names this one."""
    if header.strip(" \t") == "*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in tags_in(header))


def condition(headers: Headers, etag: str) -> Condition:
    """Return what the conditions of a GET or HEAD come to, in the order of section 13.2.2."""
    if_match = listed(headers, "if-match")
    if if_match is not None and not names(if_match, etag, weakly=False):
        return Condition.FAILED
    if_none_match = listed(headers, "if-none-match")
    if if_none_match is not None and names(if_none_match, etag, weakly=True):
        return Condition.NOT_MODIFIED
    return Condition.HOLDS


def range_holds(headers: Headers, etag: str) -> bool:
    """Whether a Range is to be looked at: If-Range (section 13.1.5) names this very representation, or is not there.

    A date there names none: representations have no date here.
    """
    if_range = listed(headers, "if-range")
    return if_range is None or if_range.strip(" \t") == etag
