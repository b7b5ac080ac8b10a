"""Layers with dtypes of their own, as users of Keras, Flax and JAX write them: bit for bit."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from flax import nnx

from service.specs.spec import Spec

WIDTHS = ((3, 5, "float16"), (5, 40, "float32"), (40, 7, "bfloat16"), (7, 2, None))


def ours(algorithm: str, **more: Any) -> dict[str, bytes]:
    layers = [
        {"name": f"part_{index}", "type": "dense", "shape": [inputs, outputs], "dtype": dtype}
        for index, (inputs, outputs, dtype) in enumerate(WIDTHS)
    ]
    plan = Spec.model_validate({"algorithm": algorithm, "seed": 9, "layers": layers, **more}).plan()
    return {each.key: b"".join(block.tobytes() for block in each.blocks()) for each in plan.parameters}


def test_linen() -> None:
    class Network(nn.Module):
        @nn.compact
        def __call__(self, inputs: Any) -> Any:
            for index, (_, outputs, dtype) in enumerate(WIDTHS):
                kind = jnp.dtype(dtype or "float32")
                inputs = nn.Dense(outputs, param_dtype=kind, name=f"part_{index}")(inputs)
            return inputs

    made = Network().init(jax.random.key(9), jnp.zeros((1, 3)))["params"]
    found = ours("flax-linen/1")
    assert {f"{part}/{name}" for part in made for name in made[part]} == found.keys()
    for part, arrays in made.items():
        for name, array in arrays.items():
            assert np.asarray(array).tobytes() == found[f"{part}/{name}"], (part, name)


def test_nnx() -> None:
    rngs = nnx.Rngs(9)
    found = ours("flax-nnx/1")
    for index, (inputs, outputs, dtype) in enumerate(WIDTHS):
        made = nnx.Linear(inputs, outputs, param_dtype=jnp.dtype(dtype or "float32"), rngs=rngs)
        assert np.asarray(made.kernel[...]).tobytes() == found[f"part_{index}/kernel"]


def test_keras() -> None:
    backend = keras.backend.backend()
    keras.utils.set_random_seed(9)
    found = ours(f"keras-{backend}/1")
    for index, (inputs, outputs, dtype) in enumerate(WIDTHS):
        layer = keras.layers.Dense(outputs, dtype=dtype or "float32")
        layer.build((None, inputs))
        value = keras.ops.convert_to_numpy(keras.ops.cast(layer.kernel, "float32"))
        own = found[f"part_{index}/kernel"]
        if dtype == "bfloat16":
            mine = (np.frombuffer(own, np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            mine = np.frombuffer(own, dtype or "float32").astype(np.float32)
        assert np.array_equal(value.ravel(), mine), index


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_numpy(name: str) -> None:
    spec = {"layers": [{"type": "tensor", "shape": [50], "scheme": "random_normal", "dtype": name}] * 2}
    plan = Spec.model_validate({"algorithm": "numpy-pcg64/1", "seed": 9, **spec}).plan()
    generator = np.random.default_rng(9)
    for parameter in plan.parameters:
        wanted = generator.normal(0.0, 0.05, 50).astype(name)
        assert b"".join(block.tobytes() for block in parameter.blocks()) == wanted.tobytes()
