"""Frameworks' streams over HTTP: what is told of them, what is refused and why, one thread and two."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import safetensors.numpy

from service.replay import ALGORITHMS
from tests.conftest import Server

DENSE = {"type": "dense", "shape": [40, 30]}


def spec(algorithm: str, *layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"algorithm": algorithm, "seed": 0, "layers": list(layers or [DENSE]), **more}


def test_every_algorithm_is_told_of_and_its_example_works(client: httpx.Client) -> None:
    told = {each["name"]: each for each in client.get("/algorithms").json()["algorithms"]}
    assert set(told) == {"initserve/1", *ALGORITHMS}
    for name, each in told.items():
        assert each["summary"]
        assert each["exact"]
        assert each["dtypes"]
        assert name == "initserve/1" or (each["versions"] and each["not_exact"])
        answer = client.post("/init", json=each["example"]).json()  # which waits until the stream is ready
        assert client.get(f"/algorithms/{name}").json() == {**each, "ready": True}
        assert answer["algorithm"] == name
        assert answer["layout"] == each["layout"]
        assert answer.get("exact", True) is True
    assert client.get("/readyz").json()["algorithms"] == ["initserve/1", *ALGORITHMS]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_not_exact_is_refused_unless_it_may_be(client: httpx.Client, algorithm: str) -> None:
    asked = spec(algorithm, {"type": "tensor", "shape": [8, 8], "scheme": "orthogonal"})
    refused = client.post("/init", json=asked)
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["type"] == "/problems/not-exact"
    assert "LAPACK" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "/layers/0/scheme"
    assert problem["try"] == {"exact": False}
    assert client.get(problem["type"]).status_code == 200
    answer = client.post("/init", json={**asked, "exact": False}).json()
    assert answer["exact"] is False
    assert [warning["code"] for warning in answer["warnings"]] == ["not-exact"]
    file = client.post("/init?format=safetensors", json={**asked, "exact": False}).content
    size = int.from_bytes(file[:8], "little")
    assert json.loads(file[8 : 8 + size])["__metadata__"]["exact"] == "false"
    (values,) = safetensors.numpy.load(file).values()
    np.testing.assert_allclose(values @ values.T, np.eye(8), atol=1e-5)


@pytest.mark.parametrize(
    ("asked", "pointer", "word"),
    [
        (spec("torch-cpu/2"), "/algorithm", "torch-cpu/1"),
        (spec("jax-threefry/1", dtype="float64"), "/dtype", "float32"),
        (spec("numpy-pcg64/1", dtype="bfloat16"), "/dtype", "float64"),
        (spec("keras-numpy/1", seed=2**32), "/seed", "4294967296"),
        (spec("torch-cpu/1", {**DENSE, "scheme": "he_normal"}), "/layers/0/scheme", "torch:kaiming_normal"),
        (spec("torch-cpu/1", {**DENSE, "scheme": "chrono"}), "/layers/0/scheme", "lstm"),
        (spec("torch-cpu/1", {**DENSE, "bias": "torch:xavier_normal"}), "/layers/0/bias", "two axes"),
        (spec("torch-cpu/1", {"type": "moe_dense", "shape": [2, 3, 4]}), "/layers/0/type", "torch has no layer"),
        (spec("torch-cpu/1", {**DENSE, "lora_rank": 2}), "/layers/0/lora_rank", "no LoRA"),
        (spec("torch-cpu/1", fans="keras"), "/fans", "pytorch"),
        (
            {"algorithm": "torch-cpu/1", "recipe": "gpt2", "rules": [{"match": "*", "scheme": "zeros"}]},
            "/rules",
            "published",
        ),
        (
            spec(
                "torch-cpu/1", {"type": "tensor", "shape": [9, 9], "scheme": {"name": "torch:trunc_normal", "std": 0.0}}
            ),
            "/layers/0/scheme",
            "stddev",
        ),
    ],
)
def test_what_a_framework_has_not_is_refused(client: httpx.Client, asked: Any, pointer: str, word: str) -> None:
    refused = client.post("/plan", json=asked)
    assert refused.status_code == 422, refused.text
    problem = refused.json()
    assert problem["errors"][0]["pointer"] == pointer, problem
    assert word in problem["errors"][0]["detail"], problem


def test_stated_schemes_say_what_they_are(client: httpx.Client) -> None:
    layer = {**DENSE, "scheme": {"name": "torch:kaiming_normal", "nonlinearity": "relu"}, "bias": "zeros"}
    (answer,) = client.post("/plan", json=spec("torch-cpu/1", layer)).json()["layers"]
    weight, bias = answer["parameters"]
    assert (weight["name"], weight["fan_in"], weight["fan_out"]) == ("weight", 40, 30)
    assert weight["scheme"]["name"] == "torch:kaiming_normal"
    assert weight["formula"] == "N(0, 0.223606798²)"
    assert (bias["scheme"]["name"], bias["formula"]) == ("zeros", "0")


def test_a_second_bias_is_zero_where_the_first_is_stated(client: httpx.Client) -> None:
    layer = {"type": "lstm", "shape": [3, 4], "bias": "zeros"}
    (answer,) = client.post("/init?include=statistics", json=spec("torch-cpu/1", layer)).json()["layers"]
    found = {each["name"]: (each["statistics"]["min"], each["statistics"]["max"]) for each in answer["parameters"]}
    assert found["bias_ih_l0"] == found["bias_hh_l0"] == (0.0, 0.0)
    assert found["weight_ih_l0"] != (0.0, 0.0)


@pytest.fixture(scope="module")
def one_and_three_threads() -> Iterator[tuple[str, str]]:
    """Yield the addresses of two servers, one that draws with a single thread and one with three."""
    servers = [Server(INITSERVE_DRAWING_THREADS=threads) for threads in ("1", "3")]
    for server in servers:
        server.wait_until_ready()
    yield servers[0].url, servers[1].url
    for server in servers:
        server.stop()


@pytest.mark.parametrize("layout", ["keras", "pytorch"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_threads_change_no_byte(one_and_three_threads: tuple[str, str], algorithm: str, layout: str) -> None:
    layers = [{"type": "dense", "shape": [1500, 700]}, {"type": "embedding", "shape": [999, 333]}, DENSE]
    asked = spec(algorithm, *layers, layout=layout)
    answers = [httpx.post(f"{url}/init?format=safetensors", json=asked, timeout=60.0) for url in one_and_three_threads]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(answers[0].content) > 4 * (1500 * 700 + 999 * 333 + 40 * 30)
    assert answers[0].content == answers[1].content


def test_weights_drawn_with_one_key_are_warned_of(client: httpx.Client) -> None:
    answer = client.post("/plan", json=spec("jax-threefry/1", DENSE, DENSE)).json()
    assert answer["exact"] is True
    (warning,) = answer["warnings"]
    assert warning["code"] == "identical-parameters"
    assert "dense_1/kernel has the values of dense_0/kernel" in warning["detail"]
    assert client.post("/plan", json=spec("jax-threefry/1", DENSE, DENSE | warning["try"])).json()["warnings"] == []
    assert client.post("/plan", json=spec("flax-linen/1", DENSE, DENSE)).json()["warnings"] == []
    seeded = {**DENSE, "seed": 3}
    answer = client.post("/plan", json=spec("torch-cpu/1", seeded, {**DENSE, "seed": 2**32 + 3})).json()
    assert [warning["code"] for warning in answer["warnings"]] == ["identical-parameters"]


def test_what_is_recommended_is_in_the_frameworks_own_kind(client: httpx.Client) -> None:
    layers: list[dict[str, Any]] = [
        {**DENSE, "activation": "relu"},
        {**DENSE, "activation": "tanh"},
        {**DENSE, "gain": 1.5, "bias": None},
    ]
    answer = client.post("/plan", json=spec("torch-cpu/1", *layers, defaults="recommended")).json()
    weights = [layer["parameters"][0]["scheme"] for layer in answer["layers"]]
    assert [scheme["name"] for scheme in weights] == ["torch:kaiming_normal", "glorot_uniform", "variance_scaling"]
    assert [scheme["distribution"] for scheme in weights] == ["untruncated_normal", "uniform", "uniform"]
    tuned = client.post("/diagnose", json={**spec("torch-cpu/1"), "tune": "gains"}).json()["tuned"]
    assert client.post("/init", json=tuned).json()["exact"] is True


HUGE = {"type": "tensor", "shape": [2**31, 2**31], "scheme": "torch:normal"}
NARROW = {"name": "torch:trunc_normal", "a": 1.0, "b": 1.3}


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("/init", spec("torch-cpu/1", {"type": "transformers_conv1d", "shape": [4, 3], "bias": None}), 200),
        ("/plan", {"algorithm": "torch-cpu/1", "recipe": "gpt2", "defaults": "pytorch"}, 200),
        ("/plan", {"algorithm": "torch-cpu/1", "recipe": "bert", "defaults": "keras"}, 200),
        ("/plan", {"algorithm": "keras-jax/1", "recipe": "bert"}, 422),
        ("/plan", {"algorithm": "torch-cpu/1", "recipe": "megatron"}, 422),
        ("/plan", spec("torch-cpu/1", {**DENSE, "scheme": {"name": "torch:kaiming_normal", "nonlinearity": []}}), 422),
        (
            "/plan",
            spec("torch-cpu/1", {**DENSE, "scheme": {"name": "truncated_normal", "mean": 1e6, "stddev": 1e-12}}),
            422,
        ),
        (
            "/plan",
            {"dtype": "float64", "layers": [{**DENSE, "scheme": {"name": "siren", "omega": 1e-300}}]},
            200,
        ),
        ("/init", spec("torch-cpu/1", *[{"type": "tensor", "shape": [4], "scheme": NARROW}] * 300), 200),
        (
            "/init?format=npy",
            spec("torch-cpu/1", {"type": "tensor", "shape": [2, 500_000], "scheme": "torch:sparse"}),
            200,
        ),
        ("/plan", spec("torch-cpu/1", HUGE, HUGE, HUGE, {"type": "tensor", "shape": [5], "scheme": NARROW}), 422),
        (  # as good as nothing is accepted
            "/init",
            spec("torch-cpu/1", {"type": "tensor", "shape": [4], "scheme": {**NARROW, "b": 1e8}}, exact=False),
            422,
        ),
        (  # thousands of calls that may each know of a tie
            "/plan",
            spec(
                "torch-cpu/1",
                *[{"type": "lstm", "shape": [1, 1], "num_layers": 64, "bidirectional": True}] * 4,
                rules=[{"match": "*", "scheme": NARROW}],
            ),
            422,
        ),
        ("/plan", spec("torch-cpu/1", {**DENSE, "scheme": "torch:orthogonal"}, dtype="float16", exact=False), 422),
        (
            "/plan",
            spec("torch-cpu/1", {**DENSE, "scheme": {"name": "torch:uniform", "a": -6e4, "b": 6e4}}, dtype="float16"),
            422,
        ),
    ],
)
def test_hard_cases_are_answered_soon(client: httpx.Client, path: str, asked: Any, status: int) -> None:
    began = time.monotonic()
    answer = client.post(path, json=asked)
    assert answer.status_code == status, answer.text[:500]
    assert time.monotonic() - began < 5.0
