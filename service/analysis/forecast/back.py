"""Gradients on their way back through a network: moments of those that come from several layers add up.

Gradients that came by different weights know nothing of each other; what two ways without weights have in common is
followed as it is for signals.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from service import stopping
from service.analysis.forecast.normal import Array
from service.analysis.forecast.signal import Gradient, between
from service.analysis.forecast.step import Step
from service.networks.graph.graph import Graph


class Returning:
    """The gradient at each place's outputs, for one of rms 1 at the end; None before a layer beyond theory."""

    def __init__(self, graph: Graph, steps: Sequence[Step | None]) -> None:
        self.graph, self.steps = graph, steps
        self.known: dict[str, Array] = {}
        self.coming: list[list[Gradient] | None] = [[] for _ in steps]
        self.totals: list[Gradient | None] = [None] * len(steps)
        last = steps[-1]
        if last is not None:
            self.coming[-1] = [Gradient(np.eye(len(last.out.mean)))]
        for number in reversed(range(len(steps))):
            stopping.give_way()
            self.leave(number)

    def leave(self, number: int) -> None:
        """Hand the gradient at a place on to what it takes."""
        place, step, coming = self.graph.places[number], self.steps[number], self.coming[number]
        came: Sequence[Gradient | None] = [None] * len(place.takes)
        if step is not None and coming:
            total = self.summed(coming)
            self.known[place.name] = total.same - between(total.lineage, total.lineage, self.known)
            self.totals[number] = total
            came = self.through(step, place.name, coming, total)
        for one, gradient in zip(place.takes, came, strict=True):
            if one.place is None:
                continue
            waiting = self.coming[one.place]
            if gradient is None or waiting is None:
                self.coming[one.place] = None
                continue
            source = self.steps[one.place]
            cut = None if source is None else source.part
            waiting.append(gradient if cut is None else cut(one.part, gradient))

    def through(self, step: Step, name: str, coming: Sequence[Gradient], total: Gradient) -> Sequence[Gradient]:
        """Return the gradients at a step's inputs; where some come to the largest values alone, one after the other."""
        own = {name: np.ones(len(total.same))}
        if all(one.window is None for one in coming):
            return step.back(replace(total, lineage={**total.lineage, **own}))
        ways = [step.back(one) for one in coming]
        return [Gradient(np.sum([way[number].same for way in ways], axis=0)) for number in range(len(ways[0]))]

    def summed(self, coming: Sequence[Gradient]) -> Gradient:
        total = coming[0]
        for one in coming[1:]:
            both = between(total.lineage, one.lineage, self.known)
            lineage = dict(total.lineage)
            for name, part in one.lineage.items():
                lineage[name] = lineage[name] + part if name in lineage else part
            total = Gradient(total.same + one.same + both + np.transpose(both), lineage)
        return total

    def inside(self, number: int) -> float | None:
        """Return the second moment of the gradient before a place's activation."""
        step, coming = self.steps[number], self.coming[number]
        if step is None or not coming:
            return None
        if all(one.window is None for one in coming):
            total = self.totals[number]
            return None if total is None else step.inside(total)
        return sum(step.inside(one) for one in coming)
