"""Layers without weights: they join, cut, pool and reshape what others give; /init passes them over.

To add one, write its class, name it in `AnyStructure`, and say in networks/graph/shapes.py what it gives.
"""

from typing import Annotated, Literal, Self, TypeAlias, get_args

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Number, Positive, Size
from service.networks.layers.layer import ActivationName, LayerName, PlacedSpec
from service.networks.layers.window import Steps

Ends: TypeAlias = Annotated[list[Annotated[int, Field(ge=-(2**31), le=2**31)]], Field(min_length=2, max_length=2)]
Axis: TypeAlias = Annotated[int, Field(ge=-8, le=8)]
AXIS: int = Field(-1, description="Which axis: from 1 on those after the batch, -1 the last.")


def no_batch(axis: int) -> None:
    if axis == 0:
        raise PydanticCustomError("axis", "axis 0 is the batch: axes go from 1, or from -1 backwards")


class Weightless(PlacedSpec):
    """A layer without weights."""


class Add(Weightless):
    """The sum of two or more: where a branch meets its shortcut. Sizes of 1 are repeated, as in NumPy."""

    type: Literal["add"]


class Multiply(Weightless):
    """The product of two or more, element by element: a gate. Sizes of 1 are repeated, as in NumPy."""

    type: Literal["multiply"]


class Concatenate(Weightless):
    """Two or more side by side along an axis."""

    type: Literal["concatenate"]
    axis: Axis = AXIS

    @model_validator(mode="after")
    def _axis_is_not_the_batch(self) -> Self:
        no_batch(self.axis)
        return self


class ActivationLayer(Weightless):
    """A function of every element, or the softmax over the last axis."""

    type: Literal["activation"]
    activation: ActivationName
    approximate: bool = Field(False, description="Whether gelu is taken by its tanh formula, as GPT-2 does.")


class Flatten(Weightless):
    """All axes but the batch in one."""

    type: Literal["flatten"]
    channels_first: bool = Field(False, description="Whether channels come before places, as PyTorch flattens.")


class ReshapeLayer(Weightless):
    """Other axes for the same numbers."""

    type: Literal["reshape"]
    shape: Annotated[
        list[Annotated[int, Field(ge=-1, le=2**53 - 1)]],
        Field(min_length=1, max_length=8, description="Without the batch; one may be -1.", examples=[[14, -1]]),
    ]

    @model_validator(mode="after")
    def _at_most_one_is_open(self) -> Self:
        if self.shape.count(-1) > 1 or 0 in self.shape:
            raise PydanticCustomError("reshape", "sizes go from 1, and at most one is -1")
        return self


class Transpose(Weightless):
    """Axes in another order."""

    type: Literal["transpose"]
    axes: Annotated[
        list[Size], Field(min_length=1, max_length=8, description="Of the axes after the batch.", examples=[[2, 1]])
    ]

    @model_validator(mode="after")
    def _axes_are_a_permutation(self) -> Self:
        if sorted(self.axes) != [*range(1, len(self.axes) + 1)]:
            raise PydanticCustomError("axes", "axes are the numbers from 1 to {count}", {"count": len(self.axes)})
        return self


class Pool(Weightless):
    """A window that slides over places, of each feature by itself."""

    window: Steps = Field(description="Sizes, one for all axes or one for each.", examples=[2])
    strides: Steps | None = Field(None, description="Steps of the window; left out, it does not overlap.")
    padding: Literal["same", "valid"] | int | Annotated[list[int], Field(max_length=3)] = Field(
        "valid", description="same, valid, or how many places more at both ends of every axis, or of each."
    )

    @model_validator(mode="after")
    def _borders_are_counts(self) -> Self:
        numbers = self.padding if isinstance(self.padding, list) else [self.padding]
        if any(isinstance(one, int) and not 0 <= one <= 2**31 for one in numbers):
            raise PydanticCustomError("padding", "padding counts places: 0 or more")
        return self


class MaxPool(Pool):
    """The greatest of each window; what lies beyond the border does not count."""

    type: Literal["max_pool"]


class AveragePool(Pool):
    """The mean of each window: with numbers as `padding`, zeros beyond the border count, as in PyTorch."""

    type: Literal["average_pool"]


class GlobalAveragePool(Weightless):
    """The mean over all places: one number for each feature."""

    type: Literal["global_average_pool"]


class Upsample(Weightless):
    """More places between those there are."""

    type: Literal["upsample"]
    factor: Steps = Field(description="How many times as many, for all axes or for each.", examples=[2])
    method: Literal["nearest", "linear"] = Field("nearest", description="The nearest place, or between two.")


class Pad(Weightless):
    """Zeros around: for each axis after the batch, features too, how many before and after; below 0, so many less."""

    type: Literal["pad"]
    padding: Annotated[list[Ends], Field(min_length=1, max_length=8, examples=[[[1, 1], [1, 1], [0, 0]]])]


class Split(Weightless):
    """Parts along an axis, which others take as NAME:0, NAME:1 and so on."""

    type: Literal["split"]
    sizes: Annotated[
        list[Annotated[int, Field(ge=-1, le=2**53 - 1)]],
        Field(min_length=1, max_length=256, description="Of the parts; one may be -1: the rest.", examples=[[4, 4]]),
    ]
    axis: Axis = AXIS

    @model_validator(mode="after")
    def _axis_is_not_the_batch(self) -> Self:
        no_batch(self.axis)
        if self.sizes.count(-1) > 1 or 0 in self.sizes:
            raise PydanticCustomError("split", "sizes go from 1, and at most one is -1")
        return self

    def parts(self, size: int) -> list[int]:
        """Return the sizes of the parts of an axis so long; one of them is below 1 where they do not fit."""
        rest = size - sum(one for one in self.sizes if one != -1)
        return [rest if one == -1 else one for one in self.sizes]


class Scale(Weightless):
    """Every number times another."""

    type: Literal["scale"]
    by: Number = Field(description="The factor.", examples=[0.5])


class TiedLayer(Weightless):
    """An earlier layer once more, with the same weights; transposed: an embedding's way back to words."""

    type: Literal["tied"]
    to: LayerName = Field(description="The name of an earlier layer with weights.", examples=["embedding"])
    transposed: bool = Field(False, description="Whether inputs are multiplied by the transpose of its matrix.")


class DotProductAttention(Weightless):
    """Queries, keys, values, and what is added to the logits, if anything: what an attention layer does without them.

    Features are those of all heads, one head after the other; a bias is (batch or 1, queries, keys, heads).
    """

    type: Literal["dot_product_attention"]
    heads: Size = Field(description="Heads of the queries.", examples=[4])
    key_heads: Size | None = Field(None, description="Heads of keys and values; divides heads. Left out: as many.")
    causal: bool = Field(False, description="Whether a place sees those before it alone, and itself.")
    scale: Positive | None = Field(None, description="Factor on the logits; left out, 1 / √ of a head's features.")
    softcap: Positive | None = Field(None, description="What logits stay below, by a tanh: Gemma 2's; none left out.")

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.key_heads is not None and self.heads % self.key_heads:
            raise PydanticCustomError("heads", "key_heads must divide heads, {heads}", {"heads": self.heads})
        return self


class RelativePositions(Weightless):
    """T5's number for how far a key lies from a query, which an embedding takes (Raffel et al. 2020)."""

    type: Literal["relative_positions"]
    buckets: Size = Field(32, description="How many numbers there are.")
    max_distance: Size = Field(128, description="From which on all distances are one.")
    bidirectional: bool = Field(True, description="Whether keys after the query have numbers of their own.")

    @model_validator(mode="after")
    def _near_and_far_have_numbers(self) -> Self:
        near = self.buckets // (4 if self.bidirectional else 2)  # each of so many distances has a number of its own
        if near < 1 or self.max_distance <= near:
            raise PydanticCustomError(
                "buckets",
                "there are {least} buckets or more, and max_distance is more than {near}",
                {"least": 4 if self.bidirectional else 2, "near": near},
            )
        return self


class Rotary(Weightless):
    """Features turned by angles that grow with the place: each head's first half with its second (Su et al. 2021)."""

    type: Literal["rotary"]
    heads: Size = Field(description="Heads, of which each is turned alike.", examples=[4])
    base: Positive = Field(10_000.0, description="Of the wavelengths, which go from 2π to 2π times this.")
    width: Size | None = Field(
        None, description="How many of a head's features are turned, the first ones; even. Left out: all."
    )


AnyStructure: TypeAlias = (
    Add
    | Multiply
    | Concatenate
    | ActivationLayer
    | Flatten
    | ReshapeLayer
    | Transpose
    | MaxPool
    | AveragePool
    | GlobalAveragePool
    | Upsample
    | Pad
    | Split
    | Scale
    | TiedLayer
    | DotProductAttention
    | RelativePositions
    | Rotary
)
STRUCTURE: dict[str, type[Weightless]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(AnyStructure)
}
