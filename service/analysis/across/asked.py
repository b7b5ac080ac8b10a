"""What is asked of a family of specs: its widths, or its depths."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Description, Size

By: TypeAlias = Literal["width", "depth"]
FEWEST, MOST, DEEPEST = 2, 8, 1024  # sizes, and blocks of one
Depth: TypeAlias = Annotated[Size, Field(le=DEEPEST)]


class Across(Description):
    """The same network in several sizes."""

    width: Annotated[list[Size], Field(min_length=FEWEST, max_length=MOST)] | None = Field(
        None,
        description="Of a recipe, its hidden size; of layers, the hidden size that most of them have: all others in "
        "proportion, and heads. What goes in and what comes out stay.",
        examples=[[64, 128, 256, 512]],
    )
    depth: Annotated[list[Depth], Field(min_length=FEWEST, max_length=MOST)] | None = Field(
        None, description="Of a recipe, its number of blocks; of layers, how often the part is there that repeats."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.width is None) == (self.depth is None):
            raise PydanticCustomError("across", "a family goes across widths or across depths: state one of both")
        if sorted(set(self.sizes)) != self.sizes:
            found = sorted(set(self.sizes))
            context = {"by": self.by, "try": {self.by: found}} if len(found) >= FEWEST else {"by": self.by}
            raise PydanticCustomError("across", "each {by} is larger than the one before", context)
        return self

    @property
    def by(self) -> By:
        return "depth" if self.width is None else "width"

    @property
    def sizes(self) -> list[int]:
        return self.width or self.depth or []
