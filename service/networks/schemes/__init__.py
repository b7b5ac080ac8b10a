"""Schemes: how a parameter is initialised. Families by file, named values in presets.py, spellings in names.py.

To add a family, write its class in the file of its kind (its name, formula, parameters and `realise`) and give it a row
of PRESETS: FAMILIES and what a spec may write follow from the classes.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BeforeValidator, Discriminator, Tag, WithJsonSchema
from typing_extensions import TypeAliasType

from service.networks.description import Description
from service.networks.schemes.families import WHOLE
from service.networks.schemes.given import GivenArray
from service.networks.schemes.names import ALIASES, family_of, spelt_out
from service.networks.schemes.presets import PRESETS, scaled
from service.networks.schemes.scheme import Scheme


class Auto(Description):
    """Leaves the choice to the layer: by its activation."""

    name: Literal["auto"] = "auto"


FAMILIES: dict[str, type[Scheme]] = {**WHOLE, GivenArray.family: GivenArray}


def scheme_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scheme as a request may write it: a name, or a family's parameters."""
    objects = []
    for family, kind in FAMILIES.items():
        schema = kind.model_json_schema()
        names = [name for name, preset in PRESETS.items() if preset.family == family] or [family]
        schema["properties"]["name"] = {"enum": names, "description": "Preset whose parameters these replace."}
        schema["required"] = sorted({"name", *schema["required"]})
        for parameter, field in schema["properties"].items():
            field.pop("title", None)
            if parameter != "name":
                field.pop("default", None)  # the preset's value, not the family's
        objects.append({**schema, "title": kind.__name__})
    text = {"type": "string", "enum": ["auto", *PRESETS], "title": "name", "description": "Aliases are accepted too."}
    return {"anyOf": [text, *objects], "title": "Scheme"}


if TYPE_CHECKING:
    AnyFamily = Scheme | Auto
else:
    AnyFamily = Union[tuple(Annotated[kind, Tag(name)] for name, kind in {"auto": Auto, **FAMILIES}.items())]  # noqa: UP007

# A scheme in a spec, as it comes out of validation; the JSON Schema says how a request may write it.
AnyScheme = TypeAliasType(
    "AnyScheme",
    Annotated[
        AnyFamily,
        Discriminator(
            family_of,
            custom_error_type="scheme_form",
            custom_error_message="a scheme is a name, or an object with a name and parameters",
        ),
        BeforeValidator(spelt_out),
        WithJsonSchema(scheme_schema()),
    ],
)

__all__ = ["ALIASES", "FAMILIES", "PRESETS", "AnyScheme", "Auto", "Scheme", "scaled"]
