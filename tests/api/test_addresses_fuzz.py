"""Addresses that nobody was given: cut, bent, blown up, or well formed around nonsense. A clear 4xx, and quickly."""

import json
import random
import time
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from service.specs.addresses import MOST_VALUES
from service.specs.jcs import canonical
from tests.specs.test_addresses import plain, slip, token
from tests.told import apart

SPEC: dict[str, Any] = {"algorithm": "initserve/1", "layers": [{"shape": [2, 2], "type": "dense"}], "seed": "1"}
FORMS = [".json", ".npz", ".safetensors", ".svg", "/dense_0/kernel.npy", "/dense_0/kernel.raw?slice=0", "/x/y.json"]
WORST = 0.5  # seconds, generous: a request may have to wait for its processor
LONGEST_SENT = 20_000  # characters, each of which may be sent as three: the client sends no more than 65,536
LONG = 16_000


def holding(document: Any) -> str:
    return token(canonical(document).encode())


def with_member(name: str, value: Any) -> str:
    return holding({**SPEC, name: value})


def blown_up() -> Iterator[str]:
    """Yield addresses of some thousand characters at most that hold as much as they can."""
    yield token(b"\0" * 4_000_000)
    yield token(b"[" * 4_000_000)
    yield token(b'{"algorithm":"initserve/1","layers":[' + b"[" * 900 + b"]" * 900 + b'],"seed":"1"}')
    yield with_member("layers", [0] * (MOST_VALUES - 20))
    yield with_member("layers", [[]] * (MOST_VALUES // 2 - 20))
    yield with_member("layers", [{"shape": [1] * LONG, "type": "tensor"}])
    yield with_member("layers", [{"type": "dense"}] * 1024)
    yield with_member("layers", [{"shape": [1, 1], "type": "dense"}] * 1025)
    yield with_member("layers", [{"name": "a" * 900_000, "shape": [1, 1], "type": "dense"}])
    yield with_member("layers", [{"scheme": "x" * 900_000, "shape": [1, 1], "type": "dense"}])
    yield with_member("layers", [{"activation": "x" * 900_000, "shape": [1, 1], "type": "dense"}])
    yield with_member("layers", [{"shape": [1, 1], "type": "x" * 900_000}])
    yield with_member("layers", [{"equation": "a" * 900_000 + ",a->a", "shape": [1], "type": "einsum_dense"}])
    yield with_member("layers", [{"shape": [1, 1], "type": "dense", **{f"m{number}": 0 for number in range(60)}}])
    yield with_member("layout", "k" * 900_000)
    yield with_member("seed", "9" * 900_000)
    yield with_member("algorithm", "initserve/" + "1" * 900_000)
    yield with_member("recipe", "gpt2" * 200_000)
    yield with_member("rules", [{"match": "*a" * 100, "scheme": "zeros"}] * 64)
    yield with_member("rules", [0] * (MOST_VALUES - 40))
    yield with_member("layers", [{"shape": [2**53 - 1] * 3, "type": "moe_dense"}])
    yield with_member("layers", [{"shape": [1.5e-7] * (LONG // 2), "type": "tensor"}])
    array = {"name": "array", "npy": "A" * 900_000}
    yield with_member("layers", [{"scheme": array, "shape": [1], "type": "tensor"}])
    yield holding(SPEC | {f"member{number:05}": number for number in range(60)})


def strange(draw: random.Random) -> str:
    """Return an address that holds a spec with something wrong, or is one with something wrong."""
    document: dict[str, Any] = json.loads(json.dumps(SPEC))
    value: Any = draw.choice([None, True, 0, -1, 1e300, 1.5, "", "x", [], {}, [[]], {"a": {}}, "\0", "é", 2**53, -0.0])
    place = draw.choice([document, document["layers"][0]])
    place[draw.choice([*place, "layout", "dtype", "scheme", "bias", "groups", "extra", "recipe", "rules"])] = value
    found = draw.choice([holding(document), slip(draw), draw.randbytes(draw.randrange(40)).hex()])
    return quote(found[:LONGEST_SENT], safe="%=") + draw.choice(
        ["", "", "%00", "%ff", "/", "..", "=", "%E2%80%A8", "A" * 6000]
    )


def refused(client: httpx.Client, address: str) -> float:
    """Ask for what is at an address; return how long the answer took, which is no fault of the service's own."""
    begun = time.perf_counter()
    answer = client.get(address)
    took = time.perf_counter() - begun
    assert answer.status_code < 500, (address, answer.text)
    if answer.status_code >= 400:
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        assert len(answer.content) < 2**14
    return took


@pytest.mark.parametrize("address", list(blown_up()), ids=lambda address: f"{len(address)}-{address[-4:]}")
def test_what_holds_as_much_as_it_can_is_refused_before_it_costs_much(client: httpx.Client, address: str) -> None:
    assert refused(client, f"/weights/{address}.json") < WORST


def test_what_nobody_was_given_is_refused_by_name(client: httpx.Client) -> None:
    draw = random.Random(5)
    assert max(refused(client, f"/weights/{strange(draw)}{draw.choice(FORMS)}") for _ in range(300)) < WORST


@pytest.mark.long
def test_ten_thousand_of_them_are_too(client: httpx.Client) -> None:
    draw = random.Random(6)
    assert max(refused(client, f"/weights/{strange(draw)}{draw.choice(FORMS)}") for _ in range(10_000)) < WORST


def test_a_spec_that_cannot_be_is_refused_as_a_posted_one_is(client: httpx.Client) -> None:
    wrong = with_member("layers", [{"shape": [2, 0], "type": "dense"}])
    found = client.get(f"/weights/{wrong}.json")
    posted = client.post("/init", json={**SPEC, "layers": [{"shape": [2, 0], "type": "dense"}]})
    assert (found.status_code, apart(found)) == (422, apart(posted))


def test_an_address_may_be_deflated_otherwise_and_is_the_same_file(client: httpx.Client) -> None:
    text = canonical(SPEC).encode()
    files = {
        client.get(f"/weights/{plain(zlib.compress(text, level))}.safetensors").headers["etag"] for level in range(10)
    }
    assert len(files) == 1
