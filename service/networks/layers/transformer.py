"""Transformers' blocks and stacks of them: attention, dense layers and normalisations, as one layer."""

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

SIZES = Field(min_length=3, max_length=3, description="[dim, heads, inner]", examples=[[64, 4, 256]])


class TransformerBlock(BiasedLayerSpec):
    """Layers within a layer, each under a name of its own."""

    shape: list[Size]
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
        raise NotImplementedError

    @property
    def _biases(self) -> dict[str, None]:
        return {} if self.has_bias else {"bias": None}

    def _attention(self) -> MultiHeadAttention:
        width, heads, _ = self.shape
        sizes = {"type": "multi_head_attention", "shape": [width, heads, width // heads]}
        return MultiHeadAttention.model_validate({**sizes, **self._biases})

    def _dense(self, inputs: int, outputs: int) -> Dense:
        return Dense.model_validate({"type": "dense", "shape": [inputs, outputs], **self._biases})

    def _norm(self) -> LayerNorm:
        return LayerNorm.model_validate({"type": "layer_norm", "shape": [self.shape[0]], **self._biases})

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


class TransformerEncoderLayer(TransformerBlock):
    """PyTorch `TransformerEncoderLayer`; in the other frameworks the same parts, under names of their own."""

    type: Literal["transformer_encoder_layer"]
    shape: Annotated[list[Size], SIZES]

    def parts(self) -> Iterator[tuple[str, str, LayerSpec]]:
        width, _, inner = self.shape
        yield "attention", "self_attn", self._attention()
        yield "dense_1", "linear1", self._dense(width, inner)
        yield "dense_2", "linear2", self._dense(inner, width)
        yield "norm_1", "norm1", self._norm()
        yield "norm_2", "norm2", self._norm()


class TransformerDecoderLayer(TransformerBlock):
    """PyTorch `TransformerDecoderLayer`: an encoder's block that attends to the encoder's outputs, too."""

    type: Literal["transformer_decoder_layer"]
    shape: Annotated[list[Size], SIZES]

    def parts(self) -> Iterator[tuple[str, str, LayerSpec]]:
        width, _, inner = self.shape
        yield "attention", "self_attn", self._attention()
        yield "cross_attention", "multihead_attn", self._attention()
        yield "dense_1", "linear1", self._dense(width, inner)
        yield "dense_2", "linear2", self._dense(inner, width)
        for number in (1, 2, 3):
            yield f"norm_{number}", f"norm{number}", self._norm()


class TransformerStack(TransformerBlock):
    """Blocks one upon the other. PyTorch deep-copies one, so that its own start alike; here each has its own start."""

    num_layers: Annotated[Size, Field(le=64)] = Field(1, description="Blocks one upon the other.")
    norm: bool = Field(False, description="A normalisation after the last block.")

    def block(self) -> TransformerBlock:
        """Return what is stacked."""
        raise NotImplementedError

    def parts(self) -> Iterator[tuple[str, str, LayerSpec]]:
        block = self.block()
        for number in range(self.num_layers):
            yield f"layer_{number}", f"layers.{number}", block
        if self.norm:
            yield "norm", "norm", self._norm()


class TransformerEncoder(TransformerStack):
    """PyTorch `TransformerEncoder`: transformer_encoder_layer, `num_layers` times."""

    type: Literal["transformer_encoder"]
    shape: Annotated[list[Size], SIZES]

    def block(self) -> TransformerBlock:
        sizes = {"type": "transformer_encoder_layer", "shape": self.shape}
        return TransformerEncoderLayer.model_validate({**sizes, **self._biases})


class TransformerDecoder(TransformerStack):
    """PyTorch `TransformerDecoder`: transformer_decoder_layer, `num_layers` times."""

    type: Literal["transformer_decoder"]
    shape: Annotated[list[Size], SIZES]

    def block(self) -> TransformerBlock:
        sizes = {"type": "transformer_decoder_layer", "shape": self.shape}
        return TransformerDecoderLayer.model_validate({**sizes, **self._biases})
