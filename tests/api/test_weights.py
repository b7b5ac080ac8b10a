"""Weights at addresses, on a real server: what /init answers, conditions, ranges, and what they cost."""

import base64
import hashlib
import io
import json
import re
import time
import zipfile
import zlib
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import load

from tests.api.test_flow import counters, needs_proc, resident
from tests.conftest import Server

LAYERS = [
    {"name": "fc1", "type": "dense", "shape": [40, 30], "activation": "relu", "bias": "random_normal"},
    {"name": "out", "type": "dense", "shape": [30, 10], "activation": "softmax"},
]
SPEC: dict[str, Any] = {"algorithm": "initserve/1", "layers": LAYERS, "seed": "42"}
LARGE = {"algorithm": "initserve/1", "layers": [{"name": "t", "shape": [2**20, 2**18], "type": "tensor"}], "seed": "1"}
FORMS = ["json", "json?include=statistics", "npz", "safetensors", "svg"]
FILES = ["fc1/kernel.npy", "fc1/kernel.raw", "fc1/bias.json", "fc1/bias.json?include=weights,statistics"]
FILES += ["fc1/kernel.npy?slice=3", "fc1/kernel.raw?slice=::-1,0:5", "fc1/kernel.json?slice=0:3"]
FILES += ["model.safetensors.index.json", "model-00001-of-00002.safetensors?shard_bytes=5000"]


def token(spec: dict[str, Any]) -> str:
    """What stands for a canonical spec in an address, made with the standard library alone."""
    return deflated(json.dumps(spec, sort_keys=True, separators=(",", ":")))


def deflated(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).rstrip(b"=").decode()


TOKEN = token(SPEC)
ADDRESSES = [f"/weights/{TOKEN}.{form}" for form in FORMS] + [f"/weights/{TOKEN}/{file}" for file in FILES]


def asked(form: str) -> str:
    """Return the query of POST /init that asks for a form."""
    name, _, query = form.partition("?")
    return f"/init?format={name}&{query or ('include=statistics' if name == 'svg' else '')}"


@pytest.mark.parametrize("form", FORMS)
def test_an_address_holds_what_init_answers(client: httpx.Client, form: str) -> None:
    posted = client.post(asked(form), json=SPEC)
    found = client.get(f"/weights/{TOKEN}.{form}")
    assert (posted.status_code, found.status_code) == (200, 200)
    assert found.content == posted.content
    assert found.headers["content-type"] == posted.headers["content-type"]


def test_a_parameter_is_that_of_the_whole(client: httpx.Client) -> None:
    whole = load(client.get(f"/weights/{TOKEN}.safetensors").content)
    assert set(whole) == {"fc1/kernel", "fc1/bias", "out/kernel", "out/bias"}
    told = {
        f"{layer['name']}/{each['name']}": each
        for layer in client.get(f"/weights/{TOKEN}.json?include=weights,statistics").json()["layers"]
        for each in layer["parameters"]
    }
    for name, values in whole.items():
        at = f"/weights/{TOKEN}/{name}"
        assert np.array_equal(np.load(io.BytesIO(client.get(f"{at}.npy").content)), values)
        assert client.get(f"{at}.raw").content == values.tobytes()
        one = client.get(f"{at}.json?include=weights,statistics").json()
        assert one == told[name]
        assert client.get(f"{at}.json").json() == {key: value for key, value in one.items() if key != "npy"}
    with zipfile.ZipFile(io.BytesIO(client.get(f"/weights/{TOKEN}.npz").content)) as archive:
        assert archive.testzip() is None


def test_in_the_layout_of_pytorch_a_parameter_is_its_dotted_name(client: httpx.Client) -> None:
    at = f"/weights/{token(SPEC | {'layout': 'pytorch'})}"
    values = np.load(io.BytesIO(client.get(f"{at}/fc1.weight.npy").content))
    kernel = np.load(io.BytesIO(client.get(f"/weights/{TOKEN}/fc1/kernel.npy").content))
    assert np.array_equal(values.T, kernel)
    refused = client.get(f"{at}/fc1/weight.npy")
    assert refused.status_code == 404
    assert "fc1.weight" in refused.json()["detail"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_is_as_the_protocol_has_it(client: httpx.Client, address: str) -> None:
    found = client.get(address)
    assert found.status_code == 200
    headers = found.headers
    assert re.fullmatch(r'"[0-9a-f]{64}"', headers["etag"])
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["accept-ranges"] == "bytes"
    assert int(headers["content-length"]) == len(found.content)
    assert re.fullmatch(r'(attachment|inline); filename="[\w.-]+"', headers["content-disposition"])
    assert "content-encoding" not in headers
    head = client.head(address, headers={"accept-encoding": "gzip"})
    assert head.status_code == 200
    assert head.content == b""
    own = ("date", "server-timing", "x-request-id")
    told = [{name: value for name, value in each.items() if name not in own} for each in (head.headers, headers)]
    assert told[0] == told[1]
    for method in ("GET", "HEAD"):
        same = client.request(method, address, headers={"if-none-match": headers["etag"]})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", headers["etag"])
        assert client.request(method, address, headers={"if-none-match": '"x"'}).status_code == 200
        other = client.request(method, address, headers={"if-match": '"x"'})
        assert other.status_code == 412
    assert client.post(address).status_code == 405
    assert client.post(address).headers["allow"] == "GET, HEAD"


def test_entity_tags_tell_representations_apart(client: httpx.Client) -> None:
    tags = [client.head(address).headers["etag"] for address in ADDRESSES]
    assert len(set(tags)) == len(tags)
    other = [client.head(address.replace(TOKEN, token(SPEC | {"seed": "43"}))).headers["etag"] for address in ADDRESSES]
    assert not set(tags) & set(other)


def test_entity_tags_come_of_the_text_not_of_how_it_is_deflated(client: httpx.Client) -> None:
    text = json.dumps(SPEC, sort_keys=True, separators=(",", ":")).encode()
    tokens = {base64.urlsafe_b64encode(zlib.compress(text, level)).rstrip(b"=").decode() for level in (0, 1, 9)}
    assert len(tokens) > 1
    assert len({client.head(f"/weights/{each}.npz").headers["etag"] for each in tokens}) == 1


@pytest.mark.parametrize("address", ADDRESSES)
def test_ranges_are_of_the_whole(client: httpx.Client, address: str) -> None:
    whole = client.get(address).content
    size = len(whole)
    for asked_for, start, stop in [
        ("0-0", 0, 1),
        ("7-77", 7, 78),
        (f"{size - 5}-", size - 5, size),
        ("-9", size - 9, size),
        (f"10-{size * 10}", 10, size),
    ]:
        found = client.get(address, headers={"range": f"bytes={asked_for}"})
        assert found.status_code == 206
        assert found.content == whole[start:stop]
        assert found.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
        assert int(found.headers["content-length"]) == stop - start
    beyond = client.get(address, headers={"range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    assert client.get(address, headers={"range": "lines=0-9"}).content == whole
    assert client.head(address, headers={"range": "bytes=0-9"}).headers["content-length"] == str(size)


def test_if_range_keeps_two_files_from_being_spliced(client: httpx.Client) -> None:
    address = ADDRESSES[3]
    whole = client.get(address)
    etag = whole.headers["etag"]
    assert client.get(address, headers={"range": "bytes=8-", "if-range": etag}).content == whole.content[8:]
    for other in ('"x"', f"W/{etag}", "Sat, 29 Oct 2033 19:43:31 GMT"):
        found = client.get(address, headers={"range": "bytes=8-", "if-range": other})
        assert (found.status_code, found.content) == (200, whole.content)


def test_several_ranges_come_as_parts(client: httpx.Client) -> None:
    address = f"/weights/{TOKEN}.safetensors"
    whole = client.get(address).content
    found = client.get(address, headers={"range": "bytes=5-9,100-199,-3"})
    assert found.status_code == 206
    assert int(found.headers["content-length"]) == len(found.content)
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", found.headers["content-type"])
    assert boundary
    parts = found.content.split(f"--{boundary[1]}".encode())[1:-1]
    bodies = [part.partition(b"\r\n\r\n")[2][:-2] for part in parts]
    assert bodies == [whole[5:10], whole[100:200], whole[-3:]]


def test_the_digest_of_the_whole_is_told_where_it_is_asked_for(client: httpx.Client) -> None:
    address = f"/weights/{token(SPEC | {'seed': '77'})}.safetensors"
    want = {"want-repr-digest": "sha-512=3, sha-256=10"}
    assert "repr-digest" not in client.head(address, headers=want).headers  # which would have to draw
    part = client.get(address, headers=want | {"range": "bytes=0-9"})
    whole = client.get(address)
    expected = f"sha-256=:{base64.b64encode(hashlib.sha256(whole.content).digest()).decode()}:"
    assert part.headers["repr-digest"] == expected
    assert "repr-digest" not in whole.headers
    assert client.head(address, headers=want).headers["repr-digest"] == expected  # known by now
    assert "repr-digest" not in client.get(address, headers={"want-repr-digest": "sha-256=0"}).headers


def test_any_byte_of_a_file_of_a_terabyte_is_to_be_had(client: httpx.Client) -> None:
    address = f"/weights/{token(LARGE)}.safetensors"
    size = int(client.head(address).headers["content-length"])
    assert size > 2**40
    for first in (size - 2**20, size // 2, 300):
        found = client.get(address, headers={"range": f"bytes={first}-{first + 2**20 - 1}"})
        assert (found.status_code, len(found.content)) == (206, 2**20)
        again = client.get(address, headers={"range": f"bytes={first + 1000}-{first + 1999}"})
        assert again.content == found.content[1000:2000]
    for whole in (address, address.replace(".safetensors", "/t/value.raw"), address.replace(".safetensors", ".npz")):
        refused = client.get(whole)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/too-large")
        assert "Range: bytes=0-1048575" in refused.json()["detail"]
        assert client.get(whole, headers={"range": "bytes=0-1048575"}).status_code == 206
    shown = client.get(address.replace(".safetensors", ".json"))
    assert (shown.status_code, "Range" in shown.json()["detail"]) == (422, False)


def test_nothing_is_drawn_for_an_answer_without_content(running: Server, client: httpx.Client) -> None:
    """A matrix that takes some ten seconds: what drew it would take them, and memory for it."""
    layer = {"name": "m", "scheme": "orthogonal", "shape": [4300, 4300], "type": "tensor"}
    at = f"/weights/{token({'algorithm': 'initserve/1', 'layers': [layer], 'seed': '1'})}"
    made = counters(running)["drawn_bytes_total"]
    for address in (f"{at}.npz", f"{at}.json?include=statistics", f"{at}.svg", f"{at}/m/value.npy"):
        began = time.perf_counter()
        etag = client.head(address).headers["etag"]
        assert client.get(address, headers={"if-none-match": etag}).status_code == 304
        assert client.get(address, headers={"if-match": '"x"'}).status_code == 412
        assert client.get(address, headers={"range": f"bytes={10**12}-"}).status_code == 416
        assert time.perf_counter() - began < 3.0
    assert client.get(f"{at}.npz", headers={"range": "bytes=0-99"}).status_code == 206  # the archive's first header
    assert counters(running)["drawn_bytes_total"] == made


def test_what_is_drawn_is_counted_however_little_and_for_an_answer_without_content_it_is_nothing(
    running: Server, client: httpx.Client
) -> None:
    """Every form, of a spec that nobody asked for before: nothing is remembered of it."""

    def drawn() -> float:
        return counters(running)["drawn_bytes_total"]

    fresh = token(SPEC | {"seed": "20261126"})
    for address in (each.replace(TOKEN, fresh) for each in ADDRESSES):
        before = drawn()
        etag = client.head(address, headers={"want-repr-digest": "sha-256=1"}).headers["etag"]
        for method in ("GET", "HEAD"):
            for condition in ({"if-none-match": etag}, {"if-none-match": "*"}, {"if-match": '"x"'}):
                assert client.request(method, address, headers=condition).status_code in (304, 412)
        assert client.get(address, headers={"range": "bytes=1000000-"}).status_code == 416
        assert drawn() == before
    before = drawn()
    assert client.get(f"/weights/{fresh}.safetensors").status_code == 200
    assert drawn() - before == 4 * (40 * 30 + 30 + 30 * 10 + 10)  # zeros too
    before = drawn()
    assert client.get(f"/weights/{fresh}/fc1/kernel.raw", headers={"range": "bytes=5-9"}).status_code == 206
    assert drawn() - before == 8  # the two values in which the five bytes are


def test_nothing_is_at_an_address_of_nothing(client: httpx.Client) -> None:
    for path, status in [
        (f"/weights/{TOKEN}.zip", 404),
        (f"/weights/{TOKEN}", 404),
        (f"/weights/{TOKEN}/fc1/kernel", 404),
        (f"/weights/{TOKEN}/fc3/kernel.npy", 404),
        (f"/weights/{TOKEN}.npy", 404),
        (f"/weights/{TOKEN[:-3]}.npz", 400),
        ("/weights/x.npz", 400),
        (f"/weights/{token({**SPEC, 'layers': []})}.npz", 422),
    ]:
        found = client.get(path)
        assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json"), path
    for query in ("include=all", "include=weights&include=weights", "x=1"):
        assert client.get(f"/weights/{TOKEN}.json?{query}").status_code == 422


@needs_proc
def test_what_addresses_of_nothing_inflate_to_is_not_remembered(running: Server, client: httpx.Client) -> None:
    """A kilobyte of an address may hold a megabyte of text, and that take four in memory."""
    held = "a" * 1_000_000 + "\U0001f600"
    tokens = [deflated(f'{{"a":"{held}","algorithm":"initserve/1","seed":"{seed}"}}') for seed in range(25)]
    assert max(map(len, tokens)) < 2000
    assert client.head(f"/weights/{tokens[0]}.npz").status_code == 422
    before = resident(running, "VmRSS")
    assert {client.head(f"/weights/{each}.npz").status_code for each in tokens} == {422}
    assert resident(running, "VmRSS") - before < 40 * 2**20
