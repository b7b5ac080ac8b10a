"""?slice= on a real server: NumPy's own slice of the whole, as a file, as bytes, in JSON, and any range of them."""

import hashlib
import io
import json
import string
import time
from random import Random
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from service.specs.slices import LONGEST
from tests.api.test_flow import resident
from tests.api.test_weights import token
from tests.conftest import Server, serving

MIB = 2**20
LAYERS = [
    {"name": "fc1", "type": "dense", "shape": [40, 30], "activation": "relu"},
    {"name": "rnn", "type": "lstm", "shape": [5, 7]},
]
STREAMS = {
    "own": {"algorithm": "initserve/1", "seed": "42"},
    "numpy": {"algorithm": "numpy-pcg64/1", "seed": "42"},
    "pytorch": {"algorithm": "initserve/1", "layout": "pytorch", "seed": "42"},
}
SLICES = ["0:4,::2", "-1", "::-1,3:5", "...,0", "5:1:-2", "7:7", "3,4", "newaxis,2"]


def address(stream: str, layers: list[dict[str, Any]] = LAYERS) -> str:
    spec = {"layers": layers, **STREAMS[stream]}
    if stream == "numpy":
        spec["layers"] = layers[:1]
    return f"/weights/{token(spec)}"


def array(content: bytes) -> NDArray[Any]:
    found: NDArray[Any] = np.load(io.BytesIO(content))
    return found


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("wanted", SLICES)
def test_a_slice_is_numpys_of_the_whole(client: httpx.Client, stream: str, wanted: str) -> None:
    name = "fc1.weight" if stream == "pytorch" else "fc1/kernel"
    at = f"{address(stream)}/{name}"
    whole = array(client.get(f"{at}.npy").content)
    part = eval(f"whole[{wanted},]", {"whole": whole, "newaxis": None})  # NumPy is the oracle
    query = {"slice": wanted}
    found = client.get(f"{at}.npy", params=query)
    assert found.status_code == 200
    assert np.array_equal(array(found.content), part)
    assert array(found.content).shape == part.shape
    raw = client.get(f"{at}.raw", params=query)
    assert raw.content == np.ascontiguousarray(part).tobytes()
    assert int(raw.headers["content-length"]) == part.nbytes
    told = client.get(f"{at}.json", params=query).json()
    assert (told["shape"], told["statistics"]["count"]) == (list(part.shape), part.size)
    assert told["sha256"] == hashlib.sha256(raw.content).hexdigest()
    if part.size > 2:
        some = client.get(f"{at}.raw", params=query, headers={"range": "bytes=5-"})
        assert (some.status_code, some.content) == (206, raw.content[5:])
        assert some.headers["content-range"] == f"bytes 5-{part.nbytes - 1}/{part.nbytes}"


def test_entity_tags_tell_slices_apart_but_not_ways_to_write_one(client: httpx.Client) -> None:
    at = f"{address('own')}/fc1/kernel.raw"
    tags = {client.head(at, params={"slice": each}).headers["etag"] for each in ("0:3", "1:3", "0:3:2", ":,0:3", "0")}
    tags |= {client.head(at).headers["etag"]}
    assert len(tags) == 6
    same = {client.head(at, params={"slice": each}).headers["etag"] for each in ("0:3", ":3", "0:3,:", "-40:3:1,...")}
    assert len(same) == 1
    assert client.get(at, params={"slice": ":3"}, headers={"if-none-match": same.pop()}).status_code == 304


def test_what_is_expected_of_a_slice_is_said_of_it_alone(client: httpx.Client) -> None:
    """A gate of an LSTM's bias is 1, the others are 0."""
    at = f"{address('own')}/rnn/lstm_cell/bias.json"
    for wanted, mean in ((":7", 0.0), ("7:14", 1.0), ("::7", 0.25), ("5:9", 0.5), ("13::-1", 0.5)):
        told = client.get(at, params={"slice": wanted}).json()["statistics"]
        assert told["expected"]["mean"] == told["mean"] == mean
        assert (told["expected"]["min"], told["expected"]["max"]) == (told["min"], told["max"])


@pytest.mark.parametrize(
    ("wanted", "instead"), [("40", "39"), ("0,0,0", "0:20"), ("a", "0:20"), ("::0", ":"), ("", "0:20")]
)
def test_what_is_no_slice_is_refused_with_one_that_is(client: httpx.Client, wanted: str, instead: str) -> None:
    at = f"{address('own')}/fc1/kernel"
    for form in (".npy", ".raw", ".json"):
        refused = client.get(at + form, params={"slice": wanted})
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-slice")
        assert refused.json()["try"] == {"slice": instead}
        assert client.get(at + form, params={"slice": instead}).status_code == 200
    assert client.get(f"{address('own')}.npz", params={"slice": "0"}).status_code == 422
    assert client.get(f"{at}.npy?slice=0&slice=1").status_code == 422


def test_any_text_is_answered_at_once(client: httpx.Client) -> None:
    draw = Random(4)
    at = f"{address('own')}/fc1/kernel.raw"
    for _ in range(200):
        alphabet = draw.choice([string.printable, "0123456789:,-. ", "٣½\0é\n:,"])
        text = "".join(draw.choices(alphabet, k=draw.choice([1, 3, 8, LONGEST, LONGEST + 1])))
        began = time.perf_counter()
        found = client.get(at, params={"slice": text})
        assert found.status_code in (200, 422), text
        assert time.perf_counter() - began < 2.0


LARGE = {"name": "t", "type": "tensor", "shape": [2**20, 2**18], "scheme": "random_normal"}
PARTS = {"0:4,::2": (4, 2**17), "::-4096,0": (256,), "-1,-5:": (5,), "::65536,::65536": (16, 4), "12345": (2**18,)}


def test_slices_of_a_terabyte_take_what_they_hold(client: httpx.Client) -> None:
    at = f"{address('own', [LARGE])}/t/value"
    for wanted, shape in PARTS.items():
        found = client.get(f"{at}.npy", params={"slice": wanted})
        assert found.status_code == 200
        assert array(found.content).shape == shape
    first = client.get(f"{at}.raw", params={"slice": "12345,777:1777"}).content
    assert first == client.get(f"{at}.raw", params={"slice": "12345"}).content[4 * 777 : 4 * 1777]
    offset = 4 * (2**18 * 12345 + 777)
    ranged = client.get(f"{at}.raw", headers={"range": f"bytes={offset}-{offset + 3999}"}).content
    assert first == ranged
    refused = client.get(f"{at}.npy", params={"slice": "::2"})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/too-large")


def test_a_far_slice_of_a_stream_that_is_walked_is_refused_or_jumped_to(client: httpx.Client) -> None:
    for algorithm, scheme, status in (
        ("numpy-pcg64/1", "random_normal", 422),
        ("numpy-pcg64/1", "random_uniform", 200),
        ("torch-cpu/1", "torch:normal", 200),
    ):
        layer = {"name": "t", "type": "tensor", "shape": [2**20, 2**18], "scheme": scheme}
        at = f"/weights/{token({'algorithm': algorithm, 'layers': [layer], 'seed': '1'})}/t"
        at += ".value" if algorithm == "torch-cpu/1" else "/value"
        began = time.perf_counter()
        found = client.get(f"{at}.raw", params={"slice": "-1,-1000:"})
        assert found.status_code == status, (algorithm, scheme)
        assert time.perf_counter() - began < 5.0
        if status == 422:
            assert found.json()["type"] == "/problems/too-large"
            assert "Ask for what stands nearer to its beginning" in found.json()["detail"]
            assert found.json()["try"] == {"algorithm": "initserve/1"}
            if algorithm == "numpy-pcg64/1":
                assert client.get(f"{at}.raw", params={"slice": "0,:1000"}).status_code == 200


@pytest.fixture(scope="module")
def other() -> Any:
    with serving(INITSERVE_DRAWING_THREADS="2") as server:
        yield server


@pytest.mark.long
@pytest.mark.parametrize("layout", ["keras", "pytorch"])
def test_each_rank_of_a_sharded_job_fetches_its_part_alone(other: Server, layout: str) -> None:
    """Of a matrix of 16 GiB, by rows, by columns, by turns: whatever the number of ranks, memory stays as it is."""
    layer = {"name": "fc", "type": "dense", "shape": [2**16, 2**16], "bias": None}
    spec = {"algorithm": "initserve/1", "layers": [layer], "layout": layout, "seed": "3"}
    at = f"/weights/{token(spec)}/{'fc.weight' if layout == 'pytorch' else 'fc/kernel'}.raw"
    with httpx.Client(base_url=other.url, timeout=60) as client:
        client.get(at, params={"slice": "0:64"})
        before = resident(other, "VmRSS")
        rows = 2**16
        for ranks in (64, 1024, 4096):
            each = rows // ranks
            for rank in (0, ranks // 3, ranks - 1):
                by_rows = client.get(at, params={"slice": f"{rank * each}:{(rank + 1) * each},:512"})
                by_columns = client.get(at, params={"slice": f":512,{rank * each}:{(rank + 1) * each}"})
                by_turns = client.get(at, params={"slice": f"{rank}::{ranks},:512"})
                assert {len(one.content) for one in (by_rows, by_columns, by_turns)} == {4 * 512 * each}
                own = np.frombuffer(by_rows.content, np.float32).reshape(each, 512)
                turn = np.frombuffer(by_turns.content, np.float32).reshape(each, 512)
                column = np.frombuffer(by_columns.content, np.float32).reshape(512, each)
                if rank == 0:
                    assert np.array_equal(own[0], turn[0])
                    assert np.array_equal(own[:, 0], own[:, 0])
                    assert own[0, 0] == column[0, 0]
        whole = client.get(at, params={"slice": "0:256"})  # 64 MiB in one answer
        assert len(whole.content) == 64 * MIB
        assert resident(other, "VmRSS") - before < 48 * MIB
        assert json.loads(client.get(at.replace(".raw", ".json"), params={"slice": "0:2"}).content)["shape"] == [
            2,
            rows,
        ]
