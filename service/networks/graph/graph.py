"""A network's layers in their order, each with what it takes: outputs of earlier ones, or the network's inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from service.errors import InvalidSpec, TooLarge
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec, PlacedSpec
from service.networks.layers.structure import RelativePositions, Split, TiedLayer
from service.networks.layers.tensor import Tensor
from service.once import once

MOST_COMPARED = 1000  # names of layers before, among which the nearest to one that is not there is looked for
MOST_TAKEN = 2**18  # inputs of all layers
INPUT = "input"  # what the network's first input is called unless a spec names it
POSITIONS = "positions"  # an input that counts 0, 1, 2, … along its steps


class Taken(NamedTuple):
    """What a layer takes: the outputs of an earlier place (one part of them, of a split), or an input by its name."""

    place: int | None
    part: int = 0
    name: str = INPUT


@dataclass(frozen=True)
class Place:
    """A layer in a network: `index` is where it stands in the spec, `tied` the place whose weights it shares."""

    index: int
    name: str
    layer: PlacedSpec
    takes: tuple[Taken, ...]
    tied: int | None = None

    @property
    def pointer(self) -> str:
        return f"/layers/{self.index}"

    @property
    def has_weights(self) -> bool:
        """Whether it has weights of its own."""
        return isinstance(self.layer, LayerSpec) and self.layer.type != "dropout"


@dataclass(frozen=True)
class Graph:
    """The places in order: what a place takes lies before it. The last one gives the network's output."""

    places: tuple[Place, ...]
    stated: bool  # whether the spec states any structure, or is a bare stack

    @once
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """Return for each place those that take what it gives, in order."""
        found: list[list[int]] = [[] for _ in self.places]
        for number, place in enumerate(self.places):
            for one in dict.fromkeys(taken.place for taken in place.takes if taken.place is not None):
                found[one].append(number)
        return tuple(map(tuple, found))

    @once
    def inputs(self) -> tuple[str, ...]:
        """The names of the network's inputs, in the order in which they are first taken."""
        taken = (one for place in self.places for one in place.takes)
        return tuple(dict.fromkeys(one.name for one in taken if one.place is None))

    def takers(self, name: str) -> Iterator[Place]:
        """Yield the places that take an input of the network."""
        for place in self.places:
            if any(one.place is None and one.name == name for one in place.takes):
                yield place

    def weights_of(self, place: Place) -> PlacedSpec:
        """Return the layer whose weights a place has: its own, or the one that it is tied to."""
        return place.layer if place.tied is None else self.places[place.tied].layer

    def takes_tokens(self, place: Place) -> bool:
        """Whether what a place takes are whole numbers: inputs of the network, or relative positions."""
        sources = [None if one.place is None else self.places[one.place].layer for one in place.takes]
        return all(source is None or isinstance(source, RelativePositions) for source in sources)

    def names_taken(self, place: Place) -> list[str]:
        """Return what a place takes as a spec would say it: layers by name, parts of a split as NAME:k, inputs."""
        return [self._named(one) for one in place.takes]

    def _named(self, taken: Taken) -> str:
        if taken.place is None:
            return taken.name
        source = self.places[taken.place]
        return f"{source.name}:{taken.part}" if isinstance(source.layer, Split) else source.name

    def is_looked_up(self, place: Place) -> bool:
        """Whether every taker of a place looks rows up by it, and there is one."""
        takers = [self.weights_of(self.places[one]) for one in self.consumers[place.index]]
        return bool(takers) and all(isinstance(taker, Embedding) for taker in takers)


def graph_of(layers: Sequence[PlacedSpec], names: Sequence[str], inputs: Sequence[str] = ()) -> Graph:
    """Return the graph that layers state, by their names and those of the network's inputs.

    The first of the inputs is what the first layer takes where it says nothing. Raises InvalidSpec for what is not
    there, or comes later.
    """
    if sum(len(layer.inputs or ()) for layer in layers) > MOST_TAKEN:
        raise TooLarge(f"the layers of a network take at most {MOST_TAKEN:,} inputs together", "/layers")
    reading = Reading(names, inputs or (INPUT,))
    places = []
    for index, (layer, name) in enumerate(zip(layers, names, strict=True)):
        tied = reading.tied(index, layer) if isinstance(layer, TiedLayer) else None
        places.append(Place(index, name, layer, reading.takes(index, layer), tied))
        reading.put(index, name, layer)
    return Graph(tuple(places), stated=bool(inputs) or any(map(is_structure, layers)))


def is_structure(layer: PlacedSpec) -> bool:
    """Whether a layer states anything of the network around it."""
    return not isinstance(layer, LayerSpec) or not layer.model_fields_set.isdisjoint(layer.structure)


class Reading:
    """What is known of the places so far."""

    def __init__(self, names: Sequence[str], inputs: Sequence[str]) -> None:
        self.inputs = inputs
        self.all_names = frozenset(names)
        self.known: dict[str, tuple[int, PlacedSpec]] = {}

    def put(self, index: int, name: str, layer: PlacedSpec) -> None:
        self.known[name] = index, layer

    def takes(self, index: int, layer: PlacedSpec) -> tuple[Taken, ...]:
        if layer.inputs is None:
            if isinstance(layer, Tensor):  # which nothing goes through
                return ()
            before = next(reversed(self.known.values()), None)
            if before is None:
                return (Taken(None, name=self.inputs[0]),)
            if isinstance(before[1], Split):
                detail = f"the layer before is a split: say which part, as {next(reversed(self.known))}:0"
                raise InvalidSpec(detail, f"/layers/{index}", {"inputs": [f"{next(reversed(self.known))}:0"]})
            return (Taken(before[0]),)
        return tuple(self.reference(each, f"/layers/{index}/inputs/{place}") for place, each in enumerate(layer.inputs))

    def reference(self, text: str, at: str) -> Taken:
        name, _, part = text.partition(":")
        if name in self.known:
            return self.part_of(text, name, part, at)
        if not part and text in self.inputs:
            return Taken(None, name=text)
        raise InvalidSpec(self.missing(name), at)

    def part_of(self, text: str, name: str, part: str, at: str) -> Taken:
        place, layer = self.known[name]
        if not isinstance(layer, Split):
            if part or text.endswith(":"):
                raise InvalidSpec(f"{name} is no split, so that it has no parts: say {name}", at)
            return Taken(place)
        count = len(layer.sizes)
        if not part.isdecimal() or not part.isascii() or len(part) > 3 or int(part) >= count:
            detail = f"{name} is a split of {count} parts: say which, from {name}:0 to {name}:{count - 1}"
            raise InvalidSpec(detail, at)
        return Taken(place, int(part))

    def missing(self, name: str) -> str:
        if name in self.all_names:
            return f"{name} comes later: a layer takes what earlier ones give"
        near = get_close_matches(name, [*[*self.known][-MOST_COMPARED:], *self.inputs], n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; the network's inputs are {', '.join(self.inputs)}"
        return f"no earlier layer is called {name!r}{hint}"

    def tied(self, index: int, layer: TiedLayer) -> int:
        at = f"/layers/{index}/to"
        if layer.to not in self.known:
            raise InvalidSpec(self.missing(layer.to), at)
        place, other = self.known[layer.to]
        if not isinstance(other, LayerSpec) or other.type == "dropout":
            raise InvalidSpec(f"{layer.to} has no weights to be tied to", at)
        return place
