"""Wording: what is said of each kind of finding, in plain words.

To add words for another kind, add a row to WORDS. A test walks over every kind that a spec can give.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

from service.specs.places import Place

LONGEST = 200  # characters of a detail
LONGEST_WORD = 64  # of a word that is compared
Context: TypeAlias = Mapping[str, Any]
Say: TypeAlias = Callable[[Context, Place], str]

WRITTEN: dict[type, str] = {
    bool: "true or false", int: "an integer", float: "a fraction", str: "a string", list: "an array", dict: "an object",
    type(None): "null",
}  # fmt: skip


def needed(what: str) -> Say:
    return lambda context, place: f"{what} is needed here, not {WRITTEN.get(type(place.value), 'this')}"


def number_needed(context: Context, place: Place) -> str:
    return "this number is too large" if type(place.value) is int else needed("a number")(context, place)


def scheme_needed(context: Context, place: Place) -> str:
    without = "; null leaves the bias out" if place.name == "bias" and isinstance(place.value, bool) else ""
    return f"a scheme is a name, or an object with a name and parameters{without}"


def bounded(words: str) -> Say:
    def say(context: Context, place: Place) -> str:
        value = place.value
        shown = isinstance(value, int | float) and abs(value) < 1e300
        return words.format(**context) + (f", not {value:.16g}" if shown else "")

    return say


def at_least(context: Context, place: Place) -> str:
    if place.value == 0 and "/shape/" in place.pointer:
        return "a size of 0 makes an array without values: leave the layer out, or make it 1 or more"
    return bounded("this must be {ge} or more")(context, place)


def about(words: str) -> Say:
    """Return what says a bound, and what the member is."""
    return lambda context, place: words.format(**context) + described(place)


def described(place: Place) -> str:
    """Return what a member is, as the catalogue says it, as far as its first sentence."""
    text = "" if place.field is None or not place.field.description else place.field.description
    first = re.split(r"(?<=[a-z)])[.;] ", text)[0].rstrip(".")
    return f": {first}" if first and len(first) <= LONGEST // 2 else ""


def one_of(context: Context, place: Place) -> str:
    listed = ", ".join(options(context))
    return f"this is one of {listed}" if len(listed) <= LONGEST // 2 else "this is none of the known words"


def meant(word: object, known: Iterable[str]) -> str | None:
    """Return the known word that is nearest to one that is not."""
    if not isinstance(word, str):
        return None
    by_case = {name.lower(): name for name in known}
    near = get_close_matches(word[:LONGEST_WORD].lower(), by_case, n=1)
    return by_case[near[0]] if near else None


def options(context: Context) -> list[str]:
    """Return the words between the quotes of pydantic's list of those that it expects."""
    return re.findall(r"'([^']*)'", str(context.get("expected", context.get("expected_tags", ""))))


WORDS: dict[str, Say] = {
    "missing": about("this field is required"),
    "extra_forbidden": lambda context, place: "there is no such field here",
    "literal_error": one_of,
    "union_tag_invalid": lambda context, place: "no layer type has this name; GET /layers lists them",
    "union_tag_not_found": about("a layer is an object with a type"),
    "scheme_form": scheme_needed,
    "model_type": needed("an object"),
    "model_attributes_type": needed("an object"),
    "dict_type": needed("an object"),
    "list_type": needed("an array"),
    "string_type": needed("a string"),
    "string_unicode": lambda context, place: "half of a surrogate pair is no text",
    "bool_type": needed("true or false"),
    "int_type": needed("an integer"),
    "int_from_float": needed("an integer"),
    "float_type": number_needed,
    "finite_number": needed("a finite number"),
    "too_short": about("this takes {min_length} values or more, not {actual_length}"),
    "too_long": about("this takes {max_length} values at the most"),
    "string_too_short": about("this takes {min_length} characters or more"),
    "string_too_long": about("this takes {max_length} characters at the most"),
    "string_pattern_mismatch": about("this is not written as it must be"),
    "greater_than_equal": at_least,
    "greater_than": bounded("this must be more than {gt}"),
    "less_than_equal": bounded("this must be {le} or less"),
    "less_than": bounded("this must be less than {lt}"),
}
UNKNOWN_WORDS = "this is not what belongs here"  # of a kind without a row: a test sees to it that none is found


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
