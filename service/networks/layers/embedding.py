"""The embedding: a table whose rows are looked up."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Size
from service.networks.fans import Fans
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Placements, named
from service.networks.parameters import Parameter


class Embedding(LayerSpec):
    """A row of `dim` values a token: Keras and PyTorch `Embedding`, Flax `Embed`."""

    type: Literal["embedding"]
    shape: Annotated[list[Size], Field(min_length=2, max_length=2, description="[rows, dim]", examples=[[1000, 64]])]

    padding_index: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = Field(
        None, description="Row of the padding token, which starts at 0 and stays there."
    )

    offset: Annotated[int, Field(ge=0, le=2**53 - 1)] = Field(
        0, description="Rows before that of number 0: tables of positions may begin with some, as OPT's with two."
    )
    structure = frozenset({"inputs", "offset"})

    @model_validator(mode="after")
    def _offset_leaves_a_row(self) -> Self:
        if self.offset >= self.shape[0]:
            raise PydanticCustomError("offset", "offset must be less than rows, {rows}", {"rows": self.shape[0]})
        return self

    @model_validator(mode="after")
    def _padding_is_a_row(self) -> Self:
        if self.padding_index is not None and self.padding_index >= self.shape[0]:
            raise PydanticCustomError(
                "padding", "padding_index must be less than rows, {rows}", {"rows": self.shape[0]}
            )
        return self

    def parameters(self) -> tuple[Parameter, ...]:
        rows, width = self.shape
        return (
            Parameter(
                "embeddings", (rows, width), Fans(rows, width), "embedding", "scheme", zero_row=self.padding_index
            ),
        )

    def placements(self) -> Placements:
        return named("embeddings", "embeddings", "weight", "embedding")
