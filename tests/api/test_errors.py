"""Bad input: a clear problem document, small, at once; never a 500, nothing left behind."""

import json
import socket
import time
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.api.problems import PROBLEMS
from tests.conftest import Server, serving

JSON = {"content-type": "application/json"}
DENSE: dict[str, Any] = {"type": "dense", "shape": [3, 2]}
LARGEST = 16 * 1024


def check(answer: httpx.Response, status: int, code: str) -> Any:
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < LARGEST
    problem = answer.json()
    assert problem.keys() - {"errors", "try"} == {"type", "title", "status", "detail", "request_id"}
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert (problem["type"], problem["status"]) == (f"/problems/{code}", status)
    return problem


def spec(**layer: Any) -> bytes:
    return json.dumps({"layers": [{**DENSE, **layer}]}).encode()


def deep(count: int) -> bytes:
    return b'{"layers":' + b"[" * count + b"]" * count + b"}"


# (name, body, code, pointer of the first error or None)
BAD: list[tuple[str, bytes, str, str | None]] = [
    ("empty", b"", "malformed-json", None),
    ("white space", b" \n\t ", "malformed-json", None),
    ("cut short", b'{"layers": [', "malformed-json", None),
    ("NaN", b'{"layers": [{"type": "dense", "shape": [NaN, 2]}]}', "malformed-json", None),
    ("Infinity", b'{"seed": -Infinity, "layers": []}', "malformed-json", None),
    ("1e999", b'{"layers": [{"type": "dense", "shape": [1e999, 2]}]}', "malformed-json", None),
    ("duplicate keys", b'{"seed": 1, "seed": 2, "layers": []}', "malformed-json", None),
    ("deep nesting", deep(100_000), "malformed-json", None),
    ("nesting below Python's own limit", deep(400), "invalid-spec", "/layers/0"),
    ("long integer", b'{"seed": ' + b"9" * 100_000 + b"}", "malformed-json", None),
    ("UTF-16 with a mark", spec().decode().encode("utf-16"), "malformed-json", None),
    ("UTF-16 without", spec().decode().encode("utf-16-le"), "malformed-json", None),
    ("UTF-8 with a mark", b"\xef\xbb\xbf" + spec(), "malformed-json", None),
    ("Latin 1", b'{"n\xe9": 1}', "malformed-json", None),
    ("lone surrogate, escaped", b'{"layers": [{"type": "dense", "shape": [1, 2], "name": "\\ud800"}]}',
     "malformed-json", None),
    ("lone surrogate, raw", b'{"layers": "\xed\xa0\x80"}', "malformed-json", None),
    ("many unknown members", json.dumps({f"k{i}": i for i in range(50_000)}).encode(), "malformed-json", None),
    ("not an object", b"[]", "invalid-spec", ""),
    ("no layers", b"{}", "invalid-spec", "/layers"),
    ("empty layers", b'{"layers": []}', "invalid-spec", "/layers"),
    ("20,000 bad layers", b'{"layers": [' + b",".join([b"{}"] * 20_000) + b"]}", "invalid-spec",
     "/layers/0/type"),
    ("100,001 good layers", json.dumps({"layers": [DENSE] * 100_001}).encode(), "invalid-spec", "/layers"),
    ("unknown field", b'{"sed": 1, "layers": [{"type": "dense", "shape": [3, 2]}]}', "invalid-spec", "/sed"),
    ("unknown field of a layer", spec(groups=2), "invalid-spec", "/layers/0/groups"),
    ("unknown field of a scheme", spec(scheme={"name": "he_normal", "a/b~c": 1}), "invalid-spec",
     "/layers/0/scheme/a~1b~0c"),
    ("long unknown field", spec(**{"x" * 100_000: 1}), "invalid-spec", None),
    ("true for an integer", spec(shape=[True, 2]), "invalid-spec", "/layers/0/shape/0"),
    ("a string for an integer", spec(shape=[3, "2"]), "invalid-spec", "/layers/0/shape/1"),
    ("a fraction for an integer", spec(shape=[3, 2.0]), "invalid-spec", "/layers/0/shape/1"),
    ("zero size", spec(shape=[0, 2]), "invalid-spec", "/layers/0/shape/0"),
    ("negative size", spec(shape=[3, -2]), "invalid-spec", "/layers/0/shape/1"),
    ("too few sizes", spec(shape=[3]), "invalid-spec", "/layers/0/shape"),
    ("no shape", b'{"layers": [{"type": "dense"}]}', "invalid-spec", "/layers/0/shape"),
    ("no type", b'{"layers": [{"shape": [3, 2]}]}', "invalid-spec", "/layers/0/type"),
    ("unknown type", spec(type="dens"), "invalid-spec", "/layers/0/type"),
    ("long unknown type", spec(type="d" * 100_000), "invalid-spec", "/layers/0/type"),
    ("unknown scheme", spec(scheme="he_nromal"), "invalid-spec", "/layers/0/scheme"),
    ("unknown scheme in an object", spec(bias={"name": "nix"}), "invalid-spec",
     "/layers/0/bias/name"),
    ("a number for a scheme", spec(scheme=5), "invalid-spec", "/layers/0/scheme"),
    ("negative deviation", spec(scheme={"name": "random_normal", "stddev": -1}), "invalid-spec",
     "/layers/0/scheme/stddev"),
    ("bounds in the wrong order", spec(scheme={"name": "random_uniform", "minval": 1.0, "maxval": 0.0}),
     "invalid-spec", "/layers/0/scheme"),
    ("a bound beyond float32", spec(scheme={"name": "constant", "value": 1e300}), "invalid-spec",
     "/layers/0/scheme/value"),
    ("unknown activation", spec(activation="rleu"), "invalid-spec", "/layers/0/activation"),
    ("bad name", spec(name="a/b"), "invalid-spec", "/layers/0/name"),
    ("groups that do not divide", spec(type="conv1d", shape=[3, 4, 6], groups=4), "invalid-spec",
     "/layers/0/groups"),
    ("identity on four axes", spec(type="conv2d", shape=[3, 3, 1, 1], scheme="identity"), "invalid-spec",
     "/layers/0/scheme"),
    ("a name twice", json.dumps({"layers": [{**DENSE, "name": "a"}] * 2}).encode(), "invalid-spec", "/layers/1/name"),
    ("a name twice, once by default", json.dumps({"layers": [{**DENSE, "name": "dense_1"}, DENSE]}).encode(),
     "invalid-spec", "/layers/1"),
    ("large seed as a number", b'{"seed": 18446744073709551615, "layers": [{"type": "dense", "shape": [3, 2]}]}',
     "invalid-spec", "/seed"),
    ("seed too large", b'{"seed": "18446744073709551616", "layers": [{"type": "dense", "shape": [3, 2]}]}',
     "invalid-spec", "/seed"),
    ("seed as a fraction", b'{"seed": 1.0, "layers": [{"type": "dense", "shape": [3, 2]}]}', "invalid-spec", "/seed"),
    ("seed true", b'{"seed": true, "layers": [{"type": "dense", "shape": [3, 2]}]}', "invalid-spec", "/seed"),
    ("unknown dtype", b'{"dtype": "int8", "layers": [{"type": "dense", "shape": [3, 2]}]}', "invalid-spec", "/dtype"),
    ("10 TB", spec(shape=[2_000_000, 1_250_000]), "too-large", ""),
    ("product beyond 64 bits", spec(shape=[2**53 - 1, 2**53 - 1]), "too-large", "/layers/0/shape"),
    ("32 axes of 2^53 - 1", json.dumps({"layers": [{"type": "tensor", "shape": [2**53 - 1] * 32}]}).encode(),
     "too-large", "/layers/0/shape"),
    ("weights beyond what JSON may hold", spec(type="conv2d", shape=[1, 1, 65536, 65536], scheme="dirac", bias=None),
     "too-large", ""),
    ("a wide bilinear kernel", spec(type="conv1d", shape=[2**40, 2, 2], scheme="bilinear"), "invalid-spec",
     "/layers/0/scheme"),
    ("a long table", spec(type="tensor", shape=[2**40, 8], scheme="rope"), "invalid-spec", "/layers/0/scheme"),
    ("unknown recipe", b'{"recipe": "gpt5"}', "invalid-spec", "/recipe"),
    ("unknown size", b'{"recipe": "gpt2", "size": "huge"}', "invalid-spec", "/size"),
    ("a size without a recipe", json.dumps({"size": "small", "layers": [DENSE]}).encode(), "invalid-spec", "/size"),
    ("a recipe under an algorithm that is none", b'{"recipe": "gpt2", "algorithm": {}}', "invalid-spec", "/algorithm"),
    ("a recipe and layers", b'{"recipe": "gpt2", "layers": []}', "invalid-spec", "/layers"),
    ("orthogonal too large", spec(shape=[50_000, 1000], scheme="orthogonal"), "too-large", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "code", "pointer"), BAD, ids=[row[0] for row in BAD])
def test_bad_bodies_get_clear_answers(
    client: httpx.Client, name: str, body: bytes, code: str, pointer: str | None
) -> None:
    started = time.monotonic()
    problem = check(client.post("/init", content=body, headers=JSON), PROBLEMS[code].status, code)
    assert time.monotonic() - started < 2.0
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer
        assert problem["errors"][0]["detail"]


def test_a_matrix_beyond_memory_is_refused_for_its_memory(client: httpx.Client) -> None:
    tall = spec(shape=[2**27, 2], scheme="orthogonal", bias=None)  # within every other limit of a file's answer
    problem = check(client.post("/init?format=npz", content=tall, headers=JSON), 422, "too-large")
    assert "bytes in memory at once" in problem["detail"]
    assert client.post("/init?format=npz", content=spec(shape=[2**9, 2], scheme="orthogonal"), headers=JSON).is_success


def test_every_error_of_a_spec_is_reported_up_to_twenty(client: httpx.Client) -> None:
    answer = client.post("/init", content=spec(shape=[0, True], scheme="nix", x=1), headers=JSON)
    assert len(check(answer, 422, "invalid-spec")["errors"]) == 4
    answer = client.post("/init", content=spec(**{f"k{i}": 1 for i in range(50)}), headers=JSON)
    assert len(check(answer, 422, "invalid-spec")["errors"]) == 20


def test_a_refusal_says_what_would_work(client: httpx.Client) -> None:
    def first(**layer: Any) -> str:
        problem = check(client.post("/init", content=spec(**layer), headers=JSON), 422, "invalid-spec")
        return str(problem["errors"][0]["detail"])

    assert "did you mean 'he_normal'" in first(scheme="he_nromal")
    assert "did you mean dense" in first(type="dens")
    assert "did you mean relu" in first(activation="rleu")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/problems/nothing", 404, "not-found"),
        ("GET", "/docs/nothing.js", 404, "not-found"),
        ("GET", "/init", 405, "method-not-allowed"),
        ("DELETE", "/livez", 405, "method-not-allowed"),
        ("POST", "/init?include=nothing", 422, "invalid-query"),
        ("POST", "/init?include=", 422, "invalid-query"),
        ("POST", "/init?include=weights,weights", 422, "invalid-query"),
        ("POST", "/init?format=hdf5", 422, "invalid-query"),
        ("POST", "/init?inlcude=weights", 422, "invalid-query"),
        ("POST", "/init?format=npz&format=npy", 422, "invalid-query"),
    ],
)
def test_bad_addresses_get_problems_too(client: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path, content=spec() if method == "POST" else None, headers=JSON)
    check(answer, status, code)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "application/jsonx"],
)
def test_a_body_must_be_declared_json(client: httpx.Client, content_type: str) -> None:
    check(client.post("/init", content=spec(), headers={"content-type": content_type}), 415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=UTF-8"])
def test_json_may_be_declared_with_its_charset(client: httpx.Client, content_type: str) -> None:
    assert client.post("/init", content=spec(), headers={"content-type": content_type}).status_code == 200


def test_a_large_body_is_refused_declared_or_chunked(client: httpx.Client) -> None:
    body = b" " * (2**24 + 1)
    check(client.post("/init", content=body, headers=JSON), 413, "body-too-large")
    parts = (body[i : i + 2**16] for i in range(0, len(body), 2**16))
    check(client.post("/init", content=parts, headers=JSON), 413, "body-too-large")


def test_every_problem_has_a_page(client: httpx.Client) -> None:
    for problem in client.get("/problems").json()["problems"]:
        page = client.get(problem["type"])
        assert page.status_code == 200
        assert page.json() == problem


def half_a_body(server: Server) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall(
        b"POST /init HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n" + spec()[:10]
    )
    return connection


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with serving(INITSERVE_BODY_TIMEOUT_SECONDS="0.5") as server, half_a_body(server) as connection:
        answer = ""
        while "}" not in answer:
            answer += connection.recv(4096).decode()
        assert answer.startswith("HTTP/1.1 408")
        assert "/problems/request-timeout" in answer


def test_clients_that_hang_up_leave_nothing_behind(running: Server) -> None:
    for _ in range(20):
        half_a_body(running).close()
    assert httpx.post(f"{running.url}/init", content=spec(), headers=JSON).status_code == 200


SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
FIELDS = st.one_of(
    st.sampled_from(("seed", "layout", "dtype", "defaults", "layers", "algorithm", "name", "type", "shape")),
    st.sampled_from(("activation", "scheme", "bias", "groups", "fan_in", "stddev", "value")),
)
WORDS = st.sampled_from(
    ("dense", "conv2d", "tensor", "embedding", "he_normal", "orthogonal", "identity", "relu", "keras", "pytorch", "a")
)
DOCUMENT = st.recursive(
    st.one_of(SCALAR, WORDS, st.integers(0, 9)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(FIELDS, inner, max_size=6)),
    max_leaves=12,
)
VALID: dict[str, Any] = {
    "seed": 1,
    "layout": "keras",
    "dtype": "float32",
    "layers": [
        {"name": "a", "type": "conv2d", "shape": [3, 3, 2, 4], "groups": 2, "activation": "relu", "bias": "ones"}
    ],
}


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_document_makes_the_service_fail(client: httpx.Client, data: st.DataObject) -> None:
    document: Any = json.loads(json.dumps(VALID))
    place = data.draw(st.sampled_from([document, document["layers"][0], None]))
    if place is None:
        document = data.draw(DOCUMENT)
    else:
        for _ in range(data.draw(st.integers(1, 2))):
            place[data.draw(FIELDS)] = data.draw(DOCUMENT)
    answer = client.post("/init?include=statistics", content=json.dumps(document), headers=JSON)
    if answer.status_code != 200:
        check(answer, answer.status_code, answer.json()["type"].removeprefix("/problems/"))
        assert answer.status_code in (400, 422)
