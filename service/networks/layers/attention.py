"""Attention over several heads: projections of queries, keys and values, and one back."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Size
from service.networks.fans import Fans
from service.networks.layers.layer import BiasedLayerSpec
from service.networks.layouts import (
    Arrangement,
    Join,
    Move,
    Placement,
    Placements,
    Reshape,
    Take,
    flat_columns,
    flat_rows,
)
from service.networks.parameters import ZEROS, Parameter
from service.networks.schemes import PRESETS, AnyScheme, Scheme
from service.networks.site import Axes
from service.stream.views import Shape

GLOROT = PRESETS["glorot_uniform"]
XAVIER_NORMAL = PRESETS["torch:xavier_normal"]
BIAS_KV: dict[str, Scheme] = {
    "recommended": XAVIER_NORMAL, "keras": XAVIER_NORMAL, "pytorch": XAVIER_NORMAL, "flax": XAVIER_NORMAL
}  # fmt: skip


def flat(shape: Shape) -> Shape:
    return (shape[0] * shape[1],)


class Attention(BiasedLayerSpec):
    """Projections to heads are matrices (dim, heads head_dim), however a framework shapes them."""

    shape: list[Size]
    output_scheme: AnyScheme | None = Field(None, description="How the projection back starts, as `scheme`.")
    causal: bool = Field(False, description="Whether a place sees those before it alone, and itself.")
    structure = frozenset({"inputs", "causal"})

    @property
    def key_heads(self) -> int:
        return self.shape[1]

    @property
    def one_matrix(self) -> bool:
        """Whether PyTorch keeps the three projections in one matrix."""
        return False

    def projections(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield each projection's name in Keras and Flax, in PyTorch, its inputs and its heads."""
        width = self.shape[0]
        yield "query", "q_proj", width, self.shape[1]
        yield "key", "k_proj", width, self.key_heads
        yield "value", "v_proj", width, self.key_heads

    def parameters(self) -> tuple[Parameter, ...]:
        width, heads, size = self.shape
        found: list[Parameter] = []
        for name, _, inputs, count in self.projections():
            fans = Fans(inputs, count * size)
            # torch draws one (3 dim, dim) matrix, whose fan_out is that of all three.
            torch = {"pytorch": Fans(width, 3 * width)} if self.one_matrix else {}
            found.append(Parameter(
                f"{name}/kernel", (inputs, count, size), fans, "weights", "scheme", torch, {"pytorch": GLOROT},
                axes=Axes.matrix((inputs, count, size), 1), heads=True,
            ))  # fmt: skip
            if self.has_bias:
                found.append(
                    Parameter(
                        f"{name}/bias", (count, size), fans, "bias", "bias", torch, {"pytorch": ZEROS}, heads=True
                    )
                )
        fans = Fans(heads * size, width)
        found.append(
            Parameter(
                "attention_output/kernel",
                (heads, size, width),
                fans,
                "weights",
                "output_scheme",
                axes=Axes.matrix((heads, size, width), 2),
                heads=True,
            )
        )
        if self.has_bias:
            found.append(
                Parameter("attention_output/bias", (width,), fans, "bias", "bias", defaults={"pytorch": ZEROS})
            )
        return tuple(found)

    def placements(self) -> Placements:
        names = [parameter.name for parameter in self.parameters()]
        return {
            "keras": tuple(Placement(name, Take(name)) for name in names),
            "pytorch": tuple(self._in_torch()),
            "flax": tuple(Placement(name.replace("attention_output", "out"), Take(name)) for name in names),
        }

    def _in_torch(self) -> Iterator[Placement]:
        weights: list[Arrangement] = []
        biases: list[Arrangement] = []
        for name, _, _, _ in self.projections():
            weights.append(Move(Reshape(Take(f"{name}/kernel"), flat_columns), (1, 0)))
            biases.append(Reshape(Take(f"{name}/bias"), flat))
        if self.one_matrix:
            yield Placement("in_proj_weight", Join(tuple(weights), 0))
            if self.has_bias:
                yield Placement("in_proj_bias", Join(tuple(biases), 0))
        else:
            for (_, name, _, _), weight, bias in zip(self.projections(), weights, biases, strict=True):
                yield Placement(f"{name}.weight", weight)
                if self.has_bias:
                    yield Placement(f"{name}.bias", bias)
        yield Placement("out_proj.weight", Move(Reshape(Take("attention_output/kernel"), flat_rows), (1, 0)))
        if self.has_bias:
            yield Placement("out_proj.bias", Take("attention_output/bias"))


class MultiHeadAttention(Attention):
    """Keras `MultiHeadAttention`, PyTorch `MultiheadAttention`, Flax `MultiHeadDotProductAttention`."""

    type: Literal["multi_head_attention"]
    shape: Annotated[
        list[Size], Field(min_length=3, max_length=3, description="[dim, heads, head_dim]", examples=[[64, 4, 16]])
    ]
    fused: bool | None = Field(
        None, description="Whether PyTorch keeps q, k, v in one in_proj_weight. Left out: where heads × head_dim = dim."
    )

    key_width: Size | None = Field(None, description="Width of what keys are made of, as PyTorch's kdim; else dim.")
    value_width: Size | None = Field(None, description="Width of what values are made of, as PyTorch's vdim; else dim.")
    bias_kv: bool = Field(False, description="A learned key and value beside the sequence's: PyTorch's add_bias_kv.")

    @model_validator(mode="after")
    def _fused_is_square(self) -> Self:
        width, heads, size = self.shape
        if self.fused and self.several_widths:
            raise PydanticCustomError("fused", "fused needs keys and values as wide as queries")
        if self.several_widths and heads * size != width:
            raise PydanticCustomError("widths", "other widths for keys and values need heads × head_dim = dim")
        if self.fused and heads * size != width:
            raise PydanticCustomError(
                "fused",
                "fused needs heads × head_dim = dim, not {inner} and {width}",
                {"inner": heads * size, "width": width},
            )
        return self

    @property
    def several_widths(self) -> bool:
        """Whether PyTorch keeps the projections in three matrices, with one bias for all (its kdim and vdim)."""
        return {self.key_width, self.value_width} - {None, self.shape[0]} != set()

    @property
    def _usually_fused(self) -> bool:
        width, heads, size = self.shape
        return heads * size == width and not self.several_widths

    @property
    def one_matrix(self) -> bool:
        return self._usually_fused if self.fused is None else self.fused

    @property
    def implied(self) -> Mapping[str, object]:
        width = self.shape[0]
        return {"fused": self._usually_fused, "key_width": width, "value_width": width}

    def projections(self) -> Iterator[tuple[str, str, int, int]]:
        widths = (self.shape[0], self.key_width or self.shape[0], self.value_width or self.shape[0])
        for (name, torch, _, heads), width in zip(super().projections(), widths, strict=True):
            yield name, torch, width, heads

    def parameters(self) -> tuple[Parameter, ...]:
        found = super().parameters()
        if not self.bias_kv:
            return found
        width = self.shape[0]
        return (*found, *(
            Parameter(name, (1, 1, width), Fans(1, 1), "weights", None, {"pytorch": Fans(width, width)}, BIAS_KV)
            for name in ("bias_k", "bias_v")
        ))  # fmt: skip

    def _in_torch(self) -> Iterator[Placement]:
        placed = {placement.name: placement for placement in super()._in_torch()}
        if self.several_widths:
            matrices = [replace(placed.pop(f"{part}_proj.weight"), name=f"{part}_proj_weight") for part in "qkv"]
            biases = [placed.pop(f"{part}_proj.bias").of for part in "qkv"] if self.has_bias else []
            yield from matrices
            if biases:
                yield Placement("in_proj_bias", Join(tuple(biases), 0))
        yield from (placed.pop(name) for name in ("in_proj_weight", "in_proj_bias") if name in placed)
        if self.bias_kv:
            yield from (Placement(name, Take(name)) for name in ("bias_k", "bias_v"))
        yield from (placement for name, placement in placed.items() if name not in ("bias_k", "bias_v"))


class GroupedQueryAttention(Attention):
    """Fewer heads for keys and values than for queries: Keras `GroupQueryAttention` (Ainslie et al. 2023)."""

    type: Literal["grouped_query_attention"]
    shape: Annotated[
        list[Size], Field(min_length=3, max_length=3, description="[dim, heads, head_dim]", examples=[[64, 8, 8]])
    ]
    kv_heads: Size = Field(description="Heads for keys and values; divides heads.")

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.shape[1] % self.kv_heads:
            raise PydanticCustomError(
                "kv_heads",
                "kv_heads must divide heads, {heads}, not be {kv}",
                {"heads": self.shape[1], "kv": self.kv_heads},
            )
        return self

    @property
    def key_heads(self) -> int:
        return self.kv_heads
