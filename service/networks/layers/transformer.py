"""A transformer's block: attention, two dense layers and two normalisations, as one layer."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Size
from service.networks.layers.attention import MultiHeadAttention
from service.networks.layers.dense import Dense
from service.networks.layers.layer import ActivationName, BiasedLayerSpec, LayerSpec
from service.networks.layers.normalization import LayerNorm
from service.networks.layouts import LAYOUTS, SEPARATOR, Layout, Placement, Placements
from service.networks.parameters import Parameter
from service.networks.schemes import AnyScheme


class TransformerEncoderLayer(BiasedLayerSpec):
    """PyTorch `TransformerEncoderLayer`; in the other frameworks the same parts, under names of their own."""

    type: Literal["transformer_encoder_layer"]
    shape: Annotated[
        list[Size], Field(min_length=3, max_length=3, description="[dim, heads, inner]", examples=[[64, 4, 256]])
    ]
    activation: ActivationName = Field("relu", description="Between the two dense layers.")
    output_scheme: AnyScheme | None = Field(
        None, description="How attention's projection back starts, as `scheme`, which is of all other matrices."
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.shape[0] % self.shape[1]:
            raise PydanticCustomError("heads", "heads must divide dim, {dim}", {"dim": self.shape[0]})
        return self

    def parts(self) -> Iterator[tuple[str, str, LayerSpec]]:
        """Yield each part's name in Keras and Flax, in PyTorch, and its layer."""
        width, heads, inner = self.shape
        bias = {} if self.has_bias else {"bias": None}
        attention = {"type": "multi_head_attention", "shape": [width, heads, width // heads], **bias}
        norm = LayerNorm.model_validate({"type": "layer_norm", "shape": [width], **bias})
        yield "attention", "self_attn", MultiHeadAttention.model_validate(attention)
        yield "dense_1", "linear1", Dense.model_validate({"type": "dense", "shape": [width, inner], **bias})
        yield "dense_2", "linear2", Dense.model_validate({"type": "dense", "shape": [inner, width], **bias})
        yield "norm_1", "norm1", norm
        yield "norm_2", "norm2", norm

    def parameters(self) -> tuple[Parameter, ...]:
        # A normalisation's scale and shift are no matrices and no biases of the block: only a rule sets them.
        return tuple(
            replace(each, name=f"{name}/{each.name}", member=None if isinstance(part, LayerNorm) else each.member)
            for name, _, part in self.parts()
            for each in part.parameters()
        )

    def placements(self) -> Placements:
        found: dict[Layout, list[Placement]] = {layout: [] for layout in LAYOUTS}
        for name, torch, part in self.parts():
            for layout, placed in part.placements().items():
                prefix = (torch if layout == "pytorch" else name) + SEPARATOR[layout]
                found[layout] += [Placement(f"{prefix}{each.name}", each.of.renamed(f"{name}/")) for each in placed]
        return {layout: tuple(placed) for layout, placed in found.items()}
