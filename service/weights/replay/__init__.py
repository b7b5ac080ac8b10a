"""Replays: the streams of other frameworks, bit for bit, without them.

To add one, write its module (how its generator makes words, its words values, its layers draws) and name it here.
"""

from service.weights.replay.flax import LINEN_REPLAY, NNX_REPLAY
from service.weights.replay.framework import Replay
from service.weights.replay.jax import JAX
from service.weights.replay.keras import KERAS
from service.weights.replay.numpy_pcg64 import NUMPY
from service.weights.replay.torch import TORCH, TORCH_DEFAULT

ALGORITHMS: dict[str, Replay] = {
    replay.name: replay for replay in (TORCH, TORCH_DEFAULT, JAX, LINEN_REPLAY, NNX_REPLAY, *KERAS, NUMPY)
}

__all__ = ["ALGORITHMS", "Replay"]
