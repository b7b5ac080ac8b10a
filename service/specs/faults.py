"""Faults: what validation found, as pointers into the document as it was posted, with what would work."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from service.networks.layers import LAYERS
from service.networks.layers.names import ALIASES as LAYER_ALIASES
from service.networks.layers.names import own_type
from service.networks.layers.structure import STRUCTURE
from service.specs.places import MISSING, AnyLayer, Place, follow, named_in
from service.specs.wording import UNKNOWN_WORDS, WORDS, Context, meant, options, shortened

NEEDED = re.compile("(.+) is needed here, not (.+)")
KINDS = frozenset(get_args(ErrorType))  # pydantic's own, as against those that validators of this service raise


class Fault(NamedTuple):
    """`remedy` is a change to the object that holds the member that `pointer` leads to, None where none is known."""

    pointer: str
    detail: str
    remedy: dict[str, Any] | None


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


def would_do(place: Place, spelling: str) -> bool:
    """Whether a layer is one as it stands once its type is this one."""
    kind = own_type(spelling)
    layer = place.holder.value if place.holder is not None else {}
    try:
        (LAYERS.get(kind) or STRUCTURE[kind]).model_validate({**layer, "type": kind})
    except ValidationError:
        return False
    return True


def remedy_of(kind: str, context: Context, place: Place, near: str | None) -> dict[str, Any] | None:
    """Return the member with a value that would do, where the place is a member of an object."""
    if not isinstance(place.name, str) or not place.name or place.value is MISSING or kind == "extra_forbidden":
        return None
    if near is not None:
        return {place.name: near} if kind != "union_tag_invalid" or would_do(place, near) else None
    if kind == "literal_error":
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
