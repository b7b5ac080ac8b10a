"""Windows that slide over places: steps, borders, gaps. Structure alone: none of it changes a weight."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field
from pydantic_core import PydanticCustomError

from service.networks.description import Size

Border: TypeAlias = Annotated[int, Field(ge=0, le=2**31)]
Pair: TypeAlias = Annotated[list[Border], Field(min_length=2, max_length=2)]
Steps: TypeAlias = Size | Annotated[list[Size], Field(min_length=1, max_length=3)]
Borders: TypeAlias = (
    Border | Annotated[list[Border], Field(min_length=1, max_length=3)] | Annotated[list[Pair], Field(max_length=3)]
)
Padding: TypeAlias = Literal["circular", "same", "valid"] | Borders
STRIDES: Any = Field(1, description="Steps of the field, one for all axes or one for each.")
DILATION: Any = Field(1, description="Distance between the places that a field sees, for all axes or for each.")
PADDING: Any = Field(
    "circular",
    description="Beyond the border: circular (a ring: the size is kept, no border weighs in), same, valid, or zeros: "
    "how many at both ends, for each axis, or [before, after] for each.",
)


def check_axes(axes: int, **members: Any) -> None:
    """Refuse lists that do not have an entry for each axis."""
    for name, value in members.items():
        if isinstance(value, list) and len(value) != axes:
            raise PydanticCustomError(
                "axes",
                "{name} has one number for all axes, or one for each of {axes}, not {count}",
                {"name": name, "axes": axes, "count": len(value)},
            )


def by_axis(value: int | list[int], axes: int) -> tuple[int, ...]:
    """Return a number for each axis."""
    return tuple(value) if isinstance(value, list) else (value,) * axes


def borders(padding: Borders, axes: int) -> tuple[tuple[int, int], ...]:
    """Return how many places there are more before and after each axis."""
    every = padding if isinstance(padding, list) else [padding] * axes
    return tuple((one, one) if isinstance(one, int) else (one[0], one[1]) for one in every)
