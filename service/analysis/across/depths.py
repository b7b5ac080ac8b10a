"""Layers in another depth: the part that repeats, more often or less.

A part repeats where as many layers follow that are the same but for their names, and take what stands as far before
them. Where nothing does, a single layer may be repeated that gives as many features as it takes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.analysis.across.axes import Document
from service.errors import InvalidSpec
from service.networks.graph.graph import Graph, Place
from service.networks.graph.shapes import Shapes
from service.networks.layers.structure import Split

LONGEST = 256  # layers of a part that is looked for


class Part(NamedTuple):
    """Layers that repeat: the first of them, how many they are, and how often they are there."""

    start: int
    length: int
    times: int


@dataclass(frozen=True)
class Depths:
    """A network's layers as documents, each with a name and what it takes, and the part that repeats."""

    graph: Graph
    documents: Sequence[Document]
    part: Part

    def at(self, depth: int) -> list[Document]:
        """Return the layers with the part so often."""
        start, length, count = self.part
        end = start + length * count
        found = [self.written(place, 0, place.name) for place in self.graph.places[:start]]
        names: dict[int, str] = {}
        for copy in range(depth):
            shift = (copy - min(copy, count - 1)) * length  # beyond the copies that there are, of the last one
            for place in self.graph.places[start + copy * length - shift :][:length]:
                name = self.name(place, copy)
                names[place.index + shift] = name
                found.append(self.written(place, shift, name, names))
        moved = (depth - count) * length
        # What comes after takes of the part what it took, as far before its end; what stands before has not moved.
        after = {one.index + moved: names.get(one.index + moved, one.name) for one in self.graph.places[start:]}
        return [*found, *(self.written(place, moved, place.name, after) for place in self.graph.places[end:])]

    def name(self, place: Place, copy: int) -> str:
        """Return what a copy of a layer is called: as the others are, with its number."""
        start, length, count = self.part
        if copy < count:
            return place.name
        first = self.graph.places[start + (place.index - start) % length]
        taken = {one.name for one in self.graph.places}
        if count > 1:
            second = self.graph.places[first.index + length]
            numbered = renumbered(first.name, second.name, copy)
            if numbered is not None and numbered not in taken:
                return numbered
        plain = f"{first.name}.{copy}"
        return plain if plain not in taken else f"{first.name}.copy.{copy}"

    def written(self, place: Place, shift: int, name: str, names: Mapping[int, str] | None = None) -> Document:
        """Return a layer that stands `shift` further, with what it takes by the names that there are."""
        document = {**self.documents[place.index], "name": name}
        if place.takes or "inputs" in document:
            document["inputs"] = [self.taken(one.place, one.part, one.name, shift, names or {}) for one in place.takes]
        if place.tied is not None:
            document["to"] = self.taken(place.tied, 0, "", shift, names or {})
        return document

    def taken(self, place: int | None, part: int, name: str, shift: int, names: Mapping[int, str]) -> str:
        if place is None:
            return name
        source = self.graph.places[place]
        called = names.get(place + shift, source.name)
        return f"{called}:{part}" if isinstance(source.layer, Split) else called


def renumbered(first: str, second: str, number: int) -> str | None:
    """Return a name with another number where two of its kind differ in one: h.0.ln, h.1.ln, and then h.7.ln."""
    ones, others = re.split(r"(\d+)", first), re.split(r"(\d+)", second)
    if len(ones) != len(others):
        return None
    differ = [at for at, (one, other) in enumerate(zip(ones, others, strict=True)) if one != other]
    if len(differ) != 1 or differ[0] % 2 == 0:
        return None
    step = int(others[differ[0]]) - int(ones[differ[0]])
    ones[differ[0]] = str(int(ones[differ[0]]) + number * step)
    return "".join(ones)


def depths_of(graph: Graph, documents: Sequence[Document], shapes: Sequence[tuple[Shapes, Shapes]]) -> Depths:
    """Return what repeats in a network; raises InvalidSpec where nothing does."""
    alike = [likeness(place, document) for place, document in zip(graph.places, documents, strict=True)]
    part = longest(alike, [place.name for place in graph.places]) or square(graph, shapes)
    if part is None:
        raise InvalidSpec(
            "nothing here repeats: a depth is how often a part of the layers follows itself, or a single layer with "
            "weights that gives as many features as it takes, such as a dense layer of [64, 64] between two others",
            "/across/depth",
        )
    return Depths(graph, documents, part)


def likeness(place: Place, document: Document) -> str:
    """Return what two layers have in common that do the same at places of their own."""
    rest = {key: value for key, value in document.items() if key not in ("name", "inputs", "seed", "to")}
    takes = [(one.name if one.place is None else place.index - one.place, one.part) for one in place.takes]
    return json.dumps([rest, takes, place.tied], sort_keys=True, default=str)


def longest(alike: Sequence[str], names: Sequence[str]) -> Part | None:
    """Return the part that repeats over the most layers, the shortest of those; None where none does.

    Where it may begin with one layer or another, it begins where its layers have names that differ in a number.
    """
    best: Part | None = None
    room = 0  # layers more that are alike than the part's
    for length in range(1, min(LONGEST, len(alike) // 2) + 1):
        run = 0
        for at in range(len(alike) - length):
            run = run + 1 if alike[at] == alike[at + length] else 0
            times = run // length + 1
            larger = best is None or times * length > best.length * best.times
            if times > 1 and (larger or (best and (best.length, best.start) == (length, at - run + 1))):
                best, room = Part(at - run + 1, length, times), run % length
    if best is None:
        return None
    starts = range(best.start, best.start + room + 1)
    return best._replace(start=next((start for start in starts if numbered(names, start, best.length)), best.start))


def numbered(names: Sequence[str], start: int, length: int) -> bool:
    """Whether a part's names differ from those of the next in a number alone."""
    both = zip(names[start : start + length], names[start + length : start + 2 * length], strict=True)
    return all(renumbered(one, other, 2) is not None for one, other in both)


def square(graph: Graph, shapes: Sequence[tuple[Shapes, Shapes]]) -> Part | None:
    """Return a layer with weights, between two others, that gives what it takes."""
    weighted = [place.index for place in graph.places if place.has_weights]
    for place in graph.places:
        (came, gives) = shapes[place.index]
        inner = place.has_weights and weighted and weighted[0] < place.index < weighted[-1]
        if inner and len(place.takes) == 1 and came == gives and "shape" in place.layer.model_fields_set:
            return Part(place.index, 1, 1)
    return None
