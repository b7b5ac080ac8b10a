"""Signals on their way through a network, along its graph: a step for each place."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from service import stopping
from service.analysis.forecast.bend import IDENTITY
from service.analysis.forecast.maps import step_of
from service.analysis.forecast.normal import Array
from service.analysis.forecast.signal import Gradient, Origin, Signal, between, overflown
from service.analysis.forecast.step import Given, Step
from service.analysis.layers import sources_of
from service.analysis.network import Network, activation_of
from service.networks.graph.graph import Place
from service.networks.graph.shapes import Shapes


class Following:
    """Signals on their way through a network: a step for each place, None beyond theory."""

    def __init__(
        self,
        network: Network,
        inputs: Mapping[str, Signal],
        shapes: Sequence[tuple[Shapes, Shapes]],
        examples: int | None,
    ) -> None:
        self.network = network
        self.examples = examples
        self.same: dict[str, Array] = {}
        self.cross: dict[str, Array] = {}
        self.given = {name: self.new(f"inputs/{name}", signal) for name, signal in inputs.items()}
        self.steps: list[Step | None] = []
        self.inputs: list[Sequence[Signal | None]] = []
        for place, (_, gives) in zip(network.graph.places, shapes, strict=True):
            stopping.give_way()
            self.inputs.append([self.taken(one.place, one.part, one.name) for one in place.takes])
            self.steps.append(self.step(place, gives))

    def taken(self, place: int | None, part: int, name: str) -> Signal | None:
        if place is None:
            return self.given.get(name)
        step = self.steps[place]
        return None if step is None else step.parts[part] if step.parts else step.out

    def step(self, place: Place, gives: Shapes) -> Step | None:
        inputs = [one for one in self.inputs[-1] if one is not None]
        if len(inputs) < len(place.takes):
            return None
        planned = self.network.planned[place.index if place.tied is None else place.tied]
        sources = {} if planned is None or not planned.parameters else sources_of(planned)
        other = None if place.tied is None else self.network.graph.places[place.tied].layer
        found = step_of(
            Given(
                place.layer,
                activation_of(place),
                sources,
                inputs,
                tuple(one[1:] for one in gives),
                self.same,
                self.cross,
                self.examples,
                other,
            )
        )
        if found is None:
            return None
        if found.out.overflows:
            return lost(found, inputs)
        grown = found.chi * max((one.growth for one in inputs), default=0.0)
        parts = [self.new(f"{place.name}:{number}", part) for number, part in enumerate(found.parts)]
        return replace(found, out=self.known(place.name, found, grown), parts=parts)

    def known(self, name: str, step: Step, growth: float) -> Signal:
        """Return a step's outputs with what is new in them under this name, and what they are a function of."""
        out = replace(step.out, growth=growth if isfinite(growth) else np.inf)
        return rooted(name, out) if step.linear else self.new(name, out)

    def new(self, name: str, x: Signal) -> Signal:
        """Return a signal that has something new, which its name stands for."""
        x, means = rooted(name, x), np.outer(x.mean, x.mean)
        self.same[name] = x.same - means - between(x.lineage, x.lineage, self.same)
        self.cross[name] = x.cross - means - between(x.lineage, x.lineage, self.cross)
        return x.named(name)


def rooted(name: str, x: Signal) -> Signal:
    """Return a signal with the normal values that it is a function of: its own, where there are no others."""
    if x.origin is None:
        means = np.outer(x.mean, x.mean)
        return replace(x, origin=Origin(name, x.mean, x.same - means, x.cross - means, IDENTITY))
    return x if x.origin.name else replace(x, origin=replace(x.origin, name=name))


def lost(step: Step, inputs: Sequence[Signal]) -> Step:
    """Return the step of what has overflowed: everything there and back is infinite."""

    def back(gradient: Gradient) -> Sequence[Gradient]:
        return [Gradient(np.full_like(one.same, np.inf)) for one in inputs]

    out = overflown(step.out.places, step.out.features)
    out = replace(out, origin=Origin("", out.mean, out.same, out.cross, IDENTITY))
    return Step(out, back, np.inf, lambda gradient: np.inf, step.varied)
