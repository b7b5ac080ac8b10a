"""jax-threefry-jit/1 and jax-threefry-original/1 against the real JAX: initialisers, shapes and seeds, by bytes."""

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from jax.nn import initializers as init

from service.specs.spec import Spec

OF_ALL: list[tuple[Any, Any]] = [
    (init.normal(0.02), {"name": "jax:normal", "stddev": 0.02}),
    (init.uniform(0.3), {"name": "jax:uniform", "maxval": 0.3}),
    (init.truncated_normal(0.1), {"name": "jax:truncated_normal", "stddev": 0.1}),
]
BY_FANS: list[tuple[Any, Any]] = [
    (getattr(init, name)(), name)
    for name in ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform")
] + [
    (
        init.variance_scaling(scale, mode, "normal"),
        {"name": "jax:variance_scaling", "scale": scale, "mode": mode, "distribution": "normal"},
    )
    for scale, mode in ((2.0, "fan_out"), (0.7, "fan_avg"))
]


@pytest.mark.parametrize("algorithm", ["jax-threefry-jit/1", "jax-threefry-original/1"])
@pytest.mark.parametrize("shape", [(1,), (5,), (64, 33), (3, 5, 7), (701, 431)], ids=str)
def test_initialisers(algorithm: str, shape: tuple[int, ...]) -> None:
    jit = algorithm == "jax-threefry-jit/1"
    for call, scheme in [*OF_ALL, *(BY_FANS if len(shape) > 1 else [])]:
        for seed in (0, 42):
            with jax.threefry_partitionable(jit):
                made = partial(call, shape=shape)
                theirs = np.asarray((jax.jit(made) if jit else made)(jax.random.key(seed)))
            layers = [{"type": "tensor", "shape": list(shape), "scheme": scheme}]
            (parameter,) = (
                Spec.model_validate({"algorithm": algorithm, "seed": seed, "layers": layers}).plan().parameters
            )
            assert b"".join(block.tobytes() for block in parameter.blocks()) == theirs.tobytes(), (scheme, seed)
