"""Selection: which of the planned arrays an answer has, those that `select` names."""

from collections.abc import Sequence
from dataclasses import replace

from service.errors import InvalidSpec, TooLarge
from service.networks.plan import PlannedLayer, PlannedParameter
from service.specs.matching import MOST_COMPARISONS
from service.specs.nearness import Nearest
from service.specs.rules import matcher, price
from service.specs.ties import Ties


def selected(layers: Sequence[PlannedLayer], pattern: str, ties: Ties) -> list[PlannedLayer]:
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
        for name, source in ties.names.items():
            if matches(name):
                raise InvalidSpec(f"{name} is {source} here, which is answered instead", "/select", {"select": source})
        near = Nearest(each.key for layer in layers for each in layer.parameters).to(pattern)
        remedy = {"select": near} if near else None
        raise InvalidSpec(f"no array is called this; the nearest name is {near}", "/select", remedy)
    return found


def names_of(parameter: PlannedParameter) -> list[str]:
    return [parameter.key, *(f"{parameter.layer}/{name}" for name in parameter.array.arrangement.sources())]
