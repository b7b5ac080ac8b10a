"""Layouts: the same parameter as each framework names it and arranges its axes.

The canonical layout, whose C order is that of the stream, is Keras's. A Placement is a framework's name for a
parameter and the canonical axes in that framework's order.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["keras", "pytorch", "flax"]


@dataclass(frozen=True, slots=True)
class Placement:
    """`axes[i]` is the canonical axis that stands at place i in the framework; None leaves all where they are."""

    name: str
    axes: tuple[int, ...] | None = None


Placements: TypeAlias = dict[Layout, Placement]


def kernel(spatial: int) -> Placements:
    """(*field, in, out) in Keras and Flax; (out, in, *field) in PyTorch. A dense layer has no field."""
    field = tuple(range(spatial))
    return {
        "keras": Placement("kernel"),
        "pytorch": Placement("weight", (spatial + 1, spatial, *field)),
        "flax": Placement("kernel"),
    }


BIAS: Placements = {layout: Placement("bias") for layout in ("keras", "pytorch", "flax")}
EMBEDDING: Placements = {
    "keras": Placement("embeddings"),
    "pytorch": Placement("weight"),
    "flax": Placement("embedding"),
}
VALUE: Placements = {layout: Placement("value") for layout in ("keras", "pytorch", "flax")}
SEPARATOR: dict[Layout, str] = {"keras": "/", "pytorch": ".", "flax": "/"}
