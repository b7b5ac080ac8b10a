"""What a network is to come near to in its first steps: targets as posted, or drawn from a stream of their own."""

from collections.abc import Mapping
from math import prod

import numpy as np

from service.analysis.losses import Array, LossName, Targets
from service.analysis.network import Network
from service.errors import InvalidSpec
from service.stream.distributions import Normal, filled
from service.stream.kernels import fill_words
from service.stream.streams import stream_of
from service.stream.views import Shape

STREAM = "diagnose targets"  # no parameter has it: a layer's name has no spaces


def outputs_of(network: Network, inputs: Mapping[str, Shape]) -> Shape:
    """Return the shape of what a network gives for batches of these shapes; of a split at its end, all parts as one."""
    came, gives = network.shapes(inputs)[-1]
    return gives[0] if len(gives) == 1 else came[0]


def loss_for(stated: LossName | None, shape: Shape, classes: bool, given: Array | None) -> LossName:
    """Return the loss that suits outputs of a shape (examples first): cross-entropy where they name classes.

    `classes` says that tokens went in, or that a softmax is what the network ends in; whole numbers as targets say it
    as well, where their shape is that of the outputs without their last axis.
    """
    if stated is not None:
        return stated
    if shape[-1] < 2:
        return "squared_error"
    if given is not None:
        return "cross_entropy" if are_labels(given, shape) else "squared_error"
    return "cross_entropy" if classes else "squared_error"


def are_labels(given: Array, shape: Shape) -> bool:
    return given.shape == shape[:-1] and bool((given == np.floor(given)).all())


def targets_for(loss: LossName, shape: Shape, given: Array | None, seed: int) -> Targets:
    """Return targets for outputs of a shape; raises InvalidSpec for those that do not fit."""
    if given is not None:
        return labels(given, shape) if loss == "cross_entropy" else values(given, shape)
    if loss == "squared_error":
        return filled(Normal(0.0, 1.0), stream_of(seed, STREAM), prod(shape)).reshape(shape)
    if shape[-1] < 2:
        detail = "cross-entropy tells classes apart, and the network has 1 output: squared_error takes it"
        raise InvalidSpec(detail, "/loss", {"loss": "squared_error"})
    words = np.empty(prod(shape[:-1]), np.uint32)
    fill_words(stream_of(seed, STREAM).address(), np.zeros(1, np.uint64), words.size, words)
    return ((words.astype(np.int64) * shape[-1]) >> 32).reshape(shape[:-1])


def labels(given: Array, shape: Shape) -> Targets:
    if given.shape != shape[:-1]:
        detail = f"cross-entropy takes a class for each output: the shape {list(shape[:-1])}, not {list(given.shape)}"
        raise InvalidSpec(detail, "/targets")
    if (given != np.floor(given)).any() or given.min() < 0 or given.max() >= shape[-1]:
        raise InvalidSpec(f"classes are whole numbers from 0 to {shape[-1] - 1}", "/targets")
    return given.astype(np.int64)


def values(given: Array, shape: Shape) -> Targets:
    if given.shape != shape:
        detail = f"the squared error takes a number for each output: the shape {list(shape)}, not {list(given.shape)}"
        raise InvalidSpec(detail, "/targets")
    return given
