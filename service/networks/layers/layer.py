"""What every layer spec has: a name, an activation, schemes, a seed of its own."""

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.networks.activations import ACTIVATIONS, ALIASES
from service.networks.description import Description, Positive
from service.networks.layers.listed import AsListed
from service.networks.layouts import BIAS, Placements, together
from service.networks.parameters import Parameter
from service.networks.schemes import AnyScheme
from service.networks.vocabulary import AnyDtype
from service.once import once
from service.stream.dtypes import DtypeName
from service.stream.views import Shape

LEAST_SEED, LARGEST_SEED = -(2**63), 2**64 - 1  # below 0 under some frameworks' streams alone
LARGEST_EXACT = 2**53 - 1


def no_seed(value: object, meant: object = None) -> PydanticCustomError:
    """Return the error for what is no seed, with one that it may have been meant to be; null draws a fresh one."""
    if isinstance(value, int) and not isinstance(value, bool) and LARGEST_EXACT < value <= LARGEST_SEED:
        detail = "as a number, a seed is at most 9007199254740991; write a larger one as a decimal string"
    else:
        detail = "a seed is an integer from 0 to 9007199254740991, or in decimals, as a string, to 18446744073709551615"
    return PydanticCustomError("seed", "{detail}", {"detail": detail, "try": meant})


def read_seed(value: object) -> object:
    """Turn a decimal string into an integer; a JSON number must be exact in every language."""
    if isinstance(value, str):
        if re.fullmatch(r"0|-?[1-9][0-9]{0,19}", value, re.ASCII) and LEAST_SEED <= int(value) <= LARGEST_SEED:
            return int(value)
        digits = re.fullmatch(r"\s*[+-]?0*([0-9]{1,19})\s*", value, re.ASCII)
        raise no_seed(value, digits[1] if digits else None)
    if isinstance(value, bool):
        raise no_seed(value, int(value))
    if isinstance(value, float):
        raise no_seed(value, int(abs(value)) if abs(value) <= LARGEST_EXACT else None)
    if isinstance(value, int) and not -LARGEST_EXACT <= value <= LARGEST_EXACT:
        raise no_seed(value, str(min(abs(value), LARGEST_SEED)))
    if not isinstance(value, int):
        raise no_seed(value)
    return value


Seed: TypeAlias = Annotated[
    int,
    BeforeValidator(read_seed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -LARGEST_EXACT, "maximum": LARGEST_EXACT},
                {"type": "string", "pattern": "^(0|-?[1-9][0-9]{0,19})$"},
            ],
            "title": "Seed",
            "description": "0 to 2^64 - 1: a JSON number up to 2^53 - 1, or a decimal string; "
            "from -2^63 under the streams of frameworks that take negative ones: torch, JAX, Flax.",
        }
    ),
]


def read_activation(value: object) -> object:
    if isinstance(value, str):
        value = ALIASES.get(value, value)
        if value not in ACTIVATIONS:
            near = difflib.get_close_matches(value[:64].lower(), [*ACTIVATIONS, *ALIASES], n=1)
            hint = f"did you mean {near[0]}?" if near else "GET /activations lists them"
            context = {"hint": hint, "try": near[0] if near else "linear"}
            raise PydanticCustomError("activation", "no activation has this name; {hint}", context)
    return value


ActivationName: TypeAlias = Annotated[
    str,
    BeforeValidator(read_activation),
    WithJsonSchema({"type": "string", "enum": list(ACTIVATIONS), "title": "Activation", "default": "linear"}),
]
LayerName: TypeAlias = Annotated[str, Field(pattern=r"^\.*[A-Za-z0-9_-][A-Za-z0-9_.-]*$", max_length=128)]


OWN = {"name", "seed"}  # in which alone layers differ that are alike
Reference: TypeAlias = Annotated[str, Field(min_length=1, max_length=160)]


@lru_cache(maxsize=64)
def apart(structure: frozenset[str]) -> set[str]:
    """Return the members in which layers may differ that are alike."""
    return {*OWN, *structure}


def without_default(schema: dict[str, Any]) -> None:
    """Drop a default of null from a schema whose field means one thing when null and another when left out."""
    del schema["default"]


class PlacedSpec(Description):
    """What stands in a network: it has a name, and takes what others give."""

    type: str
    name: LayerName | None = Field(
        None,
        description="Unique in the spec: letters, digits, _, -, . (128 at most). Left out: TYPE_INDEX, e.g. dense_0.",
    )
    inputs: Annotated[list[Reference], Field(max_length=64)] | None = Field(
        None,
        description="What it takes: names of earlier layers, `input`, or `NAME:k` for part k of a split; [] for "
        "nothing. Left out: the layer before. Like all structure it changes no weight.",
    )


class LayerSpec(PlacedSpec):
    """A layer to initialise: the sizes that define it, and how."""

    activation: ActivationName = Field(
        "linear", description="What follows the layer; the recommended scheme depends on it."
    )
    scheme: AnyScheme | None = Field(
        None, description="How the weights start: a name, an object with parameters, or auto (by activation)."
    )
    gain: Positive | None = Field(
        None, description="Of the recommended scheme, instead of the activation's: weights have variance gain² / fan."
    )
    seed: Seed | None = Field(None, description="This layer's own seed, instead of the spec's.")
    dtype: AnyDtype | None = Field(None, description="Of this layer's arrays, instead of the spec's.")
    structure: ClassVar[frozenset[str]] = frozenset({"inputs"})  # members that change no weight
    # What the listing says that the layer was told from; no private attribute, which makes every model slow.
    listed: ClassVar[AsListed | None] = None

    @property
    def implied(self) -> Mapping[str, object]:
        """What members that are left out come to by others; to state it says nothing."""
        return {}

    @property
    def likeness(self) -> str:
        """What tells its parameters and arrays: layers in which this is the same are alike."""
        return self.stated if self.listed is None else f"as listed {id(self.listed)}"

    @once
    def stated(self) -> str:
        """All that the layer states of its weights but its name and its seed."""
        return self.model_dump_json(exclude=apart(self.structure), exclude_unset=True)

    def dtype_of(self, parameter: str) -> DtypeName | None:
        """Return the dtype that is stated for a canonical parameter, None where it is the spec's."""
        stated = None if self.listed is None else self.listed.dtypes.get(parameter)
        return self.dtype if stated is None else stated

    def called(self, name: str) -> Self:
        """Return the same layer under another name, which is not checked; what is the same is shared."""
        other = type(self).__new__(type(self))
        object.__setattr__(other, "__dict__", {**self.__dict__, "name": name})
        object.__setattr__(other, "__pydantic_fields_set__", self.__pydantic_fields_set__ | {"name"})
        object.__setattr__(other, "__pydantic_extra__", None)
        object.__setattr__(other, "__pydantic_private__", self.__pydantic_private__)
        return other

    def as_listed(self, listed: AsListed) -> Self:
        """Return the same layer, told from a listing."""
        told = self.model_copy()
        vars(told)["listed"] = listed
        return told

    def parameters(self) -> tuple[Parameter, ...]:
        """Return the canonical parameters, in Keras's order."""
        raise NotImplementedError

    def placements(self) -> Placements:
        """Return each layout's arrays, in the order in which an answer lists them."""
        raise NotImplementedError

    def placed(self) -> Placements:
        """Return each layout's arrays as an answer names them: as the listing does, where the layer is from one."""
        return self.placements() if self.listed is None else self.listed.named(self.placements())


class BiasedLayerSpec(LayerSpec):
    """A layer whose outputs may have a bias each."""

    bias: AnyScheme | None = Field(
        None,
        description="How the bias starts, as `scheme`; null for a layer without one. Left out: the default's.",
        json_schema_extra=without_default,
    )

    @property
    def has_bias(self) -> bool:
        return self.bias is not None or "bias" not in self.model_fields_set

    def with_bias(self, weights: Parameter, shape: Shape) -> tuple[Parameter, ...]:
        """Return the weights, and the bias where the layer has one: counted by the fans of its weights, as in torch."""
        if not self.has_bias:
            return (weights,)
        fans = weights.framework_fans
        return weights, Parameter("bias", shape, weights.fans, "bias", "bias", framework_fans=fans)

    def placed_with_bias(self, weights: Placements) -> Placements:
        return together(weights, BIAS) if self.has_bias else weights
