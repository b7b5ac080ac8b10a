"""Selection: which of the planned arrays an answer has: those that are no others, and those that `select` names."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from service.errors import InvalidSpec, TooLarge
from service.networks.asked import Asked
from service.networks.layouts import Layout, Placement, key_of
from service.networks.plan import PlannedLayer, PlannedParameter
from service.specs.matching import MOST_COMPARISONS
from service.specs.nearness import Nearest
from service.specs.rules import matcher, price


@dataclass(frozen=True, slots=True)
class Tied:
    """The canonical parameters, by layer, that are others in a published model: they are made, and not answered.

    `names` leads from arrays' names in the PyTorch layout to those of what they are.
    """

    names: Mapping[str, str]
    parameters: Mapping[str, Set[str]]

    @classmethod
    def of(cls, layers: Sequence[Asked], names: Mapping[str, str]) -> "Tied":
        found: dict[str, set[str]] = {}
        for layer in layers if names else ():
            for placement in layer.placements["pytorch"]:
                if key_of(layer.name, placement.name, "pytorch") in names:
                    found.setdefault(layer.name, set()).update(placement.of.sources())
        return cls(names, found)

    def holds(self, layer: str, placement: Placement) -> bool:
        return layer in self.parameters and set(placement.of.sources()) <= self.parameters[layer]

    def named(self, layers: Sequence[Asked], layout: Layout) -> Mapping[str, str]:
        """Return `names` as a layout has them; two arrays that are one may stand transposed there."""
        if not self.names or layout == "pytorch":
            return self.names
        known = {name for pair in self.names.items() for name in pair}
        called = {}
        for layer in layers:
            for theirs, ours in zip(layer.placements["pytorch"], layer.placements[layout], strict=False):
                name = key_of(layer.name, theirs.name, "pytorch")
                if name in known:
                    called[name] = key_of(layer.name, ours.name, layout)
        return {called[name]: called[source] for name, source in self.names.items()}


def selected(layers: Sequence[PlannedLayer], pattern: str) -> list[PlannedLayer]:
    """Return the arrays that a pattern matches, by their own names or by the paths of what is in them."""
    asked = sum(len(layer.parameters) for layer in layers) * price(pattern)
    if asked > MOST_COMPARISONS:
        raise TooLarge(
            f"this pattern is {asked:,} comparisons with names; at most {MOST_COMPARISONS:,} are made", "/select"
        )
    matches = matcher(pattern)
    found = []
    for layer in layers:
        kept = tuple(each for each in layer.parameters if any(matches(name) for name in names_of(each)))
        if kept:
            found.append(replace(layer, parameters=kept))
    if not found:
        near = Nearest(each.key for layer in layers for each in layer.parameters).to(pattern)
        remedy = {"select": near} if near else None
        raise InvalidSpec(f"no array is called this; the nearest name is {near}", "/select", remedy)
    return found


def names_of(parameter: PlannedParameter) -> list[str]:
    return [parameter.key, *(f"{parameter.layer}/{name}" for name in parameter.array.arrangement.sources())]
