"""Ties: the arrays of a published model that are others of its arrays, as an output layer may be the embedding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from service.networks.layouts import Layout, Placement, Placements, key_of

LayerName: TypeAlias = str
Tied: TypeAlias = Mapping[str, str]  # canonical parameters, and the name of the array that each of them is


@dataclass(frozen=True, slots=True)
class Ties:
    """`names` leads from arrays that are others to these, by their names in the layout that is asked for.

    `parameters` are the canonical parameters in them by layer: they are made, and not answered.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[LayerName, Tied] = field(default_factory=dict)

    @classmethod
    def of(cls, layers: Iterable[tuple[LayerName, Placements]], names: Mapping[str, str], layout: Layout) -> "Ties":
        """Return the ties of a model whose `names` are those in the PyTorch layout.

        Two arrays that are one may stand transposed in another layout.
        """
        if not names:
            return cls()
        known = {name for pair in names.items() for name in pair}
        called: dict[str, str] = {}
        others: dict[LayerName, dict[str, str]] = {}
        for layer, placements in layers:
            for theirs, ours in zip(placements["pytorch"], placements[layout], strict=False):
                name = key_of(layer, theirs.name, "pytorch")
                if name in known:
                    called[name] = key_of(layer, ours.name, layout)
                if name in names:
                    others.setdefault(layer, {}).update(dict.fromkeys(theirs.of.sources(), names[name]))
        return cls(
            {called[name]: called[source] for name, source in names.items()},
            {layer: {name: called[source] for name, source in found.items()} for layer, found in others.items()},
        )

    def in_layer(self, layer: LayerName) -> Tied:
        return self.parameters.get(layer, {})

    def holds(self, layer: LayerName, placement: Placement) -> bool:
        """Whether an array of a layer is another one."""
        return self.in_layer(layer).keys() >= set(placement.of.sources())
