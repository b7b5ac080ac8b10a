"""`initserve.keras`: initialisers in the place of Keras's own, and models filled by what their layers are."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from initserve import Client, InitserveError, Local
from initserve import keras as initserve_keras
from initserve.keras import HeNormal, Initializer, RandomNormal, TruncatedNormal, init_
from keras import layers

from tests.conftest import ROOT

Layers = list[dict[str, Any]]


def bits(value: Any) -> bytes:
    return np.asarray(keras.ops.convert_to_numpy(value)).tobytes()


CASES: list[tuple[Callable[[], Any], tuple[int, ...], dict[str, Any]]] = [
    (lambda: layers.Dense(7, activation="relu"), (5,), {"type": "dense", "shape": [5, 7], "activation": "relu"}),
    (lambda: layers.Dense(7, use_bias=False), (5,), {"type": "dense", "shape": [5, 7], "bias": None}),
    (lambda: layers.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d"), (4, 5),
     {"type": "einsum_dense", "equation": "abc,cd->abd", "shape": [5, 6], "bias_axes": "d"}),
    (lambda: layers.Conv1D(6, 3), (9, 4), {"type": "conv1d", "shape": [3, 4, 6]}),
    (lambda: layers.Conv2D(6, (3, 5), groups=2), (9, 9, 4), {"type": "conv2d", "shape": [3, 5, 4, 6], "groups": 2}),
    (lambda: layers.Conv3D(3, 2, use_bias=False), (4, 4, 4, 2),
     {"type": "conv3d", "shape": [2, 2, 2, 2, 3], "bias": None}),
    (lambda: layers.Conv2DTranspose(6, 3, strides=2), (5, 5, 4),
     {"type": "conv2d_transpose", "shape": [3, 3, 4, 6], "strides": 2}),
    (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (5, 5, 4),
     {"type": "depthwise_conv2d", "shape": [3, 3, 4, 2]}),
    (lambda: layers.SeparableConv1D(6, 3, activation="exponential"), (5, 4),
     {"type": "separable_conv1d", "shape": [3, 4, 6], "activation": "exp"}),
    (lambda: layers.Embedding(9, 4), (3,), {"type": "embedding", "shape": [9, 4]}),
    (lambda: layers.BatchNormalization(), (4,), {"type": "batch_norm", "shape": [4]}),
    (lambda: layers.LayerNormalization(), (4,), {"type": "layer_norm", "shape": [4]}),
    (lambda: layers.GroupNormalization(2), (3, 4), {"type": "group_norm", "shape": [4]}),
    (lambda: layers.RMSNormalization(), (4,), {"type": "rms_norm", "shape": [4]}),
    (lambda: layers.PReLU(), (4,), {"type": "prelu", "shape": [4]}),
    (lambda: layers.SimpleRNN(4, activation="relu"), (5, 3),
     {"type": "simple_rnn", "shape": [3, 4], "activation": "relu"}),
    (lambda: layers.LSTM(4), (5, 3), {"type": "lstm", "shape": [3, 4]}),
    (lambda: layers.GRU(4), (5, 3), {"type": "gru", "shape": [3, 4]}),
    (lambda: layers.Bidirectional(layers.LSTM(4)), (5, 3), {"type": "lstm", "shape": [3, 4], "bidirectional": True}),
]  # fmt: skip


@pytest.mark.parametrize(("make", "inputs", "layer"), CASES, ids=[str(layer) for _, _, layer in CASES])
@pytest.mark.parametrize("defaults", ["recommended", "keras"])
def test_a_layer_gets_the_bytes_of_its_layer(
    make: Callable[[], Any], inputs: tuple[int, ...], layer: dict[str, Any], defaults: str
) -> None:
    made = make()
    made.name = "a"
    model = keras.Sequential([keras.Input(inputs), made])
    report = init_(model, seed=7, defaults=defaults)
    wanted = Local().init({"seed": 7, "defaults": defaults, "layers": [{"name": "a", **layer}]})
    found = {each.name: variable for each, variable in zip(report.filled, floats(model), strict=True)}
    assert found.keys() == wanted.keys()
    assert all(bits(found[name]) == wanted[name].tobytes() for name in wanted)
    assert all(each.scheme and each.formula and each.reason for each in report.filled)


def floats(model: Any) -> list[Any]:
    """Return a model's variables that are drawn, in the order of its layers."""
    found: list[Any] = []
    for layer in model.layers:
        # A layer says its trainable variables first; those of the two directions stand one after the other.
        parts = [layer.forward_layer, layer.backward_layer] if isinstance(layer, layers.Bidirectional) else [layer]
        found += [each for part in parts for each in part.variables if "float" in each.dtype]
    return found


def test_attention_is_one_layer_where_a_spec_has_it_so_and_else_its_parts() -> None:
    x = keras.Input((5, 6))
    other = keras.Input((5, 4))
    model = keras.Model([x, other], [layers.MultiHeadAttention(2, 3)(x, x), layers.MultiHeadAttention(2, 3)(x, other)])
    report = init_(model, seed=1)
    spec: Layers = [
        {"name": "multi_head_attention", "type": "multi_head_attention", "shape": [6, 2, 3]},
        {"name": "multi_head_attention_1.key", "type": "einsum_dense", "equation": "abc,cde->abde", "shape": [4, 2, 3]}
        | {"bias_axes": "de"},
    ]
    wanted = Local().init({"seed": 1, "layers": spec})
    names = [each.name for each in report.filled]
    assert set(wanted) <= set(names)
    first = model.layers[2]
    assert bits(first._query_dense.kernel) == wanted["multi_head_attention/query/kernel"].tobytes()
    second = model.layers[3]
    assert bits(second._key_dense.kernel) == wanted["multi_head_attention_1.key/kernel"].tobytes()
    assert not report.tied


class Block(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Dense(4)
        self.several = [layers.Dense(4), layers.GRU(3, reset_after=False)]
        self.named = {"a": layers.Dense(2, name="other")}
        self.again = self.first
        self.tower = keras.Sequential([layers.Dense(4), layers.Dense(4), layers.LayerNormalization()])
        self.factor = self.add_weight(shape=(4,), initializer="random_normal", name="factor")
        self.constant = self.add_weight(shape=(4,), initializer=keras.initializers.Constant(3.0), name="constant")

    def call(self, x: Any) -> Any:
        return self.named["a"](self.several[1](self.several[0](self.tower(self.first(x) * self.factor))))


def block() -> Any:
    model = Block()
    model(keras.ops.ones((2, 5, 4)))
    return model


def test_names_are_of_the_structure_and_not_of_what_was_built_before() -> None:
    one, report = block(), None
    report = init_(one, seed=3)
    for _ in range(3):
        layers.Dense(4), layers.LayerNormalization()
    two = block()
    again = init_(two, seed=3)
    assert [each.name for each in report.filled] == [each.name for each in again.filled]
    for first, second in zip(one.weights, two.weights, strict=True):
        assert bits(first) == bits(second), first.path
    assert {each.name for each in report.filled} == {
        "factor/value", "first/kernel", "first/bias", "several.0/kernel", "several.0/bias", "several.1/gru_cell/kernel",
        "several.1/gru_cell/recurrent_kernel", "named.a/kernel", "named.a/bias", "tower.dense/kernel",
        "tower.dense/bias", "tower.dense_1/kernel", "tower.dense_1/bias", "tower.layer_normalization/gamma",
        "tower.layer_normalization/beta",
    }  # fmt: skip
    assert report.kept["constant/value"] == "its layer begins it as 3.0 throughout"
    assert (keras.ops.convert_to_numpy(one.constant) == 3.0).all()
    assert "several.1.gru_cell.bias/value" in report.kept
    assert bits(one.tower.layers[0].kernel) != bits(one.tower.layers[1].kernel)


def test_layers_of_one_shape_begin_otherwise_and_a_shared_one_is_filled_once() -> None:
    shared = layers.Dense(4)
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(4, name="mine_7")(shared(shared(x))))
    report = init_(model)
    assert [each.name for each in report.filled] == ["dense/kernel", "dense/bias", "mine_7/kernel", "mine_7/bias"]
    assert bits(shared.kernel) != bits(model.layers[-1].kernel)


def test_rules_and_a_service_are_those_of_a_spec(server: str) -> None:
    one, two = block(), block()
    rules = [{"match": "*kernel", "scheme": {"name": "normal", "stddev": 0.02}}]
    with Client(server) as client:
        report = init_(one, rules=rules, client=client)
        with pytest.raises(InitserveError):
            init_(one, rules=[{"match": "*", "scheme": "he_norml"}], client=client)
    init_(two, rules=rules)
    assert all(bits(first) == bits(second) for first, second in zip(one.weights, two.weights, strict=True))
    assert {each.scheme for each in report.filled if each.name == "first/kernel"} == {"random_normal"}


def test_what_cannot_be_filled_is_said() -> None:
    with pytest.raises(ValueError, match="not built yet"):
        init_(Block())
    model = keras.Sequential([keras.Input((8,)), layers.Dense(8)])
    model.quantize("int8")
    with pytest.raises(ValueError, match="before it is quantised"):
        init_(model)


def test_an_adapter_changes_nothing_at_first() -> None:
    model, plain = (keras.Sequential([keras.Input((8,)), layers.Dense(6)]) for _ in range(2))
    model.layers[0].enable_lora(2)
    init_(model)
    init_(plain)
    x = np.ones((2, 8), np.float32)
    assert bits(model(x)) == bits(plain(x))


NAMED = [
    "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal",
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_an_initialiser_is_a_drop_in_for_keras_own(name: str) -> None:
    """The same arguments; the same mean and deviation, on shapes that Keras tells fans of in each way."""
    ours, theirs = getattr(initserve_keras, name)(seed=5), getattr(keras.initializers, name)(seed=5)
    assert isinstance(ours, keras.initializers.Initializer)
    for shape in ((400, 300), (3, 3, 40, 50)):
        one, two = (keras.ops.convert_to_numpy(each(shape)).astype(np.float64) for each in (ours, theirs))
        assert one.shape == shape
        assert one.dtype == two.dtype
        # The standard error of a deviation of n values is no more than σ/√n; 6 of both: one in 10^8.
        assert abs(one.std() - two.std()) < 6 * 2 * two.std() / np.sqrt(one.size)
        assert abs(one.mean() - two.mean()) < 6 * 2 * two.std() / np.sqrt(one.size)
    theirs_config = theirs.get_config()
    assert theirs_config.keys() - {"seed"} <= ours.get_config().keys()
    assert all(ours.get_config()[key] == value for key, value in theirs_config.items() if key != "seed")


@pytest.mark.parametrize("name", NAMED)
def test_an_initialiser_is_saved_and_gives_the_same_again(name: str) -> None:
    made = getattr(initserve_keras, name)(path="head")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert type(again) is type(made)
    assert bits(made((6, 6))) == bits(made((6, 6))) == bits(again((6, 6))) == bits(made.clone()((6, 6)))
    assert bits(made((6, 6))) != bits(type(made)(seed=made.seed)((6, 6)))


def test_any_scheme_is_an_initialiser_and_gives_the_bytes_of_a_tensor() -> None:
    made = Initializer({"name": "normal", "stddev": 0.02}, seed=2**40, path="table")
    layer = {"name": "table", "type": "tensor", "shape": [5, 3], "scheme": made.scheme}
    wanted = Local().init({"seed": 2**40, "layers": [layer]})["table/value"]
    assert bits(made((5, 3))) == wanted.tobytes()
    assert (
        bits(keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))((5, 3)))
        == wanted.tobytes()
    )
    with pytest.raises(ValueError, match="int32 is no dtype"):
        made((5, 3), dtype="int32")
    with pytest.raises(InitserveError, match="did you mean"):
        Initializer("he_norml", seed=1)((2, 2))


def test_layers_take_them_and_a_saved_model_has_them(tmp_path: Path) -> None:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(4, kernel_initializer=HeNormal(seed=3), bias_initializer=RandomNormal(0, 1, 2)),
        ]
    )
    assert bits(model.layers[0].kernel) == bits(HeNormal(seed=3)((6, 4)))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(again.layers[0].kernel_initializer, HeNormal)
    assert again.layers[0].kernel_initializer.seed == 3


def test_a_generator_of_seeds_gives_other_values_every_time() -> None:
    made, again = (TruncatedNormal(seed=keras.random.SeedGenerator(4)) for _ in range(2))
    first, second = bits(made((4, 4))), bits(made((4, 4)))
    assert first != second
    assert (bits(again((4, 4))), bits(again((4, 4)))) == (first, second)


def test_a_service_gives_the_same(server: str) -> None:
    assert bits(HeNormal(seed=3, url=server)((6, 4))) == bits(HeNormal(seed=3)((6, 4)))


def test_every_backend_gives_the_same_bytes() -> None:
    found = {}
    for backend in ("torch", "jax", "tensorflow"):
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        environment = {**os.environ, **quiet, "KERAS_BACKEND": backend, "PYTHONPATH": f"{ROOT}:{ROOT}/clients/python"}
        command = [sys.executable, "-m", "tests.frameworks.clients.keras_backend"]
        run = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
        )
        if backend == "tensorflow" and "No module named 'tensorflow'" in run.stderr:
            continue
        assert run.returncode == 0, run.stderr[-2000:]
        name, digest = run.stdout.split()
        assert name == backend
        found[backend] = digest
    assert len(set(found.values())) == 1, found


def test_axes_of_inputs_and_outputs_say_the_fans() -> None:
    shape, axes = (8, 300, 200), {"input_axes": [1], "output_axes": [0, 2]}
    ours = initserve_keras.VarianceScaling(1.0, "fan_out", "uniform", 3, **axes)
    found = keras.ops.convert_to_numpy(ours(shape))
    assert np.abs(found).max() <= np.sqrt(3 / 1600)
    assert np.abs(found).max() > 0.99 * np.sqrt(3 / 1600)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    assert bits(again(shape)) == bits(ours(shape))
