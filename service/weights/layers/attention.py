"""Attention over several heads: projections of queries, keys and values, and one back."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.weights.description import Shape, Size
from service.weights.fans import Fans
from service.weights.layers.layer import BiasedLayerSpec
from service.weights.layouts import (
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
from service.weights.parameters import ZEROS, Parameter
from service.weights.schemes import PRESETS, AnyScheme

GLOROT = PRESETS["glorot_uniform"]


def flat(shape: Shape) -> Shape:
    return (shape[0] * shape[1],)


class Attention(BiasedLayerSpec):
    """Projections to heads are matrices (dim, heads head_dim), however a framework shapes them."""

    shape: list[Size]
    output_scheme: AnyScheme | None = Field(None, description="How the projection back starts, as `scheme`.")

    @property
    def key_heads(self) -> int:
        return self.shape[1]

    @property
    def one_matrix(self) -> bool:
        """Whether PyTorch keeps the three projections in one matrix."""
        return False

    def projections(self) -> Iterator[tuple[str, str, int]]:
        """Yield each projection's name in Keras and Flax, in PyTorch, and its heads."""
        yield "query", "q_proj", self.shape[1]
        yield "key", "k_proj", self.key_heads
        yield "value", "v_proj", self.key_heads

    def parameters(self) -> tuple[Parameter, ...]:
        width, heads, size = self.shape
        found: list[Parameter] = []
        for name, _, count in self.projections():
            fans = Fans(width, count * size)
            # torch draws one (3 dim, dim) matrix, whose fan_out is that of all three.
            torch = {"pytorch": Fans(width, 3 * width)} if self.one_matrix else {}
            found.append(Parameter(
                f"{name}/kernel", (width, count, size), fans, "weights", "scheme", torch, {"pytorch": GLOROT}, split=1
            ))  # fmt: skip
            if self.has_bias:
                found.append(Parameter(f"{name}/bias", (count, size), fans, "bias", "bias", torch, {"pytorch": ZEROS}))
        fans = Fans(heads * size, width)
        found.append(
            Parameter("attention_output/kernel", (heads, size, width), fans, "weights", "output_scheme", split=2)
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
        for name, _, _ in self.projections():
            weights.append(Move(Reshape(Take(f"{name}/kernel"), flat_columns), (1, 0)))
            biases.append(Reshape(Take(f"{name}/bias"), flat))
        if self.one_matrix:
            yield Placement("in_proj_weight", Join(tuple(weights), 0))
            if self.has_bias:
                yield Placement("in_proj_bias", Join(tuple(biases), 0))
        else:
            for (_, name, _), weight, bias in zip(self.projections(), weights, biases, strict=True):
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

    @model_validator(mode="after")
    def _fused_is_square(self) -> Self:
        width, heads, size = self.shape
        if self.fused and heads * size != width:
            raise PydanticCustomError(
                "fused",
                "fused needs heads × head_dim = dim, not {inner} and {width}",
                {"inner": heads * size, "width": width},
            )
        return self

    @property
    def one_matrix(self) -> bool:
        width, heads, size = self.shape
        return heads * size == width if self.fused is None else self.fused


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
