"""keras-…/1 against Keras itself, at random: schemes, shapes, dtypes, seeds, layers, whole models; by bytes."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from service.errors import InitserveError
from service.replay import ALGORITHMS
from service.specs.spec import Spec

Answer = list[tuple[str, str, list[int], str]]
CASES = int(os.environ.get("REPLAY_CASES", "60"))
PHASES = [Phase.explicit, Phase.generate, *([] if CASES > 150 else [Phase.shrink])]  # to shrink takes minutes
BACKENDS = [name for name in ("numpy", "torch", "jax", "tensorflow") if importlib.util.find_spec(name) is not None]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}


class Worker:
    def __init__(self, backend: str) -> None:
        self.backend = backend
        environment = {**os.environ, **QUIET, "KERAS_BACKEND": backend}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.frameworks.replay.keras_worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip

    def ask(self, spec: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(spec) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("ANSWER "):
                return json.loads(line.removeprefix("ANSWER "))
        raise AssertionError("Keras is gone")

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait(60)


@pytest.fixture(scope="module")
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    found = Worker(request.param)
    yield found
    found.close()


def ours(spec: dict[str, Any]) -> Answer:
    plan = Spec.model_validate(spec).plan()
    return [
        (each.name, spec["dtype"], list(each.shape), b"".join(block.tobytes() for block in each.blocks()).hex())
        for each in plan.parameters
    ]


sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1) | st.integers(0, 3)
# Not -0.0: TensorFlow remembers scalars, and for it that one is 0.0.
numbers = (st.floats(-3, 3, width=32) | st.sampled_from([0.0, 0.5, 1.0, 1e-3])).map(lambda number: number + 0.0)
deviations = st.floats(0.0009765625, 3, width=32) | st.sampled_from([0.02, 0.05, 1.0, 1e-3])
PRESETS = ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform"]


axes = st.none() | st.lists(st.sampled_from([0, -1]), max_size=2)  # that every array with any has


def stated(name: str, **parameters: Any) -> Any:
    return st.fixed_dictionaries({"name": st.just(name), **parameters})


random_schemes = st.one_of(
    st.sampled_from([*PRESETS, "random_normal", "random_uniform", "truncated_normal"]),
    stated("random_normal", mean=numbers, stddev=deviations),
    stated("truncated_normal", mean=numbers, stddev=deviations),
    st.tuples(numbers, deviations).map(
        lambda ends: {"name": "random_uniform", "minval": ends[0], "maxval": ends[0] + ends[1]}
    ),
    stated(
        "keras:variance_scaling",
        scale=st.floats(0.125, 8, width=32),
        mode=st.sampled_from(["fan_in", "fan_out", "fan_avg"]),
        distribution=st.sampled_from(["truncated_normal", "untruncated_normal", "uniform", "normal"]),
        input_axes=axes,
        output_axes=axes,
    ),
)
constants = st.sampled_from(["zeros", "ones"]) | stated("constant", value=numbers)
schemes = random_schemes | constants
bias = st.sampled_from([{}, {}, {"bias": None}]) | schemes.map(lambda scheme: {"bias": scheme})


def member(name: str, values: st.SearchStrategy[Any] = schemes) -> st.SearchStrategy[dict[str, Any]]:
    return st.just({}) | values.map(lambda value: {name: value})


def layer(
    kind: str, shape: st.SearchStrategy[Any], *more: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(shape, *more).map(
        lambda parts: {"type": kind, "shape": list(parts[0]), **{k: v for part in parts[1:] for k, v in part.items()}}
    )


def shapes(count: int, most: int = 6) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(1, most)] * count)


own_seed: st.SearchStrategy[dict[str, Any]] = st.just({}) | (st.integers(0, 2**32 - 1) | st.integers(1 - 2**53, 9)).map(
    lambda seed: {"seed": seed}
)


def convolutions() -> st.SearchStrategy[dict[str, Any]]:
    found = []
    for axes in (1, 2, 3):
        found.append(layer(f"conv{axes}d", shapes(axes + 2, 4), member("scheme"), bias, own_seed))
        found.append(layer(f"conv{axes}d_transpose", shapes(axes + 2, 4), member("scheme"), bias, own_seed))
    for axes in (1, 2):
        found.append(layer(f"depthwise_conv{axes}d", shapes(axes + 2, 4), member("scheme"), bias, own_seed))
        found.append(
            layer(
                f"separable_conv{axes}d", shapes(axes + 2, 4), member("scheme"), member("pointwise_scheme"), bias,
                member("depth_multiplier", st.integers(1, 3)), own_seed,
            )
        )  # fmt: skip
    grouped = st.tuples(shapes(4, 3), st.integers(1, 3)).map(
        lambda parts: {"type": "conv2d", "groups": parts[1],
                       "shape": [*parts[0][:2], parts[0][2] * parts[1], parts[0][3] * parts[1]]}
    )  # fmt: skip
    return st.one_of(*found, grouped)


def recurrents() -> st.SearchStrategy[dict[str, Any]]:
    flags = st.fixed_dictionaries({"num_layers": st.integers(1, 2), "bidirectional": st.booleans()})
    recurrent = schemes.map(lambda scheme: {"recurrent_scheme": scheme})
    kinds = st.sampled_from(["simple_rnn", "lstm", "gru"])
    return st.tuples(kinds, layer("", shapes(2, 5), member("scheme"), bias, recurrent, flags, own_seed)).map(
        lambda parts: {**parts[1], "type": parts[0]}
    )


def attentions() -> st.SearchStrategy[dict[str, Any]]:
    both = st.just({}) | schemes.map(lambda scheme: {"scheme": scheme, "output_scheme": scheme})
    several = st.tuples(shapes(4, 4), bias, both).map(
        lambda parts: {"type": "multi_head_attention", "shape": [parts[0][0] * parts[0][1], *parts[0][:2]],
                       "key_width": parts[0][2], "value_width": parts[0][3], **parts[1], **parts[2]}
    )  # fmt: skip
    grouped = st.tuples(layer("grouped_query_attention", shapes(3, 4), bias, both, own_seed), sizes).map(
        lambda parts: {**parts[0], "kv_heads": parts[1],
                       "shape": [parts[0]["shape"][0], parts[0]["shape"][1] * parts[1], parts[0]["shape"][2]]}
    )  # fmt: skip
    return layer("multi_head_attention", shapes(3, 5), bias, both, own_seed) | several | grouped


EQUATIONS = [
    ("abc,cde->abde", 3, [None, "de", "e"]), ("ab,bc->ac", 2, [None, "c"]), ("...x,xy->...y", 2, [None, "y"]),
    ("abcd,cde->abe", 3, [None, "e"]), ("abc,bcd->abd", 3, [None, "d", "bd"]),
]  # fmt: skip


def einsums() -> st.SearchStrategy[dict[str, Any]]:
    def of(row: tuple[str, int, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
        equation, axes, choices = row
        biases = st.tuples(st.sampled_from(choices), member("bias")).map(
            lambda parts: {} if parts[0] is None else {"bias_axes": parts[0], **parts[1]}
        )
        return layer(
            "einsum_dense", shapes(axes, 5), st.just({"equation": equation}), biases, member("scheme"), own_seed
        )

    return st.sampled_from(EQUATIONS).flatmap(of)


def norms() -> st.SearchStrategy[dict[str, Any]]:
    kinds = st.sampled_from(["batch_norm", "layer_norm", "group_norm"])
    normal = st.tuples(kinds, layer("", shapes(1), member("scheme"), bias, own_seed)).map(
        lambda parts: {**parts[1], "type": parts[0]}
    )
    return normal | layer("rms_norm", shapes(1)) | layer("prelu", shapes(1), member("scheme"), own_seed)


def tensors() -> st.SearchStrategy[dict[str, Any]]:
    some = st.integers(0, 4).flatmap(lambda count: shapes(count, 9))
    long = st.integers(1, 1200).map(lambda size: (size,))
    wide = st.tuples(st.integers(1, 300), st.integers(1, 300))
    square = layer("tensor", shapes(2, 9), stated("identity", gain=numbers).map(lambda scheme: {"scheme": scheme}))
    return layer("tensor", some | long | wide, schemes.map(lambda scheme: {"scheme": scheme}), own_seed) | square


def denses() -> st.SearchStrategy[dict[str, Any]]:
    rank = st.integers(1, 4).map(lambda rank: {"lora_rank": rank})
    return layer("dense", shapes(2, 40), member("scheme"), bias, own_seed) | layer(
        "dense", shapes(2, 12), member("scheme"), bias, rank
    )


def embeddings() -> st.SearchStrategy[dict[str, Any]]:
    return layer("embedding", shapes(2, 20), member("scheme"), own_seed)


def dropouts() -> st.SearchStrategy[dict[str, Any]]:
    return own_seed.map(lambda seed: {"type": "dropout", **seed})


# Deferred, since what Hypothesis says of a strategy would fill pages.
FAMILIES = [tensors, tensors, denses, embeddings, convolutions, recurrents, attentions, einsums, norms, dropouts]
layers = st.one_of(*(st.deferred(family) for family in FAMILIES))


def specs(dtypes: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(layers, min_size=1, max_size=4)
    dtype = st.sampled_from(("float32", *dtypes))
    return st.fixed_dictionaries({"seed": seeds.map(str), "dtype": dtype, "layers": some})


def in_float32(backend: str, dtype: str, layer: dict[str, Any]) -> bool:
    """Whether Keras answers in float32 though another dtype is asked for."""
    identity = "identity" in str(layer.get("scheme"))
    return ("lora_rank" in layer and dtype != "float32") or (identity and (backend, dtype) == ("numpy", "bfloat16"))


def compare(worker: Worker, spec: dict[str, Any], sequential: bool = False) -> None:
    assume(not any(in_float32(worker.backend, spec["dtype"], each) for each in spec["layers"]))
    if worker.backend in ("numpy", "jax"):  # whose initialisers refuse a negative seed, though only where they draw
        seeds = [{"seed": each["seed"] % 2**32} if "seed" in each else {} for each in spec["layers"]]
        spec = {**spec, "layers": [{**each, **seed} for each, seed in zip(spec["layers"], seeds, strict=True)]}
    made = worker.ask({**spec, "sequential": sequential})
    spec = {**spec, "algorithm": f"keras-{worker.backend}/1"}
    if isinstance(made, str):  # Keras refuses it, so we do
        with pytest.raises(InitserveError):
            ours(spec)
        event(made)
        return
    found = ours(spec)
    assert [each[:3] for each in found] == [tuple(each[:3]) for each in made]
    for mine, theirs in zip(found, made, strict=True):
        assert mine[3] == theirs[3], mine[0]


@pytest.mark.parametrize("worker", BACKENDS, indirect=True)
def test_at_random(worker: Worker) -> None:
    @settings(max_examples=CASES, phases=PHASES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(specs(ALGORITHMS[f"keras-{worker.backend}/1"].dtypes))
    def run(spec: dict[str, Any]) -> None:
        compare(worker, spec)

    run()


@pytest.mark.parametrize("worker", BACKENDS, indirect=True)
def test_a_sequential_model_is_its_layers_one_by_one(worker: Worker) -> None:
    widths = (5, 40, 17, 3)
    stack = [{"type": "dense", "shape": list(pair)} for pair in pairwise(widths)]
    stack[1] |= {"scheme": "he_normal", "bias": "random_normal"}
    compare(worker, {"seed": "7", "dtype": "float32", "layers": stack}, sequential=True)
