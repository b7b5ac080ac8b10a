"""`initserve.jax.init` makes the arrays of any tree of shapes: the bytes of equivalent layers, on any mesh."""

import os
import subprocess
import sys
import warnings
from typing import Any

import equinox as eqx
import flax.linen as nn
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from initserve import Client, InitserveError, Local
from initserve.jax import Unusual, init, listing
from jax.sharding import SingleDeviceSharding

from tests.conftest import ROOT

KEY = jax.random.key(0)
TOKENS, IMAGE = jnp.zeros((2, 3), int), jnp.zeros((2, 8, 8, 3))


class Linen(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.Embed(11, 8)(x)
        x = nn.Dense(6)(x)
        x = nn.LayerNorm()(x)
        x = nn.BatchNorm(use_running_average=False)(x)
        x = nn.Conv(4, (3,))(x)
        x = nn.MultiHeadDotProductAttention(2)(x, x)
        return nn.Dense(5, use_bias=False)(x)


def linen() -> Any:
    return jax.eval_shape(Linen().init, KEY, TOKENS)


LAYERS: dict[str, dict[str, Any]] = {
    "Embed_0": {"type": "embedding", "shape": [11, 8]},
    "Dense_0": {"type": "dense", "shape": [8, 6]},
    "LayerNorm_0": {"type": "layer_norm", "shape": [6]},
    "BatchNorm_0": {"type": "batch_norm", "shape": [6]},
    "Conv_0": {"type": "conv1d", "shape": [3, 6, 4]},
    "MultiHeadDotProductAttention_0": {"type": "multi_head_attention", "shape": [4, 2, 2]},
    "Dense_1": {"type": "dense", "shape": [4, 5], "bias": None},
}


def flat(tree: Any) -> dict[str, Any]:
    pairs = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {"/".join(str(getattr(key, "key", key)) for key in path[1:]): leaf for path, leaf in pairs}


def test_a_tree_of_flax_has_the_bytes_of_its_layers() -> None:
    found = flat(init(linen(), 42))
    layers = [{"name": name, **layer} for name, layer in LAYERS.items()]
    wanted = Local().init({"seed": 42, "layout": "flax", "layers": layers})
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert np.asarray(found[name]).tobytes() == array.tobytes(), name


def test_it_is_what_the_modules_of_flax_take() -> None:
    variables = init(linen(), 1)
    out, _ = Linen().apply(variables, TOKENS, mutable=["batch_stats"])
    assert np.isfinite(out).all()
    assert jax.tree_util.tree_structure(variables) == jax.tree_util.tree_structure(linen())


class Nnx(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List([nnx.Linear(3, 4, rngs=rngs), nnx.Linear(4, 2, rngs=rngs)])
        self.norm = nnx.BatchNorm(2, rngs=rngs)
        self.dropout = nnx.Dropout(0.1, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.dropout(self.norm(self.layers[1](self.layers[0](x))))


def test_nnx_gets_its_state_with_counters_at_zero_and_keys_of_the_seed() -> None:
    graph, shapes = nnx.split(nnx.eval_shape(lambda: Nnx(nnx.Rngs(0))))
    state = init(shapes, 5)
    real = nnx.state(Nnx(nnx.Rngs(5)))
    assert jax.tree_util.tree_structure(state) == jax.tree_util.tree_structure(shapes)
    rngs, wanted = state["dropout"]["rngs"], real["dropout"]["rngs"]
    assert int(rngs["count"].get_value()) == 0
    assert rngs["key"].get_value().shape == wanted["key"].get_value().shape
    assert rngs["key"].get_value().dtype == wanted["key"].get_value().dtype
    assert (state["norm"]["var"].get_value() == 1).all()
    assert np.isfinite(nnx.merge(graph, state)(jnp.ones((2, 3)))).all()
    whole = init(nnx.eval_shape(lambda: Nnx(nnx.Rngs(0))), 5)
    assert np.isfinite(whole(jnp.ones((2, 3)))).all()


def test_haiku_gets_its_parameters_and_state() -> None:
    def network(x: Any) -> Any:
        x = hk.Conv2D(4, 3)(x)
        x = hk.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.9)(x, is_training=True)
        x = hk.nets.MLP([5, 3])(hk.Flatten()(x))
        return x + hk.Embed(7, 3)(jnp.zeros(2, int))

    transformed = hk.transform_with_state(network)
    shapes = jax.eval_shape(transformed.init, KEY, IMAGE)
    params, state = init(shapes, 3)
    real = transformed.init(KEY, IMAGE)
    assert jax.tree_util.tree_map(lambda each: (each.shape, each.dtype), (params, state)) == jax.tree_util.tree_map(
        lambda each: (each.shape, each.dtype), real
    )
    for one, two in zip(jax.tree_util.tree_leaves(state), jax.tree_util.tree_leaves(real[1]), strict=True):
        assert (one == two).all()
    assert (params["batch_norm"]["scale"] == 1).all()
    assert not params["mlp/~/linear_0"]["b"].any()
    out, _ = transformed.apply(params, state, None, IMAGE)
    assert np.isfinite(out).all()
    layers = [
        {"name": "mlp.linear_0", "type": "dense", "shape": [256, 5]},
        {"name": "conv2_d", "type": "conv2d", "shape": [3, 3, 3, 4]},
    ]
    wanted = Local().init({"seed": 3, "layout": "flax", "layers": layers})
    assert np.asarray(params["mlp/~/linear_0"]["w"]).tobytes() == wanted["mlp.linear_0/kernel"].tobytes()
    assert np.asarray(params["conv2_d"]["w"]).tobytes() == wanted["conv2_d/kernel"].tobytes()


def test_equinox_gets_modules_and_what_is_no_array_stays() -> None:
    class Model(eqx.Module):
        convolution: eqx.nn.Conv2d
        norm: eqx.nn.LayerNorm
        mlp: eqx.nn.MLP

        def __init__(self, key: Any) -> None:
            self.convolution = eqx.nn.Conv2d(3, 4, 3, key=key)
            self.norm = eqx.nn.LayerNorm(4)
            self.mlp = eqx.nn.MLP(4, 3, 8, 2, key=key)

        def __call__(self, x: Any) -> Any:
            return self.mlp(self.norm(self.convolution(x).mean((1, 2))))

    model = init(eqx.filter_eval_shape(Model, KEY), 9)
    assert model.mlp.activation is eqx.nn.MLP(4, 3, 8, 2, key=KEY).activation
    assert model.convolution.bias.shape == (4, 1, 1)
    assert not model.convolution.bias.any()
    assert (model.norm.weight == 1).all()
    assert np.isfinite(model(jnp.ones((3, 8, 8)))).all()
    layers = [
        {"name": "convolution", "type": "conv2d", "shape": [3, 3, 3, 4]},
        {"name": "mlp.layers.0", "type": "dense", "shape": [4, 8]},
    ]
    wanted = Local().init({"seed": 9, "layout": "pytorch", "layers": layers})
    assert np.asarray(model.convolution.weight).tobytes() == wanted["convolution.weight"].tobytes()
    assert np.asarray(model.mlp.layers[0].weight).tobytes() == wanted["mlp.layers.0.weight"].tobytes()


def test_a_network_is_the_same_in_two_libraries() -> None:
    """A kernel of Flax's nnx is the transposed weight of Equinox, by the same path."""
    one = init(nnx.state(nnx.eval_shape(lambda: Nnx(nnx.Rngs(0)))), 4)

    class Same(eqx.Module):
        layers: list[eqx.nn.Linear]

    two = init(eqx.filter_eval_shape(lambda: Same([eqx.nn.Linear(3, 4, key=KEY), eqx.nn.Linear(4, 2, key=KEY)])), 4)
    for place in (0, 1):
        assert (one["layers"][place]["kernel"].get_value() == two.layers[place].weight.T).all()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_each_leaf_keeps_its_dtype_and_is_rounded_once(dtype: Any) -> None:
    shapes = {"a": {"kernel": jax.ShapeDtypeStruct((6, 5), dtype), "bias": jax.ShapeDtypeStruct((5,), jnp.float32)}}
    found = init(shapes, 2)["a"]
    single = init({"a": {"kernel": jax.ShapeDtypeStruct((6, 5), jnp.float32)}}, 2)["a"]
    assert found["kernel"].dtype == dtype
    assert found["bias"].dtype == jnp.float32
    assert (found["kernel"] == single["kernel"].astype(dtype)).all()


def test_rules_and_defaults_are_those_of_a_spec(server: str) -> None:
    shapes = jax.eval_shape(nn.Dense(4).init, KEY, jnp.zeros((2, 3)))
    rules = [{"match": "*kernel", "scheme": {"name": "normal", "stddev": 0.02}}]
    spec = listing({"params": {"a": shapes["params"]}}, 8, rules, "flax")
    assert spec["defaults"] == "flax"
    with Client(server) as client:
        found = init({"params": {"a": shapes["params"]}}, 8, rules=rules, defaults="flax", client=client)
        assert np.asarray(found["params"]["a"]["kernel"]).tobytes() == client.init(spec)["a/kernel"].tobytes()
        with pytest.raises(InitserveError):
            init(shapes, rules=[{"match": "*", "scheme": "he_norml"}], client=client)


def test_what_could_be_otherwise_is_warned_of() -> None:
    shapes = {"odd": {"something": jax.ShapeDtypeStruct((4, 3, 5), jnp.float32)}}
    with pytest.warns(Unusual, match="odd/something"):
        init(shapes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        init(linen())


def test_what_is_not_drawn_comes_back_as_it_begins_and_other_values_are_refused() -> None:
    tree = {"a": {"kernel": jax.ShapeDtypeStruct((2, 3), jnp.float32)}, "step": jax.ShapeDtypeStruct((), jnp.int32)}
    held = jnp.arange(3)
    found = init(tree | {"held": held, "note": "text", "none": jax.ShapeDtypeStruct((0, 3), jnp.float32)})
    assert int(found["step"]) == 0
    assert found["held"] is held
    assert found["note"] == "text"
    assert found["none"].shape == (0, 3)
    assert init({}) == {}
    with pytest.raises(ValueError, match="a/kernel is complex64"):
        init({"a": {"kernel": jax.ShapeDtypeStruct((2, 3), jnp.complex64)}})
    place = SingleDeviceSharding(jax.devices()[0])
    assert init(tree, sharding=place)["step"].sharding == place


def test_four_devices_hold_what_one_gives_each_box_made_once() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/clients/python"}
    command = [sys.executable, "-m", "tests.frameworks.clients.devices"]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert run.stdout == "the same bytes on one device and on four\n", run.stderr[-3000:]
