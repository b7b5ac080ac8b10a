"""Schemes: how a parameter is initialised. Families (classes), PRESETS (named values of them), ALIASES.

A family turns a shape and fans into a distribution. To add a named scheme, add a row to PRESETS; to add a family,
write its class and name it in FAMILIES below. Other frameworks' spellings are rows of ALIASES.
"""

import difflib
import math
from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from service.weights.description import Description, NotNegative, Number, Positive, Shape
from service.weights.distributions import FARTHEST, Constant, Distribution, Normal, Uniform
from service.weights.errors import InvalidSpec
from service.weights.fans import MODES, Fans
from service.weights.gaussian import slice_between
from service.weights.matrices import Diagonal, Orthogonal


class Scheme(Description):
    """A family with its parameters; `name` is the preset's, or the family's own."""

    family: ClassVar[str]
    name: str

    def realise(self, shape: Shape, fans: Fans) -> Distribution:
        """Return what a parameter of this shape (canonical) and these fans is distributed as."""
        raise NotImplementedError


class ConstantScheme(Scheme):
    """The same value everywhere."""

    family = "constant"
    value: Number = Field(0.0, description="The value of every element.")

    def realise(self, shape: Shape, fans: Fans) -> Distribution:
        return Constant(self.value)


class RandomNormal(Scheme):
    """Normal with a given mean and standard deviation."""

    family = "random_normal"
    mean: Number = Field(0.0, description="Mean.")
    stddev: NotNegative = Field(0.05, description="Standard deviation.")

    def realise(self, shape: Shape, fans: Fans) -> Distribution:
        return Normal(self.mean, self.stddev) if self.stddev else Constant(self.mean)


class RandomUniform(Scheme):
    """Uniform between two bounds."""

    family = "random_uniform"
    minval: Number = Field(-0.05, description="Least value.")
    maxval: Number = Field(0.05, description="Greatest value; more than minval.")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.minval >= self.maxval:
            raise PydanticCustomError(
                "bounds",
                "minval must be less than maxval, not {low} and {high}",
                {"low": self.minval, "high": self.maxval},
            )
        return self

    def realise(self, shape: Shape, fans: Fans) -> Distribution:
        return Uniform(self.minval, self.maxval)


class TruncatedNormal(Scheme):
    """Normal, cut at bounds that are counted in standard deviations; what is left is less spread than `stddev` says.

    With Keras's bounds of ±2 the values' own standard deviation is 0.8796 stddev, as in Keras and JAX.
    """

    family = "truncated_normal"
    mean: Number = Field(0.0, description="Mean, before the cut.")
    stddev: NotNegative = Field(0.05, description="Standard deviation, before the cut.")
    lower: Number = Field(-2.0, description="Lower bound, in standard deviations from the mean.")
    upper: Number = Field(2.0, description="Upper bound, in standard deviations from the mean; more than lower.")

    @model_validator(mode="after")
    def _bounds_hold_something(self) -> Self:
        if self.lower >= self.upper:
            raise PydanticCustomError(
                "bounds", "lower must be less than upper, not {low} and {high}", {"low": self.lower, "high": self.upper}
            )
        if self.lower > FARTHEST or self.upper < -FARTHEST:
            raise PydanticCustomError(
                "bounds", "one of the bounds must be within {far} standard deviations of the mean", {"far": FARTHEST}
            )
        return self

    def realise(self, shape: Shape, fans: Fans) -> Distribution:
        return Normal(self.mean, self.stddev, self.lower, self.upper) if self.stddev else Constant(self.mean)


class VarianceScaling(Scheme):
    """Zero mean and variance scale / fan (Glorot and Bengio 2010; He et al. 2015), for three distributions.

    `truncated_normal` is cut at ±2 standard deviations and widened by 1/0.8796, so that the variance is met exactly.
    """

    family = "variance_scaling"
    scale: Positive = Field(1.0, description="Variance times fan.")
    mode: Literal["fan_in", "fan_out", "fan_avg"] = Field("fan_in", description="Which fan the variance is divided by.")
    distribution: Annotated[
        Literal["truncated_normal", "untruncated_normal", "uniform"],
        BeforeValidator(lambda value: "truncated_normal" if value == "normal" else value),
    ] = Field(
        "truncated_normal", description="Shape of the distribution; `normal` means truncated_normal, as in Keras."
    )

    def realise(self, shape: Shape, fans: Fans) -> Distribution:
        variance = self.scale / max(1.0, MODES[self.mode](fans))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return Uniform(-limit, limit)
        if self.distribution == "untruncated_normal":
            return Normal(0.0, math.sqrt(variance))
        return Normal(0.0, math.sqrt(variance) / slice_between(-2.0, 2.0).deviation, -2.0, 2.0)


class OrthogonalScheme(Scheme):
    """A matrix with orthonormal columns or rows, uniform among all such (Saxe et al. 2014).

    Rows are all axes but the last, columns the last, as in Keras and JAX.
    """

    family = "orthogonal"
    gain: Number = Field(1.0, description="Factor on the matrix.")

    def realise(self, shape: Shape, fans: Fans) -> Distribution:
        if len(shape) < 2:
            raise InvalidSpec(f"orthogonal needs two axes or more, not the shape {list(shape)}; use random_normal")
        return Orthogonal(prod(shape[:-1]), shape[-1], self.gain)


class IdentityScheme(Scheme):
    """The identity matrix: the layer begins by passing its input through (Le et al. 2015)."""

    family = "identity"
    gain: Number = Field(1.0, description="Factor on the matrix.")

    def realise(self, shape: Shape, fans: Fans) -> Distribution:
        if len(shape) != 2:
            raise InvalidSpec(f"identity needs exactly two axes, not the shape {list(shape)}; use orthogonal")
        return Diagonal(shape[0], shape[1], self.gain)


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
        VarianceScaling,
        OrthogonalScheme,
        IdentityScheme,
    )
}


def scaled(name: str, scale: float, mode: Literal["fan_in", "fan_out", "fan_avg"], kind: str) -> VarianceScaling:
    return VarianceScaling.model_validate({"name": name, "scale": scale, "mode": mode, "distribution": kind})


# Every scheme that a spec can name: a family's own name stands for its defaults.
PRESETS: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        ConstantScheme(name="zeros", value=0.0),
        ConstantScheme(name="ones", value=1.0),
        ConstantScheme(name="constant"),
        RandomNormal(name="random_normal"),
        RandomNormal(name="small_normal", mean=0.0, stddev=0.001),
        RandomUniform(name="random_uniform"),
        RandomUniform(name="small_uniform", minval=-0.001, maxval=0.001),
        TruncatedNormal(name="truncated_normal"),
        VarianceScaling(name="variance_scaling"),
        scaled("glorot_normal", 1.0, "fan_avg", "truncated_normal"),
        scaled("glorot_uniform", 1.0, "fan_avg", "uniform"),
        scaled("he_normal", 2.0, "fan_in", "truncated_normal"),
        scaled("he_uniform", 2.0, "fan_in", "uniform"),
        scaled("lecun_normal", 1.0, "fan_in", "truncated_normal"),
        scaled("lecun_uniform", 1.0, "fan_in", "uniform"),
        OrthogonalScheme(name="orthogonal"),
        IdentityScheme(name="identity"),
    )
}

# Other spellings: Keras 2 and 3 (classes and identifiers), torch.nn.init, jax.nn.initializers, TensorFlow.js.
ALIASES: dict[str, str] = {
    "zero": "zeros",
    "Zeros": "zeros",
    "zeros_": "zeros",
    "one": "ones",
    "Ones": "ones",
    "ones_": "ones",
    "Constant": "constant",
    "constant_": "constant",
    "normal": "random_normal",
    "RandomNormal": "random_normal",
    "randomNormal": "random_normal",
    "uniform": "random_uniform",
    "RandomUniform": "random_uniform",
    "randomUniform": "random_uniform",
    "TruncatedNormal": "truncated_normal",
    "truncatedNormal": "truncated_normal",
    "VarianceScaling": "variance_scaling",
    "varianceScaling": "variance_scaling",
    "GlorotNormal": "glorot_normal",
    "glorotNormal": "glorot_normal",
    "xavier_normal": "glorot_normal",
    "XavierNormal": "glorot_normal",
    "xavier_normal_": "glorot_normal",
    "GlorotUniform": "glorot_uniform",
    "glorotUniform": "glorot_uniform",
    "xavier_uniform": "glorot_uniform",
    "XavierUniform": "glorot_uniform",
    "xavier_uniform_": "glorot_uniform",
    "HeNormal": "he_normal",
    "heNormal": "he_normal",
    "kaiming_normal": "he_normal",
    "KaimingNormal": "he_normal",
    "kaiming_normal_": "he_normal",
    "HeUniform": "he_uniform",
    "heUniform": "he_uniform",
    "kaiming_uniform": "he_uniform",
    "KaimingUniform": "he_uniform",
    "kaiming_uniform_": "he_uniform",
    "LecunNormal": "lecun_normal",
    "leCunNormal": "lecun_normal",
    "LecunUniform": "lecun_uniform",
    "leCunUniform": "lecun_uniform",
    "Orthogonal": "orthogonal",
    "OrthogonalInitializer": "orthogonal",
    "orthogonal_": "orthogonal",
    "Identity": "identity",
    "IdentityInitializer": "identity",
    "eye": "identity",
    "eye_": "identity",
}


def canonical_name(name: str) -> str:
    """Return the name that `name`, or what it is an alias of, has in PRESETS."""
    found = ALIASES.get(name, name)
    if found not in PRESETS:
        near = difflib.get_close_matches(name[:64], [*PRESETS, *ALIASES], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose auto or one of {', '.join(PRESETS)}"
        raise PydanticCustomError("scheme_name", "no scheme has this name; {hint}", {"hint": hint})
    return found


def spelt_out(value: object) -> object:
    """Turn a name, or an object with a name and some parameters, into an object with every parameter."""
    if isinstance(value, str):
        value = {"name": value}
    if value == {"name": "auto"}:
        return value
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        name = canonical_name(value["name"])
        return {**PRESETS[name].model_dump(), **value, "name": name}
    return value


def family_of(value: object) -> str | None:
    name = value.get("name") if isinstance(value, Mapping) else getattr(value, "name", None)
    if name == "auto":
        return "auto"
    return PRESETS[name].family if isinstance(name, str) and name in PRESETS else None


def scheme_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scheme as a request may write it: a name, or a family's parameters."""
    objects = []
    for family, kind in FAMILIES.items():
        schema = kind.model_json_schema()
        names = [name for name, preset in PRESETS.items() if preset.family == family]
        schema["properties"]["name"] = {"enum": names, "description": "Preset whose parameters these replace."}
        schema["required"] = ["name"]
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
        | Annotated[VarianceScaling, Tag("variance_scaling")]
        | Annotated[OrthogonalScheme, Tag("orthogonal")]
        | Annotated[IdentityScheme, Tag("identity")],
        Discriminator(
            family_of,
            custom_error_type="scheme_form",
            custom_error_message="a scheme is a name, or an object with a name and parameters",
        ),
        BeforeValidator(spelt_out),
        WithJsonSchema(scheme_schema()),
    ],
)
