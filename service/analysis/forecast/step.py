"""A layer as theory sees it: what comes out of it, and what becomes of a gradient on its way back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias

from service.analysis.forecast.normal import Array
from service.analysis.forecast.signal import Gradient, Signal
from service.networks.asked import Source
from service.networks.layers.layer import PlacedSpec
from service.stream.views import Shape

Sources: TypeAlias = Mapping[str, Source]
Back: TypeAlias = Callable[[Gradient], Sequence[Gradient]]


@dataclass(frozen=True, slots=True)
class Given:
    """What a map is given: the layer, how its parameters are distributed, and its inputs.

    `activation` is what follows the layer, or is all that it does. The shapes are those of its outputs, without the
    batch: places, then features; several of a split. `examples` is how many there are in a batch, where that is known.
    `same` and `cross` hold moments of what is new in earlier signals, by the names in lineages. `of` is the layer whose
    weights these are, where they are another's.
    """

    layer: PlacedSpec
    activation: str
    sources: Sources
    inputs: Sequence[Signal]
    shapes: tuple[Shape, ...]
    same: Mapping[str, Array]
    cross: Mapping[str, Array]
    examples: int | None = None
    of: PlacedSpec | None = None

    @property
    def shape(self) -> Shape:
        return self.shapes[0]

    @property
    def places(self) -> tuple[int, ...]:
        return self.shape[:-1]

    @property
    def features(self) -> int:
        return self.shape[-1] if self.shape else 1


@dataclass(frozen=True, slots=True)
class Step:
    """What a layer makes of its inputs.

    `back` turns the gradient at its outputs into those at its inputs, `inside` into its second moment before the
    activation. `chi` is the factor on the second moment of a small difference between two examples, from the input in
    which it is largest. `varied` is by how much examples' inputs differ, as its weights see them. `linear`: all of its
    outputs is known by its inputs. `parts` are those of a split, and `part` turns a part's gradient into the whole's.
    """

    out: Signal
    back: Back
    chi: float
    inside: Callable[[Gradient], float]
    varied: float = 1.0
    linear: bool = False
    parts: Sequence[Signal] = ()
    part: Callable[[int, Gradient], Gradient] | None = None


Map: TypeAlias = Callable[[Given], Step | None]


def weightless(out: Signal, back: Back, chi: float, linear: bool = False) -> Step:
    return Step(out, back, chi, lambda gradient: gradient.second, linear=linear)


def squared(x: float) -> float:
    return x * x  # x**2 raises where this is infinite


def rms(second: float) -> float:
    return sqrt(max(second, 0.0))
