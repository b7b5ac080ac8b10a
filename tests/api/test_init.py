"""POST /init: what is answered, and that it is the same again."""

import base64
import hashlib
import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from service.api.answers import InitAnswer, PlanAnswer
from tests.conftest import serving

DENSE: dict[str, Any] = {"name": "fc1", "type": "dense", "shape": [12, 8], "activation": "relu"}
CONV: dict[str, Any] = {"name": "conv", "type": "conv2d", "shape": [3, 2, 4, 6], "groups": 2, "activation": "tanh"}
SPEC: dict[str, Any] = {"seed": 42, "layers": [DENSE, CONV, {"name": "table", "type": "embedding", "shape": [9, 4]}]}


def ask(client: httpx.Client, spec: dict[str, Any], query: str = "") -> Any:
    answer = client.post(f"/init{query}", json=spec)
    assert answer.status_code == 200, answer.text
    InitAnswer.model_validate(answer.json())
    return answer.json()


def arrays(answer: Any) -> dict[str, NDArray[Any]]:
    found = {}
    for layer in answer["layers"]:
        for parameter in layer["parameters"]:
            loaded = np.load(io.BytesIO(base64.b64decode(parameter["npy"], validate=True)))
            assert list(loaded.shape) == parameter["shape"]
            assert hashlib.sha256(loaded.tobytes()).hexdigest() == parameter["sha256"]
            found[f"{layer['name']}/{parameter['name']}"] = loaded
    return found


def test_the_answer_holds_the_contracts_fields_and_loadable_weights(client: httpx.Client) -> None:
    answer = ask(client, SPEC)
    assert answer.keys() == {"algorithm", "seed", "layout", "dtype", "layers", "links", "warnings"}
    assert (answer["algorithm"], answer["seed"], answer["layout"], answer["dtype"]) == (
        "initserve/1", "42", "keras", "float32",
    )  # fmt: skip
    assert answer["layers"][0].keys() == {"name", "type", "activation", "parameters"}
    kernel = answer["layers"][0]["parameters"][0]
    described = {"name", "shape", "dtype", "fan_in", "fan_out", "scheme", "formula", "reason", "links"}
    assert kernel.keys() == described | {"npy", "sha256"}
    assert kernel["scheme"] == {
        "name": "he_normal", "scale": 2.0, "mode": "fan_in", "distribution": "truncated_normal",
    }  # fmt: skip
    assert kernel["formula"] == "N(0, 0.46411594²) between -0.92823188 and 0.92823188"
    assert kernel["reason"] == "relu: He et al. 2015"
    found = arrays(answer)
    assert {name: array.shape for name, array in found.items()} == {
        "fc1/kernel": (12, 8),
        "fc1/bias": (8,),
        "conv/kernel": (3, 2, 2, 6),
        "conv/bias": (6,),
        "table/embeddings": (9, 4),
    }
    assert not found["fc1/bias"].any()


def test_statistics_come_alone_or_beside_the_weights(client: httpx.Client) -> None:
    alone, both = ask(client, SPEC, "?include=statistics"), ask(client, SPEC, "?include=weights,statistics")
    kernels = [answer["layers"][0]["parameters"][0] for answer in (alone, both)]
    assert "npy" not in kernels[0]
    assert kernels[0]["statistics"] == kernels[1]["statistics"]
    assert kernels[0]["sha256"] == kernels[1]["sha256"]
    weights = arrays(both)["fc1/kernel"]
    statistics = kernels[0]["statistics"]
    assert statistics.keys() == {"count", "mean", "std", "min", "max", "expected", "histogram"}
    assert statistics["count"] == 96
    assert statistics["mean"] == pytest.approx(weights.mean(dtype=np.float64))
    assert statistics["expected"]["std"] == pytest.approx(np.sqrt(2 / 12))
    assert (len(statistics["histogram"]["edges"]), len(statistics["histogram"]["counts"])) == (65, 64)


def test_the_same_spec_gives_the_same_bytes_from_another_process_too(client: httpx.Client) -> None:
    once, again = (client.post("/init", json=SPEC).content for _ in range(2))
    with serving(PYTHONHASHSEED="1", INITSERVE_DRAWING_THREADS="1") as other:
        elsewhere = httpx.post(f"{other.url}/init", json=SPEC).content
    assert once == again == elsewhere


def test_a_seed_left_out_is_drawn_and_repeats_the_answer(client: httpx.Client) -> None:
    spec = {"layers": [DENSE]}
    first, second = ask(client, spec), ask(client, spec)
    assert first["seed"] != second["seed"]
    assert ask(client, {**spec, "seed": first["seed"]}) == first


def test_what_an_answer_says_of_its_schemes_can_be_posted_back(client: httpx.Client) -> None:
    answer = ask(client, SPEC)
    layers = []
    for asked, made in zip(SPEC["layers"], answer["layers"], strict=True):
        schemes = {parameter["name"]: parameter["scheme"] for parameter in made["parameters"]}
        bias = {"bias": schemes.pop("bias")} if "bias" in schemes else {}
        layers.append({**asked, "scheme": next(iter(schemes.values())), **bias})
    again = ask(client, {**SPEC, "layers": layers})
    assert {k: v.tolist() for k, v in arrays(again).items()} == {k: v.tolist() for k, v in arrays(answer).items()}


def test_layers_do_not_depend_on_each_other(client: httpx.Client) -> None:
    whole = arrays(ask(client, SPEC))
    for layers in ([DENSE], [CONV, DENSE], [{"type": "dense", "shape": [2, 2]}, *reversed(SPEC["layers"])]):
        part = arrays(ask(client, {"seed": "42", "layers": layers}))
        for name in whole.keys() & part.keys():
            assert np.array_equal(whole[name], part[name]), name


def test_a_layers_own_seed_wins(client: httpx.Client) -> None:
    own = arrays(ask(client, {"seed": 1, "layers": [{**DENSE, "seed": "42"}]}))
    assert np.array_equal(own["fc1/kernel"], arrays(ask(client, SPEC))["fc1/kernel"])


def test_layouts_are_the_same_network(client: httpx.Client) -> None:
    keras, pytorch, flax = (arrays(ask(client, {**SPEC, "layout": name})) for name in ("keras", "pytorch", "flax"))
    assert np.array_equal(pytorch["fc1/weight"], keras["fc1/kernel"].T)
    assert np.array_equal(pytorch["conv/weight"], keras["conv/kernel"].transpose(3, 2, 0, 1))
    assert np.array_equal(pytorch["table/weight"], keras["table/embeddings"])
    assert np.array_equal(flax["table/embedding"], keras["table/embeddings"])
    assert np.array_equal(flax["conv/kernel"], keras["conv/kernel"])


def test_dtypes_are_roundings_of_one_draw(client: httpx.Client) -> None:
    single = arrays(ask(client, SPEC))["fc1/kernel"]
    half = arrays(ask(client, {**SPEC, "dtype": "float16"}))["fc1/kernel"]
    double = arrays(ask(client, {**SPEC, "dtype": "float64"}))["fc1/kernel"]
    assert np.array_equal(half, single.astype(np.float16))
    assert double.dtype == np.float64
    assert np.abs(double / single - 1.0).max() < 2.0**-22


def test_bfloat16_has_no_npy_form_but_everything_else(client: httpx.Client) -> None:
    spec = {**SPEC, "dtype": "bfloat16"}
    for query in ("", "?format=npz", "?include=weights,statistics"):
        refused = client.post(f"/init{query}", json=spec)
        assert refused.status_code == 422
        assert refused.json()["type"] == "/problems/unsupported-combination"
        assert refused.json()["try"] == {"format": "safetensors"}
    assert client.post("/init?format=safetensors", json=spec).status_code == 200
    assert "npy" not in ask(client, spec, "?include=statistics")["layers"][0]["parameters"][0]


def test_constant_weights_are_warned_of_and_the_remedy_works(client: httpx.Client) -> None:
    zeros, fives = {**DENSE, "scheme": "zeros"}, {**CONV, "scheme": {"name": "constant", "value": 5.0}}
    warnings = ask(client, {"layers": [zeros, fives]})["warnings"]
    assert [warning["pointer"] for warning in warnings] == ["/layers/0/scheme", "/layers/1/scheme"]
    assert "nothing is learnt" in warnings[0]["detail"]
    assert "every unit computes the same" in warnings[1]["detail"]
    mended = [{**layer, **warning["try"]} for layer, warning in zip((zeros, fives), warnings, strict=True)]
    assert ask(client, {"layers": mended})["warnings"] == []


def test_the_largest_seed_is_returned_as_a_string(client: httpx.Client) -> None:
    assert ask(client, {"seed": str(2**64 - 1), "layers": [DENSE]})["seed"] == "18446744073709551615"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/problems", "/openapi.json", "/docs/", "/"])
def test_what_else_answers(client: httpx.Client, path: str) -> None:
    assert client.get(path, follow_redirects=True).status_code == 200


def test_the_golden_digest_comes_over_http_too(client: httpx.Client) -> None:
    spec = {"seed": 42, "layers": [{"name": "golden", "type": "tensor", "shape": [23, 17], "scheme": "he_normal"}]}
    digest = "a365d5a07527f6cbad308ce7865196301935797f2aadf74b04c0af134d360377"
    assert ask(client, spec)["layers"][0]["parameters"][0]["sha256"] == digest
    file = client.post("/init?format=npy", content=json.dumps(spec), headers={"content-type": "application/json"})
    assert hashlib.sha256(np.load(io.BytesIO(file.content)).tobytes()).hexdigest() == digest


def test_a_model_whose_arrays_are_one_says_so(client: httpx.Client) -> None:
    config = {"n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 5, "n_positions": 3}
    spec = {"recipe": "gpt2", "config": config, "head": "causal_lm", "seed": 1}
    answer = client.post("/init", json=spec)
    assert answer.status_code == 200
    InitAnswer.model_validate(answer.json())
    assert answer.json()["tied"] == {"lm_head.weight": "transformer.wte.weight"}
    plan = client.post("/plan", json=spec).json()
    PlanAnswer.model_validate(plan)
    assert plan["tied"] == answer.json()["tied"]
    assert "lm_head" not in [layer["name"] for layer in plan["layers"]]
