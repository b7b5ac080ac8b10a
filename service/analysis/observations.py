"""What a pass shows of a network as a whole: blocks and streams, attention, what norms take, what comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service import stopping
from service.analysis.attending import Attending, attending_of
from service.analysis.blocks import MeasuredBlock, Stream, measure_blocks
from service.analysis.layers import NORMS
from service.analysis.magnitudes import rms_of
from service.analysis.network import Batches, Network, Stage
from service.analysis.outputs import Output, output_of
from service.analysis.rules import logits_of
from service.analysis.rules.norms import groups_of, last_axes
from service.analysis.tape import Array
from service.networks.layers.attention import Attention
from service.networks.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, RmsNorm


@dataclass(frozen=True, slots=True)
class Scale:
    """Of what a norm takes: its rms, and what the norm divides by (the rms over examples and groups of deviations)."""

    rms: float
    std: float


@dataclass(frozen=True, slots=True)
class Observations:
    """What a pass shows beyond each layer by itself; `norms` are by the numbers of places."""

    blocks: list[MeasuredBlock]
    streams: list[Stream]
    attention: list[Attending]
    norms: Mapping[int, Scale]
    output: Output


def observe(network: Network, stages: Sequence[Stage], inputs: Batches) -> Observations:
    """Return what is seen of a network through which a batch has gone forward, and a gradient back."""
    with np.errstate(all="ignore"):  # what overflows is told as such
        blocks, streams = measure_blocks(network.graph, stages, inputs)
        first = inputs[network.graph.inputs[0]] if network.graph.inputs else np.zeros((1, 1))
        return Observations(
            blocks,
            streams,
            [found for stage in stages if (found := attention_of(network, stage)) is not None],
            {number: scale_of(stage) for number, stage in enumerate(stages) if isinstance(stage.layer, NORMS)},
            output_of(stages[-1].out.value, first),
        )


def attention_of(network: Network, stage: Stage) -> Attending | None:
    """Return how a layer looks about; None of what is no attention."""
    layer = network.graph.weights_of(stage.place)
    if not isinstance(layer, Attention) and layer.type != "dot_product_attention":
        return None
    logits = logits_of(layer, stage.weights, *stage.taken).value
    return attending_of(stage.place.name, logits, bool(getattr(layer, "causal", False)))


def scale_of(stage: Stage) -> Scale:
    x = stage.taken[0].value
    stopping.give_way()
    return Scale(rms_of(x), deviation_of(stage, x))


def deviation_of(stage: Stage, x: Array) -> float:
    """Return the rms of what a norm divides by, over all that it normalises apart."""
    layer = stage.layer
    if isinstance(layer, RmsNorm):
        return rms_of(x)
    if isinstance(layer, BatchNorm):
        axes: tuple[int, ...] = tuple(range(x.ndim - 1))
    elif isinstance(layer, InstanceNorm):
        axes = tuple(range(1, x.ndim - 1))
    elif isinstance(layer, GroupNorm):
        x, axes = x.reshape(len(x), -1, groups_of(layer), x.shape[-1] // groups_of(layer)), (1, 3)
    else:
        axes = last_axes(layer)
    return float(np.sqrt(np.mean(x.var(axis=axes, dtype=np.float64))))
