"""The frameworks, each in a process of its own: reads an initialiser's name a line, runs it, writes its seconds."""

import json
import os
import sys
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any, TypeAlias

SHAPE = (4096, 4096)
SCALE = 0.02
KEYS = 64
Initialisers: TypeAlias = dict[str, Callable[[], object]]


def of_torch() -> Initialisers:
    import torch
    from torch.nn import init

    def fill(function: Callable[..., Any]) -> Callable[[], object]:
        return lambda: function(torch.empty(SHAPE))

    return {
        "kaiming_normal_": fill(init.kaiming_normal_),
        "kaiming_uniform_": fill(init.kaiming_uniform_),
        "trunc_normal_": fill(init.trunc_normal_),
        "normal_": fill(init.normal_),
        "uniform_": fill(init.uniform_),
    }


def of_keras() -> Initialisers:
    import keras

    def finished(value: Any) -> object:
        # JAX answers before it has computed; the other backends have computed.
        return value.block_until_ready() if keras.backend.backend() == "jax" else value

    def draw(initialiser: Any) -> Callable[[], object]:
        return lambda: finished(initialiser(SHAPE))

    return {
        "HeNormal": draw(keras.initializers.HeNormal(seed=0)),
        "RandomNormal": draw(keras.initializers.RandomNormal(seed=0)),
        "TruncatedNormal": draw(keras.initializers.TruncatedNormal(seed=0)),
        "GlorotUniform": draw(keras.initializers.GlorotUniform(seed=0)),
    }


def of_jax() -> Initialisers:
    import jax

    # Keys are made beforehand: a run is the initialiser alone.
    keys = cycle(list(jax.random.split(jax.random.key(0), KEYS)))

    def draw(initialiser: Any) -> Callable[[], object]:
        compiled = jax.jit(lambda key: initialiser(key, SHAPE))
        return lambda: compiled(next(keys)).block_until_ready()

    return {
        "he_normal": draw(jax.nn.initializers.he_normal()),
        "normal": draw(jax.nn.initializers.normal()),
        "truncated_normal": draw(jax.nn.initializers.truncated_normal()),
        "glorot_uniform": draw(jax.nn.initializers.glorot_uniform()),
    }


def of_numpy() -> Initialisers:
    import numpy as np

    generator = np.random.default_rng(0)

    def standard_normal() -> object:
        values = generator.standard_normal(SHAPE, dtype=np.float32)
        values *= np.float32(SCALE)
        return values

    return {
        "standard_normal": standard_normal,
        "random": lambda: generator.random(SHAPE, dtype=np.float32),
        "normal": lambda: generator.normal(0.0, SCALE, SHAPE).astype(np.float32),
        "uniform": lambda: generator.uniform(-SCALE, SCALE, SHAPE).astype(np.float32),
    }


FRAMEWORKS = {"torch": of_torch, "keras": of_keras, "jax": of_jax, "numpy": of_numpy}


def main() -> None:
    # What a framework prints of itself must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        initialisers = FRAMEWORKS[sys.argv[1]]()
    except ImportError as error:
        answers.write(json.dumps({"missing": str(error)}) + "\n")
        return
    answers.write(json.dumps({"initialisers": list(initialisers)}) + "\n")
    for line in sys.stdin:
        start = time.perf_counter()
        value = initialisers[line.strip()]()
        seconds = time.perf_counter() - start
        del value  # freed outside the time, as a network would keep it
        answers.write(f"{seconds}\n")


if __name__ == "__main__":
    main()
