"""Keras on the backend that KERAS_BACKEND names: fills a model, draws by initialisers, writes a digest of all."""

import hashlib
import sys

import keras
import numpy as np
from initserve.keras import HeNormal, Orthogonal, VarianceScaling, init_


def model() -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.SeparableConv2D(4, 3, activation="relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.MultiHeadAttention(2, 3)(x, x)
    x = keras.layers.Bidirectional(keras.layers.GRU(3))(keras.layers.Reshape((36, 4))(x))
    return keras.Model(inputs, keras.layers.Dense(5, activation="gelu", dtype="bfloat16")(x))


def bits(value: object) -> bytes:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32"))).tobytes()


def main() -> None:
    filled, digest = model(), hashlib.sha256()
    init_(filled, seed=11)
    for name in ("float32", "float16", "bfloat16"):
        for each in (HeNormal(seed=1), VarianceScaling(2.0, "fan_out", "uniform", seed=2), Orthogonal(seed=3)):
            digest.update(bits(each((3, 3, 4, 6), dtype=name)))
    for variable in sorted(filled.variables, key=lambda each: each.path):
        digest.update(bits(variable) if "float" in variable.dtype else b"")
    out = filled(keras.ops.ones((2, 8, 8, 3)))
    assert np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(out, "float32"))).all()
    sys.stdout.write(f"{keras.backend.backend()} {digest.hexdigest()}\n")


if __name__ == "__main__":
    main()
