"""The embedding: a table whose rows are looked up."""

from typing import Annotated, Literal

from pydantic import Field

from service.weights.description import Size
from service.weights.fans import Fans
from service.weights.layers.layer import LayerSpec
from service.weights.layouts import Placements, named
from service.weights.parameters import Parameter


class Embedding(LayerSpec):
    """A row of `dim` values a token: Keras and PyTorch `Embedding`, Flax `Embed`."""

    type: Literal["embedding"]
    shape: Annotated[list[Size], Field(min_length=2, max_length=2, description="[rows, dim]", examples=[[1000, 64]])]

    def parameters(self) -> tuple[Parameter, ...]:
        rows, width = self.shape
        return (Parameter("embeddings", (rows, width), Fans(rows, width), "embedding", "scheme"),)

    def placements(self) -> Placements:
        return named("embeddings", "embeddings", "weight", "embedding")
