"""Faults: what validation found, as pointers into the document as it was posted, in plain words.

To add words for another kind of finding, add a row to WORDS. A test walks over every kind that a spec can give.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from service.networks.layers.names import ALIASES as LAYER_ALIASES
from service.specs.places import MISSING, AnyLayer, Place, follow, named_in

LONGEST = 200  # characters of a detail
LONGEST_WORD = 64  # of a word that is compared or repeated
Context: TypeAlias = Mapping[str, Any]
Say: TypeAlias = Callable[[Context, Place], str]


class Fault(NamedTuple):
    """`remedy` is a change to the object that holds the member that `pointer` leads to, None where none is known."""

    pointer: str
    detail: str
    remedy: dict[str, Any] | None


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


def one_of(words: Iterable[object], place: Place) -> str:
    listed = ", ".join(map(str, words))
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
    "literal_error": lambda context, place: one_of(options(context), place),
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
NEEDED = re.compile("(.+) is needed here, not (.+)")
KINDS = frozenset(get_args(ErrorType))  # pydantic's own, as against those that validators of this service raise


def faults_of(error: ValidationError, document: Any, model: type[BaseModel]) -> list[Fault]:
    """Return what is wrong with a document, each fault once, in the order in which it was found."""
    found = [fault_of(each, document, model) for each in error.errors(include_url=False, include_input=False)]
    return list({(fault.pointer, fault.detail): fault for fault in settled(found)}.values())


def settled(found: list[Fault]) -> Iterator[Fault]:
    """Yield the faults; where a value may be of one kind or another, those of the kind that it is, else all in one."""
    by_place = defaultdict(list)
    for fault in found:
        by_place[fault.pointer].append(fault)
    holders = {pointer.rpartition("/")[0] for pointer in by_place if pointer}
    for pointer, faults in by_place.items():
        others = [fault for fault in faults if not NEEDED.fullmatch(fault.detail)]
        wanted = dict.fromkeys(match[1] for match in (NEEDED.fullmatch(fault.detail) for fault in faults) if match)
        if len(wanted) > 1 and not others:
            yield Fault(pointer, faults[0].detail.replace(next(iter(wanted)), " or ".join(wanted), 1), None)
        elif others or pointer in holders:  # of the other kind, or of what is in it
            yield from others
        else:
            yield from faults


def fault_of(item: ErrorDetails, document: Any, model: type[BaseModel]) -> Fault:
    kind, context = item["type"], item.get("ctx", {})
    place = follow(model, document, item["loc"], required=kind == "missing")
    if place.kind is AnyLayer and kind.startswith("union_tag") and isinstance(place.value, Mapping):
        place = place.member("type")
    if kind in ("scheme_form", "scheme_name") and isinstance(place.value, Mapping):
        place = place.member("name")
    if kind == "missing" and place.value is not MISSING:
        detail = f"{item['loc'][-1]} is required beside the name"
    elif kind in WORDS:
        detail = WORDS[kind](context, place)
    elif kind in KINDS:
        detail = UNKNOWN_WORDS
    else:  # in a validator's own words
        detail = item["msg"]
        place = named_in(place, detail)
    near = nearest_to(kind, context, place)
    if near is not None:
        detail = f"{detail}; did you mean {near}?"
    return Fault(place.pointer, shortened(detail), remedy_of(kind, context, place, near))


def nearest_to(kind: str, context: Context, place: Place) -> str | None:
    if kind == "extra_forbidden" and place.holder is not None:
        return meant(place.name, place.holder.fields)
    if kind == "union_tag_invalid":
        return meant(place.value, [*LAYER_ALIASES, *options(context)])
    if kind == "literal_error":
        return meant(place.value, options(context))
    return None


def remedy_of(kind: str, context: Context, place: Place, near: str | None) -> dict[str, Any] | None:
    """Return the member with a value that would do, where the place is a member of an object."""
    if not isinstance(place.name, str) or not place.name or place.value is MISSING or kind == "extra_forbidden":
        return None
    if near is not None:
        return {place.name: near}
    if kind in ("literal_error", "union_tag_invalid"):
        return {place.name: options(context)[0]}
    if kind == "scheme_form":  # as frameworks say it: bias=False
        return {place.name: None if place.name == "bias" and place.value is False else "auto"}
    if kind.endswith("_type") and place.field is not None and not place.field.is_required():
        default = place.field.get_default(call_default_factory=True)
        return None if default is None else {place.name: default}
    if kind == "scheme_name":  # any parameters beside a name are those of one scheme, so that auto would not do
        named = context["near"] or ("auto" if place.name != "name" else None)
        return None if named is None else {place.name: named}
    if kind == "string_pattern_mismatch" and place.name == "name" and re.search("[A-Za-z0-9]", place.value):
        return {"name": re.sub("[^A-Za-z0-9_.-]", "_", place.value)}
    value = context.get("try", context.get("ge", context.get("le")))
    return {place.name: value} if value is not None or "try" in context else None


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
