"""What branches add to their streams, and how a stream and its gradient go from block to block: measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.analysis.layers import NORMS
from service.analysis.magnitudes import rms_of
from service.analysis.network import Batches, Stage
from service.analysis.residuals.blocks import Block, blocks_of
from service.analysis.residuals.branches import Branch
from service.analysis.residuals.growth import Growth, growth_of
from service.analysis.residuals.ways import Kind, Site, Ways
from service.analysis.tape import Array, Node
from service.networks.graph.graph import Graph, Place
from service.networks.layers.attention import Attention
from service.networks.layers.layer import LayerSpec
from service.networks.layers.structure import RelativePositions, TiedLayer

PASSES = ("activation", "dropout", "scale", "prelu")  # what is done to each number of a stream alone
PROJECTS = ("dense", "conv", "depthwise_conv", "separable_conv", "transformers_conv1d")


@dataclass(frozen=True, slots=True)
class Sides:
    """The rms of something where a block begins and where it ends; None where there is no such thing."""

    enters: float | None
    leaves: float | None


@dataclass(frozen=True, slots=True)
class MeasuredBranch:
    """A branch: the place `at` which it is taken in, its layers, and its rms over that of the sum.

    Of a concatenation, `share` is the root of its part of all squares.
    """

    at: str
    layers: list[str]
    share: float | None
    shortcut: str


@dataclass(frozen=True, slots=True)
class MeasuredBlock:
    """A block: its layers in order, by number too, its stream and the gradient at both of its ends, its branches."""

    name: str
    places: list[int]
    layers: list[str]
    stream: Sides
    gradient: Sides
    branches: list[MeasuredBranch]


@dataclass(frozen=True, slots=True)
class Stream:
    """Blocks one behind the other, the first and the last of them, and how what passes by them grows."""

    first: str
    last: str
    growth: Growth


def kind_of(graph: Graph, place: Place) -> Kind:
    """Return what a place does to a stream."""
    layer = graph.weights_of(place)
    if layer.type in ("add", "concatenate"):
        return "sum" if layer.type == "add" else "join"
    if isinstance(layer, NORMS):
        return "norm"
    if layer.type in PASSES:
        return "passes"
    if isinstance(layer, Attention) or layer.type == "dot_product_attention":
        return "attends"
    way_back = isinstance(place.layer, TiedLayer) and place.layer.transposed
    if layer.type.startswith(PROJECTS) or way_back:
        return "projects"
    return "mixes" if isinstance(layer, LayerSpec) else "moves"


def sites_of(graph: Graph) -> list[Site]:
    """Return the network's inputs, then its places, as ways through it are looked for."""
    first = len(graph.inputs)
    inputs = {name: index for index, name in enumerate(graph.inputs)}
    places = [
        Site(
            place.name,
            kind_of(graph, place),
            ()
            if isinstance(place.layer, RelativePositions)  # which looks at sizes alone
            else tuple(inputs[one.name] if one.place is None else first + one.place for one in place.takes),
        )
        for place in graph.places
    ]
    return [*(Site(name, "input") for name in graph.inputs), *places]


class Measuring:
    """A network through which a batch has gone forward and a gradient back, seen by the sites of its graph."""

    def __init__(self, graph: Graph, stages: Sequence[Stage], inputs: Batches) -> None:
        self.graph, self.stages, self.inputs = graph, stages, inputs
        self.sites = sites_of(graph)
        self.first = len(graph.inputs)

    def block(self, block: Block) -> MeasuredBlock:
        places = [site - self.first for site in block.places]
        return MeasuredBlock(
            block.name,
            places,
            [self.sites[site].name for site in block.places],
            Sides(self.size(block.enters), self.size(block.leaves)),
            Sides(self.steepness(block.enters), self.steepness(block.leaves)),
            [self.branch(branch) for branch in block.branches],
        )

    def branch(self, branch: Branch) -> MeasuredBranch:
        at = branch.at - self.first
        came = next(
            node
            for node, site in zip(self.stages[at].taken, self.sites[branch.at].takes, strict=True)
            if site == branch.end
        )
        share = share_of(came, self.stages[at].fed, is_sum=self.sites[branch.at].kind == "sum")
        names = [self.sites[site].name for site in branch.places]
        return MeasuredBranch(self.sites[branch.at].name, names, share, self.sites[branch.shortcut].name)

    def size(self, site: int) -> float | None:
        values: Array = (
            self.inputs[self.sites[site].name] if site < self.first else self.stages[site - self.first].out.value
        )
        return rms_of(values) if values.dtype.kind == "f" else None

    def steepness(self, site: int) -> float | None:
        if site < self.first:
            return None
        gradient = self.stages[site - self.first].out.gradient
        return 0.0 if gradient is None else rms_of(gradient)


def share_of(branch: Node, whole: Node, is_sum: bool) -> float | None:
    """Return the rms of a branch over that of the sum, or its length over that of all that is joined."""
    size, of = rms_of(branch.value), rms_of(whole.value)
    if not 0.0 < of < np.inf or not size < np.inf:
        return None
    return size / of if is_sum else size / of * float(np.sqrt(branch.value.size / whole.value.size))


def measure_blocks(graph: Graph, stages: Sequence[Stage], inputs: Batches) -> tuple[list[MeasuredBlock], list[Stream]]:
    """Return the blocks of a network and the streams that they are on."""
    measuring = Measuring(graph, stages, inputs)
    blocks = blocks_of(measuring.sites)
    measured = [measuring.block(block) for block in blocks]
    streams = [stream_of([measured[number] for number in chain]) for chain in chains_of(measuring.sites, blocks)]
    return measured, [stream for stream in streams if stream is not None]


def chains_of(sites: Sequence[Site], blocks: Sequence[Block]) -> list[list[int]]:
    """Return the blocks that lie one behind the other on a stream, by number: no matrix is between them."""
    ways = Ways(sites)
    chains: list[list[int]] = []
    for number, block in enumerate(blocks):
        for chain in chains:
            left = blocks[chain[-1]].leaves
            if left == block.enters or (ways.came_of(block.enters, left) and not ways.has_matrices(left, block.enters)):
                chain.append(number)
                break
        else:
            chains.append([number])
    return chains


def stream_of(blocks: Sequence[MeasuredBlock]) -> Stream | None:
    sizes = [blocks[0].stream.enters, *(block.stream.leaves for block in blocks)]
    known = [size for size in sizes if size is not None]
    growth = growth_of(known) if len(known) == len(sizes) and len(blocks) > 1 else None
    return None if growth is None else Stream(blocks[0].name, blocks[-1].name, growth)
