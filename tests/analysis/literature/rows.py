"""A row: a start of the literature, where it is told of, its verdict, and how it is trained."""

from typing import Literal, NamedTuple, TypeAlias

from tests.analysis.literature.drawing import Layers

Verdict: TypeAlias = Literal["normal", "low-gradient", "steep", "symmetric", "dead"]


class Row(NamedTuple):
    """`shape` is that of one example: one number alone is that of tokens where an embedding takes it.

    Training goes down the whole batch's gradient, `steps` times, with the optimiser and at a rate that its source uses.
    """

    name: str
    source: str
    verdict: Verdict
    layers: Layers
    shape: tuple[int, ...] = (16,)
    steps: int = 30
    optimizer: Literal["sgd", "adam"] = "sgd"
    rate: float = 0.1
    long: bool = False
