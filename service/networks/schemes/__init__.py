"""Schemes: how a parameter is initialised. Families by file, their names in names.py, and what a spec may write.

To add a family, write its class and name it in FAMILIES and in the union below it. A test holds the two together.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Tag, WithJsonSchema
from typing_extensions import TypeAliasType

from service.networks.description import Description
from service.networks.schemes.biases import Chrono, PriorBias, StepBias, UnitForgetBias
from service.networks.schemes.linear import (
    DeltaOrthogonal,
    Dirac,
    IdentityScheme,
    OrthogonalScheme,
    Reservoir,
    Sparse,
    Zero,
)
from service.networks.schemes.names import ALIASES, PRESETS, family_of, scaled, spelt_out
from service.networks.schemes.plain import BoundedNormal, ConstantScheme, RandomNormal, RandomUniform, TruncatedNormal
from service.networks.schemes.scaling import MupNormal, ResidualNormal, Siren, VarianceScaling
from service.networks.schemes.scheme import Scheme
from service.networks.schemes.tables import (
    Bilinear,
    GivenArray,
    Hippo,
    Icnr,
    RotaryTable,
    S4dReal,
    SinusoidalTable,
    Stft,
)


class Auto(Description):
    """Leaves the choice to the layer: by its activation."""

    name: Literal["auto"] = "auto"


FAMILIES: dict[str, type[Scheme]] = {
    family.family: family
    for family in (
        ConstantScheme,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        BoundedNormal,
        VarianceScaling,
        OrthogonalScheme,
        IdentityScheme,
        Dirac,
        DeltaOrthogonal,
        Sparse,
        Reservoir,
        Zero,
        Siren,
        ResidualNormal,
        MupNormal,
        Stft,
        Bilinear,
        Icnr,
        RotaryTable,
        SinusoidalTable,
        Hippo,
        S4dReal,
        UnitForgetBias,
        Chrono,
        StepBias,
        PriorBias,
        GivenArray,
    )
}


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
        objects.append({**schema, "title": family})
    text = {"type": "string", "enum": ["auto", *PRESETS], "title": "name", "description": "Aliases are accepted too."}
    return {"anyOf": [text, *objects], "title": "Scheme"}


# A scheme in a spec, as it comes out of validation; the JSON Schema says how a request may write it.
AnyScheme = TypeAliasType(
    "AnyScheme",
    Annotated[
        Annotated[Auto, Tag("auto")]
        | Annotated[ConstantScheme, Tag("constant")]
        | Annotated[RandomNormal, Tag("random_normal")]
        | Annotated[RandomUniform, Tag("random_uniform")]
        | Annotated[TruncatedNormal, Tag("truncated_normal")]
        | Annotated[BoundedNormal, Tag("bounded_normal")]
        | Annotated[VarianceScaling, Tag("variance_scaling")]
        | Annotated[OrthogonalScheme, Tag("orthogonal")]
        | Annotated[IdentityScheme, Tag("identity")]
        | Annotated[Dirac, Tag("dirac")]
        | Annotated[DeltaOrthogonal, Tag("delta_orthogonal")]
        | Annotated[Sparse, Tag("sparse")]
        | Annotated[Reservoir, Tag("reservoir")]
        | Annotated[Zero, Tag("zer_o")]
        | Annotated[Siren, Tag("siren")]
        | Annotated[ResidualNormal, Tag("residual_normal")]
        | Annotated[MupNormal, Tag("mup_normal")]
        | Annotated[Stft, Tag("stft")]
        | Annotated[Bilinear, Tag("bilinear")]
        | Annotated[Icnr, Tag("icnr")]
        | Annotated[RotaryTable, Tag("rope")]
        | Annotated[SinusoidalTable, Tag("sinusoidal")]
        | Annotated[Hippo, Tag("hippo")]
        | Annotated[S4dReal, Tag("s4d_real")]
        | Annotated[UnitForgetBias, Tag("unit_forget_bias")]
        | Annotated[Chrono, Tag("chrono")]
        | Annotated[StepBias, Tag("step_bias")]
        | Annotated[PriorBias, Tag("prior_bias")]
        | Annotated[GivenArray, Tag("array")],
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
