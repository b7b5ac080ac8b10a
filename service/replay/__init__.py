"""Replays: the streams of other frameworks, bit for bit, without them.

To add one, write its module (how its generator makes words, its words values, its layers draws) and name it here.
"""

from service.replay.flax.algorithm import LINEN_REPLAY, NNX_REPLAY
from service.replay.framework import Replay
from service.replay.jax.algorithm import JAX, JAX_JIT, JAX_ORIGINAL
from service.replay.keras.algorithm import KERAS
from service.replay.numpy.algorithm import NUMPY, NUMPY_OLDER
from service.replay.torch.algorithm import TORCH, TORCH_2_11, TORCH_DEFAULT

ALGORITHMS: dict[str, Replay] = {
    replay.name: replay
    for replay in (
        TORCH,
        TORCH_DEFAULT,
        TORCH_2_11,
        JAX,
        JAX_JIT,
        JAX_ORIGINAL,
        LINEN_REPLAY,
        NNX_REPLAY,
        *KERAS,
        NUMPY,
        NUMPY_OLDER,
    )
}

__all__ = ["ALGORITHMS", "Replay"]
