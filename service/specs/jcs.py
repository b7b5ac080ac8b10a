"""Writes JSON in the one form that a document has (RFC 8785, the JSON Canonicalization Scheme)."""

import math
from json.encoder import encode_basestring as quoted  # escapes just what RFC 8785 has escaped
from typing import Any

from service.ordering import AT_ONCE, in_order

LARGEST_EXACT = 2**53 - 1
WORDS = {True: "true", False: "false", None: "null"}


class Written(str):
    """The text of a value, which stands for it in a document."""

    __slots__ = ()


def canonical(value: Any) -> str:
    """Return the text of a document, of dict, list, str, int, float, bool, None and Written; raises ValueError for NaN.

    Minus zero stays apart from 0, as -0.0: RFC 8785 writes 0 for both, but a weight's sign is in its bytes.
    """
    parts: list[str] = []
    write(value, parts)
    return "".join(parts)


def write(value: Any, parts: list[str]) -> None:
    """Put a value's text behind `parts`."""
    kind = type(value)
    if kind is str:
        parts.append(quoted(value))
    elif kind is int or kind is float:
        parts.append(number(value))
    elif kind is dict:
        mark = "{"
        for name in by_code_units(value):
            parts.append(f"{mark}{quoted(name)}:")
            write(value[name], parts)
            mark = ","
        parts.append("}" if value else "{}")
    elif kind is list:
        mark = "["
        for each in value:
            parts.append(mark)
            write(each, parts)
            mark = ","
        parts.append("]" if value else "[]")
    elif kind is Written:
        parts.append(value)
    else:
        parts.append(WORDS[value])


def by_code_units(names: dict[str, Any]) -> list[str]:
    """Return an object's names in the order of their UTF-16 code units."""
    if "".join(names).isascii():
        return sorted(names) if len(names) <= AT_ONCE else in_order(names, str)
    return in_order(names, lambda name: name.encode("utf-16-be"))


def number(value: int | float) -> str:
    """Return a number as ECMAScript writes a float64 (ECMA-262, Number::toString): the fewest digits that read back."""
    if isinstance(value, int) and -LARGEST_EXACT <= value <= LARGEST_EXACT:
        return str(value)
    text = repr(beyond_exact(value) if isinstance(value, int) else value)
    if value == 0:
        return "0" if text == "0.0" else text
    if "n" in text:
        raise ValueError("JSON has no NaN and no infinity")
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text.removesuffix(".0")
    power = int(exponent)
    sign, digits = mantissa[: mantissa.startswith("-")], mantissa.lstrip("-").replace(".", "")
    if 0 <= power < 21:
        return sign + digits.ljust(power + 1, "0")
    if -7 < power < 0:
        return f"{sign}0.{digits.rjust(len(digits) - power - 1, '0')}"
    return f"{mantissa}e{power:+d}"


def beyond_exact(value: int) -> float:
    """Return the float64 that every other language reads a large integer as."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
