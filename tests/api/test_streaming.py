"""Large answers over loopback: whole, and exact in length."""

import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load

JSON = {"content-type": "application/json"}


def spec(*shape: int, **more: Any) -> bytes:
    layer = {"name": "w", "type": "tensor", "shape": list(shape), "scheme": "glorot_uniform", **more}
    return json.dumps({"seed": 1, "layers": [layer]}).encode()


def test_a_large_file_is_whole_and_of_the_declared_length(server: str, tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    with (
        file.open("wb") as out,
        httpx.stream("POST", f"{server}/init?format=safetensors", content=spec(5000, 5000), headers=JSON) as answer,
    ):
        assert answer.headers["content-disposition"] == 'attachment; filename="weights.safetensors"'
        for part in answer.iter_raw():
            out.write(part)
    assert file.stat().st_size == int(answer.headers["content-length"])
    with safe_open(file, framework="numpy") as tensors:
        values = tensors.get_tensor("w/value")
    limit = np.sqrt(6 / 10_000)
    assert values.shape == (5000, 5000)
    assert 0.9999 * limit < np.abs(values).max() <= limit


def test_large_json_is_whole_and_of_the_declared_length(client: httpx.Client) -> None:
    answer = client.post("/init?include=weights,statistics", content=spec(700, 700), headers=JSON)
    assert len(answer.content) == int(answer.headers["content-length"]) > 2_500_000
    (parameter,) = answer.json()["layers"][0]["parameters"]
    assert parameter["statistics"]["count"] == 490_000
    small = client.post("/init?format=safetensors", content=spec(700, 700), headers=JSON)
    assert load(small.content)["w/value"].shape == (700, 700)
