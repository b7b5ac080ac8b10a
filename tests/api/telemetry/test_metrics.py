"""Metrics say what was done: against what was asked, counted by hand."""

import httpx
import pytest

from tests.api.telemetry.scraped import Scrape, grown

DENSE = [{"name": "fc", "type": "dense", "shape": [30, 20]}]
VALUES = 30 * 20 + 20
SIZES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


WAYS = ["format=npz", "include=weights", "format=safetensors", "include=statistics"]


@pytest.mark.parametrize(
    ("dtype", "query"),
    [(dtype, way) for dtype in SIZES for way in WAYS if dtype != "bfloat16" or way in WAYS[-2:]],  # NumPy has none
)
def test_bytes_are_counted_by_stream_and_dtype_as_they_are_stored_whatever_the_format(
    client: httpx.Client, server: str, dtype: str, query: str
) -> None:
    before = Scrape.of(server)
    spec = {"seed": 1, "dtype": dtype, "layers": DENSE}
    client.post(f"/init?{query}", json=spec).raise_for_status()
    assert grown(server, before, "drawn_bytes_total", algorithm="initserve/1", dtype=dtype) == VALUES * SIZES[dtype]
    assert grown(server, before, "drawn_bytes_total") == VALUES * SIZES[dtype]


def test_bytes_of_a_framework_s_stream_and_those_that_a_file_is_compared_with_are_counted(
    client: httpx.Client, server: str
) -> None:
    spec = {"seed": 1, "algorithm": "torch-cpu/1", "layout": "torch", "layers": DENSE}
    before = Scrape.of(server)
    file = client.post("/init?format=safetensors", json=spec).raise_for_status().content
    answer = client.post("/verify", content=file, headers={"content-type": "application/octet-stream"})
    assert answer.raise_for_status().json()["equal"]
    assert grown(server, before, "drawn_bytes_total", algorithm="torch-cpu/1", dtype="float32") == 2 * 4 * VALUES
