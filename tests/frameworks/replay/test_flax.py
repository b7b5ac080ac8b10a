"""flax-linen/1 and flax-nnx/1 against the real Flax, at random: networks of layers, compared by bytes."""

import os
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx
from flax.traverse_util import flatten_dict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import InitserveError, NotExact
from service.specs.spec import Spec
from tests.frameworks.replay.flax_networks import LAYERS, Made

CASES = int(os.environ.get("REPLAY_CASES", "60"))
SEEDS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-9, 100), st.sampled_from([2**32, 2**53]))
DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16, "float16": jnp.float16}
NAMES = ["{}", "Blk_0.{}", "Blk_0.inner.{}", "Blk_1.{}"]
MANY = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
NEARLY = 4e-6
Arrays = dict[str, Any]


class Block(linen.Module):
    """Modules and arrays by name, and blocks of such; no name leaves the choice to linen."""

    parts: tuple[tuple[list[str | None], Made], ...]
    param_dtype: Any

    @linen.compact  # type: ignore[untyped-decorator]
    def __call__(self) -> None:
        blocks: dict[str, list[tuple[list[str | None], Made]]] = {}
        for (name, *rest), made in self.parts:
            if rest:
                blocks.setdefault(str(name), []).append((rest, made))
            elif made.tensor is not None:
                self.param(str(name), made.tensor, tuple(made.layer["shape"]), self.param_dtype)
            else:
                assert made.linen is not None
                own = {} if name is None else {"name": name}
                whole = jnp.issubdtype(made.inputs.dtype, jnp.integer)
                inputs = made.inputs if whole else made.inputs.astype(self.param_dtype)
                made.linen(param_dtype=self.param_dtype, **own)(inputs)
        for name, parts in blocks.items():
            Block(tuple(parts), self.param_dtype, name=name)()


def in_linen(named: Sequence[tuple[str | None, Made]], seed: int, dtype: str) -> Arrays:
    parts = tuple((list((name or "").split(".")) if name else [None], made) for name, made in named)
    tree = Block(parts, DTYPES[dtype]).init(jax.random.key(seed))
    return {"/".join(path[1:]): value for path, value in flatten_dict(tree).items()}


def leaves(module: Any, kind: str) -> Arrays:
    """Return an nnx module's arrays by linen's names; gates that stand side by side in GRU's apart."""
    state = nnx.to_flat_state(nnx.state(module, nnx.Any(nnx.Param, nnx.BatchStat, nnx.LoRAParam)))
    found: Arrays = {}
    for path, variable in state:
        name = "/".join(str(each) for each in path if each != "lora").replace("if_/", "if/")
        value = np.asarray(variable.get_value())
        cell, _, rest = name.rpartition("dense_")
        if "dense_" not in name:
            found[name] = value
        elif kind == "simple_rnn":
            found[f"{cell}{rest}"] = value
        else:
            side, leaf = rest.split("/")
            for gate, part in zip("rzn", np.split(value, 3, axis=-1), strict=True):
                found[f"{cell}{side}{gate}/{leaf}"] = part
            found[f"{cell}hn/bias"] = np.zeros(value.shape[-1] // 3, value.dtype)
    return found


def in_nnx(named: Sequence[tuple[str, Made]], seed: int, dtype: str) -> Arrays:
    rngs, found = nnx.Rngs(seed), {}
    for name, made in named:
        own = made.layer.get("seed")
        stream = rngs if own is None else nnx.Rngs(int(own))
        if made.tensor is not None:
            found[f"{name}/value"] = made.tensor(stream.params(), tuple(made.layer["shape"]), DTYPES[dtype])
        else:
            assert made.nnx is not None
            module = made.nnx(rngs=stream, param_dtype=DTYPES[dtype])
            found |= {f"{name}/{leaf}": value for leaf, value in leaves(module, made.layer["type"]).items()}
    return found


def ours(algorithm: str, named: Sequence[tuple[str | None, Made]], seed: int, dtype: str) -> tuple[Arrays, set[str]]:
    """Return our arrays, and the names of those that are not exact."""
    layers = [{**made.layer, **({} if name is None else {"name": name})} for name, made in named]
    document = {"algorithm": algorithm, "seed": str(seed), "dtype": dtype, "layers": layers, "exact": False}
    spec = Spec.model_validate(document)
    plan = spec.plan()
    kind = np.dtype(DTYPES[dtype])
    found, recurrent = {}, set()
    for layer in plan.layers:
        for each in layer.parameters:
            key = f"{layer.name.replace('.', '/')}/{each.name}"
            data = b"".join(block.tobytes() for block in each.blocks())
            found[key] = np.frombuffer(data, kind).reshape(each.shape)
            if any(array.whole for array in each.draws.values()):
                recurrent.add(key)
    if recurrent:
        with pytest.raises(NotExact):
            Spec.model_validate({**document, "exact": True}).plan()
    return found, recurrent


def compare(made: Arrays, real: Arrays, inexact: set[str], dtype: str) -> None:
    assert set(made) == set(real)
    for name, value in real.items():
        value = np.asarray(value).astype(DTYPES[dtype])
        if name in inexact:
            nearly = NEARLY if dtype == "float32" else 0.01
            np.testing.assert_allclose(made[name].astype(np.float32), value.astype(np.float32), rtol=0, atol=nearly)
        else:
            assert made[name].tobytes() == value.tobytes(), name


def orthogonal_by_default(made: Made, *kinds: str) -> bool:
    """Whether a layer's default is orthogonal, which JAX does not have in half precision."""
    return made.layer["type"] in kinds and "recurrent_scheme" not in made.layer


@MANY
@given(st.data(), SEEDS, st.sampled_from(["float32", "float32", *DTYPES]))
def test_linen(data: st.DataObject, seed: int, dtype: str) -> None:
    layers = data.draw(st.lists(LAYERS.filter(lambda made: bool(made.linen or made.tensor)), min_size=1, max_size=4))
    if dtype != "float32":
        layers = [made for made in layers if not orthogonal_by_default(made, "simple_rnn", "lstm", "gru")]
    named: list[tuple[str | None, Made]] = []
    for index, made in enumerate(layers):
        free = made.tensor is None and made.layer["type"] != "separable_conv1d"
        pattern = data.draw(st.sampled_from([None, *NAMES] if free else NAMES))
        named.append((pattern and pattern.format(f"l{index}"), made))
    if not named:
        return
    found, inexact = ours("flax-linen/1", named, seed, dtype)
    tensors = {name.replace(".", "/") for name, made in named if name and made.tensor is not None}
    found = {name.removesuffix("/value") if name.removesuffix("/value") in tensors else name: value
             for name, value in found.items()}  # fmt: skip
    compare(found, in_linen(named, seed, dtype), inexact, dtype)


@MANY
@given(st.data(), SEEDS, st.sampled_from(["float32", "float32", *DTYPES]))
def test_nnx(data: st.DataObject, seed: int, dtype: str) -> None:
    layers = data.draw(st.lists(LAYERS.filter(lambda made: bool(made.nnx or made.tensor)), min_size=1, max_size=4))
    if dtype != "float32":
        layers = [made for made in layers if not orthogonal_by_default(made, "simple_rnn", "gru")]
    named = []
    for index, made in enumerate(layers):
        if data.draw(st.integers(0, 4)) == 0:
            made.layer["seed"] = str(data.draw(SEEDS))
        named.append((f"l{index}", made))
    if not named:
        return
    found, inexact = ours("flax-nnx/1", named, seed, dtype)
    compare(found, in_nnx(named, seed, dtype), inexact, dtype)


@pytest.mark.parametrize("algorithm", ["flax-linen/1", "flax-nnx/1"])
def test_a_seed_that_jax_refuses(algorithm: str) -> None:
    with pytest.raises(OverflowError):
        jax.random.key(2**63)
    layer = {"type": "dense", "shape": [2, 2]}
    with pytest.raises(InitserveError) as caught:
        Spec.model_validate({"algorithm": algorithm, "seed": str(2**63), "layers": [layer]}).plan()
    assert caught.value.pointer == "/seed"
