"""Replays: the streams of other frameworks, bit for bit, without them.

To add one, write its module (how its generator makes words, its words values, its layers draws) and its row here.
"""

from service.weights.replay.framework import Replay

ALGORITHMS: dict[str, Replay] = {}

__all__ = ["ALGORITHMS", "Replay"]
