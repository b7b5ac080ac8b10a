"""Layers in another width: every size that one layer gives and another takes, in proportion.

What goes in stays, and so does what comes out where one layer alone chooses it; a stream of residuals that the network
ends in is as wide as the network. Sizes that must be equal, because they are added or multiplied, change together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from service.analysis.across.axes import FIXED, Document, Going, go
from service.analysis.across.ways import WAYS
from service.errors import InvalidSpec
from service.networks.graph.graph import Graph
from service.networks.graph.shapes import Shapes
from service.networks.layers.tensor import Tensor
from service.stream.views import Shape


@dataclass(frozen=True)
class Widths:
    """A network's layers as documents, which sizes of them may change, and the one that is called its width.

    `free` are the places whose outputs may be narrower or wider; `heads` the numbers of heads that there are.
    """

    graph: Graph
    documents: Sequence[Document]
    inputs: Mapping[str, Shape]
    shapes: Sequence[tuple[Shapes, Shapes]]
    free: Mapping[int, int]
    of_heads: frozenset[int]
    width: int

    def at(self, width: int) -> list[Document]:
        """Return the layers in another width: sizes in proportion, rounded where it does not divide them."""
        going = Going(
            self.graph,
            list(self.documents),
            lambda place, size: self.sized(place, size, width),
            lambda heads: self.heads(heads, width),
        )
        go(going, WAYS, self.inputs, self.shapes)
        return going.written

    def sized(self, place: int, size: int, width: int) -> int:
        if place in self.of_heads:
            return self.heads(size, width)
        return max(1, round(size * width / self.width)) if place in self.free else size

    def heads(self, heads: int, width: int) -> int:
        """Return as many heads as there are of the same size, or as before where that is no whole number."""
        return heads if heads * width % self.width else heads * width // self.width

    @property
    def step(self) -> int:
        """The width of which all multiples divide every size."""
        return self.width // gcd(self.width, *self.free.values())


def widths_of(
    graph: Graph, documents: Sequence[Document], inputs: Mapping[str, Shape], shapes: Sequence[tuple[Shapes, Shapes]]
) -> Widths:
    """Return what may change of a network's width; raises InvalidSpec where nothing may."""
    going = Going(graph, list(documents), lambda place, size: size, lambda heads: heads)
    go(going, WAYS, inputs, shapes)
    equals, ends = going.equals, going.given[-1][0][-1].made_of
    classes = Counter(equals.of(one) for one in going.chosen)
    stays = {FIXED, *(equals.of(one) for one in ends if classes[equals.of(one)] == 1)}
    of_heads = frozenset(one for one in going.chosen if equals.of(one) in {equals.of(head) for head in going.of_heads})
    free = {
        one: size
        for one, size in going.chosen.items()
        if size > 1 and equals.of(one) not in stays and one not in of_heads
    }
    common = Counter(size for one, size in free.items() if not isinstance(graph.places[one].layer, Tensor))
    if not common:
        raise InvalidSpec(
            "no size here is hidden: given by one layer, and taken by another that is not the network's input or "
            "output. A network of two layers with weights has one",
            "/across/width",
        )
    width = max(common, key=lambda size: (common[size], size))
    return Widths(graph, documents, inputs, shapes, free, of_heads, width)
