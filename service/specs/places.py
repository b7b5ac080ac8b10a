"""Places: where in the document as it was posted a finding of validation leads.

Validation speaks of the models: its locations have the tags of unions in between, a scheme's parameters by this
service's names although a framework's were written, and members that nobody wrote. A place is the nearest that was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from service.networks.layers import LAYERS
from service.networks.layers.layer import PlacedSpec
from service.networks.layers.structure import STRUCTURE
from service.networks.schemes import FAMILIES, AnyScheme, Auto
from service.networks.schemes.given import RESTS, AnyRest
from service.networks.schemes.names import spelt_out

MISSING = object()  # the value of a member that was not written


class AnyLayer:
    """Stands for the union of all layers, as AnyScheme does for that of schemes."""


def bare(annotation: Any) -> Any:
    """Return a type without what is said beside it, and without None."""
    if annotation in (AnyScheme, AnyRest):
        return annotation
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        layers = all(isinstance(kind, type) and issubclass(kind, PlacedSpec) for kind in kinds)
        return bare(kinds[0]) if len(kinds) == 1 else AnyLayer if layers else annotation
    return annotation


@dataclass(frozen=True, slots=True)
class Place:
    """A member of a document: `kind` is the type that the models have for it, None where there is no such member."""

    pointer: str
    name: str | int
    value: Any
    kind: Any
    field: FieldInfo | None = None
    holder: "Place | None" = None

    @property
    def fields(self) -> Mapping[str, FieldInfo]:
        """The members that an object may have here."""
        return self.kind.model_fields if isinstance(self.kind, type) and issubclass(self.kind, BaseModel) else {}

    @property
    def kinds(self) -> list[Any]:
        """The types between which a value chooses by its own, as a number or an array of them."""
        return list(get_args(self.kind)) if get_origin(self.kind) in (Union, UnionType) else []

    def tagged(self, tag: str) -> "Place":
        """Return the same place, as the member of its union that a tag chooses."""
        if self.kind is AnyLayer:
            kind: Any = LAYERS.get(tag) or STRUCTURE.get(tag)
        elif self.kind is AnyScheme:
            kind = FAMILIES.get(tag, Auto)
        elif self.kind is AnyRest:
            kind = RESTS.get(tag)
        else:
            is_list = tag.startswith("list")
            kind = next((kind for kind in map(bare, self.kinds) if (get_origin(kind) is list) == is_list), None)
        return Place(self.pointer, self.name, self.value, kind, self.field, self.holder)

    def member(self, part: str | int) -> "Place":
        pointer = f"{self.pointer}/{str(part).replace('~', '~0').replace('/', '~1')}"
        if isinstance(part, int):
            items = self.value if isinstance(self.value, list) else ()
            kind = next((bare(kind) for kind in get_args(self.kind)), None)
            return Place(pointer, part, items[part] if part < len(items) else MISSING, kind, self.field, self)
        value = self.value.get(part, MISSING) if isinstance(self.value, Mapping) else MISSING
        field = self.fields.get(part)
        return Place(pointer, part, value, None if field is None else bare(field.annotation), field, self)


def follow(model: type[BaseModel], document: Any, location: tuple[int | str, ...], required: bool = False) -> Place:
    """Return the place of a finding; with `required` its last part may be a member that an object lacks."""
    place = Place("", "", document, model)
    for step, part in enumerate(location):
        if place.kind in (AnyLayer, AnyScheme, AnyRest) or place.kinds:
            place = place.tagged(str(part))
            continue
        inner = place.member(part)
        if inner.value is MISSING and not (required and step == len(location) - 1 and isinstance(place.value, Mapping)):
            return written_as(place, str(part))
        place = inner
    return place


def written_as(place: Place, parameter: str) -> Place:
    """Return the member of a scheme that was written for a parameter in a framework's words; else the scheme itself.

    It is the one without which the parameter would be another.
    """
    written = place.value
    if not isinstance(written, Mapping):
        return place
    read = read_without(written, None).get(parameter)
    for name in written:
        other = read_without(written, name).get(parameter)
        if name != "name" and (other != read or type(other) is not type(read)):  # true is no 1.0 here
            return place.member(name)
    return place


def read_without(written: Mapping[str, Any], left_out: str | None) -> Mapping[str, Any]:
    """Return a scheme's parameters as they are read without one member; none where that cannot be read."""
    try:
        read = spelt_out({name: value for name, value in written.items() if name != left_out})
    except ValueError:
        return {}
    return read if isinstance(read, Mapping) else {}


def named_in(place: Place, text: str) -> Place:
    """Return the one written member that a message about an object names; the object where there is not just one."""
    if not isinstance(place.value, Mapping):
        return place
    words = dict.fromkeys(re.findall(r"\w+", text))
    written = [place.member(word) for word in words if word in place.value and word not in ("name", "type")]
    meant = [written_as(place, word) for word in words if word in place.fields and word not in place.value]
    named = {each.pointer: each for each in (*written, *meant) if each is not place}
    return next(iter(named.values())) if len(named) == 1 else place


def nearest_written(document: Any, pointer: str) -> str:
    """Return a pointer as far as it leads in a document: to the member that it names, or to what would hold that.

    What a recipe comes to stands nowhere else than in its name, and what a listing comes to in that.
    """
    place = Place("", "", document, None)
    for token in pointer.split("/")[1:]:
        part = token.replace("~1", "/").replace("~0", "~")
        inner = place.member(int(part) if isinstance(place.value, list) and part.isdecimal() else part)
        if inner.value is MISSING:
            break
        place = inner
    unwritten = not place.pointer and pointer.startswith(("/layers", "/rules")) and isinstance(document, Mapping)
    shorter = (f"/{form}" for form in ("recipe", "tensors") if unwritten and document.get(form) is not None)
    return next(shorter, place.pointer)
