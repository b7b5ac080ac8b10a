"""The JSON answer's content, member by member: what is told of a parameter is what its bytes show."""

import base64
import hashlib
import io
import json
from typing import Any

import numpy as np
import pytest

from service.errors import UnsupportedCombination
from service.formats import FORMATS, Include
from service.formats.description import encode_plan
from service.networks.plan import Plan
from service.specs.spec import Spec


def plan(*layers: dict[str, Any], **more: Any) -> Plan:
    return Spec.model_validate({"seed": 42, **more, "layers": list(layers)}).plan()


def answer(planned: Plan, **include: bool) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FORMATS["json"].encode(planned, Include(**include)).whole())
    return found


DENSE = {"type": "dense", "shape": [40, 30], "scheme": "random_normal", "bias": "random_uniform"}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_digest_and_statistics_are_those_of_the_bytes(dtype: str) -> None:
    (layer,) = answer(plan(DENSE, dtype=dtype), weights=True, statistics=True)["layers"]
    for parameter in layer["parameters"]:
        file = base64.b64decode(parameter["npy"], validate=True)
        values = np.load(io.BytesIO(file))
        assert parameter["sha256"] == hashlib.sha256(values.tobytes()).hexdigest()
        told, exact = parameter["statistics"], values.astype(np.float64)
        assert (told["min"], told["max"]) == (exact.min(), exact.max())
        assert told["mean"] == pytest.approx(exact.mean(), rel=1e-9, abs=1e-12)
        assert told["std"] == pytest.approx(exact.std(), rel=1e-9)
        assert sum(told["histogram"]["counts"]) == values.size


def test_bfloat16_is_summed_up_though_it_has_no_npy_form() -> None:
    with pytest.raises(UnsupportedCombination, match=r"no \.npy form; ask for safetensors") as refused:
        answer(plan(DENSE, dtype="bfloat16"))
    assert (refused.value.pointer, refused.value.remedy) == ("/dtype", {"format": "safetensors"})
    (layer,) = answer(plan(DENSE, dtype="bfloat16"), weights=False, statistics=True)["layers"]
    (raw,) = (each for each in plan(DENSE, dtype="bfloat16").parameters if each.name == "kernel")
    stored = np.concatenate(list(raw.blocks()))
    values = (stored.astype(np.uint32) << 16).view(np.float32)
    assert layer["parameters"][0]["sha256"] == hashlib.sha256(stored.tobytes()).hexdigest()
    assert layer["parameters"][0]["statistics"]["max"] == values.max()


def test_true_fans_are_told_only_where_others_count() -> None:
    conv = {"type": "conv2d", "shape": [3, 3, 8, 16], "groups": 4, "scheme": "he_normal", "bias": None}
    for fans, counted, true in (("true", (18, 36), None), ("keras", (18, 144), {"fan_in": 18, "fan_out": 36})):
        (parameter,) = answer(plan(conv, fans=fans))["layers"][0]["parameters"]
        assert (parameter["fan_in"], parameter["fan_out"]) == counted
        assert parameter.get("true_fans") == true


def test_what_a_plan_tells_is_what_the_answer_tells_with_bytes_and_totals() -> None:
    layers = (DENSE | {"name": "a", "activation": "relu", "scheme": {"name": "constant", "value": 0.5}}, DENSE)
    planned = plan(*layers)
    told, made = json.loads(encode_plan(planned)), answer(planned)
    for there, here in zip(told["layers"], made["layers"], strict=True):
        assert all(there[key] == here[key] for key in ("name", "type", "activation"))
        for one, other in zip(there["parameters"], here["parameters"], strict=True):
            assert one.pop("bytes") == 4 * np.prod(one["shape"])
            assert one.pop("shard") == "model-00001-of-00001.safetensors"
            assert one == {key: value for key, value in other.items() if key not in ("npy", "sha256")}
    assert told["warnings"] == made["warnings"] != []
    assert set(told["warnings"][0]) == {"code", "pointer", "detail", "try"}
    assert told["totals"] == {"parameters": 4, "elements": 2 * (1200 + 30), "bytes": 8 * (1200 + 30), "shards": 1}
    assert "exact" not in told  # only what repeats a framework can fail to
    assert told["seed"] == "42"


def test_whether_every_value_is_the_frameworks_is_told_of_its_streams() -> None:
    layers = [{"type": "dense", "shape": [3, 2]}]
    spec = {"algorithm": "torch-cpu/1", "seed": 0, "layers": layers}
    assert json.loads(encode_plan(Spec.model_validate(spec).plan()))["exact"] is True


@pytest.mark.parametrize("format", ["json", "npz", "safetensors"])
def test_no_piece_holds_more_than_a_block(format: str) -> None:
    """768 KiB of float32, and in JSON its base64 beside it."""
    planned = plan({"type": "tensor", "shape": [700_000], "scheme": "random_normal"})
    pieces = [(piece.weight, len(piece.make()())) for piece in FORMATS[format].encode(planned, Include()).pieces()]
    most = 3 * 2**18
    assert max(held for _, held in pieces) <= most * 4 // 3 + 200
    assert max(weight for weight, _ in pieces) <= most * 7 // 3
    assert sum(held > 2**19 for _, held in pieces) >= 3


@pytest.mark.parametrize("format", ["json", "npz", "safetensors"])
def test_a_matrix_that_takes_long_comes_as_what_it_is(format: str) -> None:
    """Its decomposition is a piece of its own, made alone; nothing of it is sent."""
    layer = {"name": "a", "type": "tensor", "shape": [256, 256], "scheme": "orthogonal"}
    heavy, body = [], b""
    for piece in FORMATS[format].encode(plan(layer), Include()).pieces():
        held = bytes(piece.make()())
        heavy += [held] if piece.heavy else []
        body += held
    assert heavy == [b""]
    assert len(body) > 4 * 256 * 256
    small = plan({**layer, "shape": [20, 20]})
    assert not any(piece.heavy for piece in FORMATS[format].encode(small, Include()).pieces())
