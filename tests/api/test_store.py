"""The store of specs: kept for good, shared by replicas, within a bound; where it fails nothing else does."""

import asyncio
import base64
import hashlib
import io
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
from obstore.store import LocalStore, MemoryStore

from service.api.problems import RequestProblem
from service.api.store import CACHED, SHARE, Store, StoreFull
from tests.api.test_links import DENSE, ONE, long, parameters
from tests.conftest import Server, serving

LONGEST = 2**20
MOST = 500_000


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def keep(store: Store, *texts: str) -> list[bool]:
    async def all_of_them() -> list[bool]:
        return [await store.keep(digest_of(text), text) for text in texts]

    return asyncio.run(all_of_them())


def read(store: Store, text: str) -> str:
    return asyncio.run(store.text(digest_of(text)))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_is_kept_is_read_by_another_replica(tmp_path: Path) -> None:
    assert keep(Store.at(str(tmp_path), 1000, LONGEST), "é", "b") == [True, True]
    assert read(Store.at(str(tmp_path), 1000, LONGEST), "é") == "é"
    assert keep(Store.at(str(tmp_path), 1000, LONGEST), "é", "c") == [False, True]


def test_a_directory_is_made_and_so_is_any_store_opened(tmp_path: Path) -> None:
    for address in (str(tmp_path / "not" / "there"), tmp_path.as_uri(), "memory:///"):
        store = Store.at(address, 1000, LONGEST)
        assert keep(store, "text") == [True]
        assert read(store, "text") == "text"


@pytest.mark.parametrize("address", ["ftp://somewhere", "nonsense://", "s3://", "file:///not/there", "/proc/not/there"])
def test_what_is_no_store_is_said_at_start(address: str) -> None:
    with pytest.raises(OSError, match=r"INITSERVE_SPECS: .* cannot be opened"):
        Store.at(address, 1000, LONGEST)


def test_nothing_is_kept_beyond_the_bound_and_nothing_is_dropped() -> None:
    store, place = Store(found := MemoryStore(), 1000, LONGEST), found
    texts = [f"{number:010}" for number in range(200)]
    kept = []
    for text in texts:
        try:
            kept += [text] if keep(store, text) == [True] else []
        except StoreFull:
            continue
    assert kept == texts[:100]
    assert sum(each["size"] for some in place.list() for each in some) == 1000
    other = Store(place, 1000, LONGEST)
    assert [read(other, text) for text in kept] == kept
    assert keep(other, *kept) == [False] * 100  # what is there takes no room


def test_a_smaller_text_is_kept_where_a_larger_one_had_no_room() -> None:
    store = Store(MemoryStore(), 100, LONGEST)
    with pytest.raises(StoreFull):
        keep(store, "x" * 101)
    assert keep(store, "y" * 100) == [True]


def test_replicas_that_share_a_store_stay_within_its_bound() -> None:
    place = MemoryStore()
    replicas = [Store(place, 20_000, LONGEST) for _ in range(SHARE)]

    async def fill() -> None:
        async def one(number: int, store: Store) -> None:
            for count in range(2000):
                text = f"{number:05}{count:05}"
                try:
                    await store.keep(digest_of(text), text)
                except StoreFull:
                    return

        await asyncio.gather(*(one(number, store) for number, store in enumerate(replicas)))

    asyncio.run(fill())
    total = sum(each["size"] for some in place.list() for each in some)
    assert 20_000 - 20 * SHARE <= total <= 20_000 + 20 * SHARE  # two specs of 10 bytes for each of them


def test_a_text_that_is_not_what_its_name_says_is_not_given_and_is_put_right(tmp_path: Path) -> None:
    keep(Store.at(str(tmp_path), 1000, LONGEST), "the text")
    (file,) = files(tmp_path)
    for damage in (b"", b"the tex", b"the texT", b"\xff", b"x" * (LONGEST + 1)):
        file.write_bytes(damage)
        with pytest.raises(RequestProblem, match="damaged"):
            read(Store.at(str(tmp_path), 2 * LONGEST, LONGEST), "the text")
    assert keep(Store.at(str(tmp_path), 2 * LONGEST, LONGEST), "the text") == [True]
    assert file.read_bytes() == b"the text"


def test_what_is_kept_is_the_text_under_its_digest(tmp_path: Path) -> None:
    keep(Store.at(str(tmp_path), 1000, LONGEST), "the text")
    (file,) = files(tmp_path)
    assert file.name == f"{digest_of('the text')}.json"
    assert file.read_text() == "the text"


def test_texts_that_were_read_are_held_within_a_bound() -> None:
    store = Store(MemoryStore(), 2**40, 2**30)
    size = CACHED // 4
    keep(store, *(str(number) * size for number in range(8)))
    assert store._held <= CACHED
    assert len(store._texts) == 4
    assert read(store, "0" * size) == "0" * size  # of those that went first
    assert store._held <= CACHED


def test_a_store_that_does_not_answer_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket at an address where somebody listens and never says a word."""
    monkeypatch.setattr("service.api.store.SECONDS", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/specs"
        store = Store.at(url, 1000, LONGEST)
        begun = time.monotonic()
        with pytest.raises(RequestProblem) as refused:
            keep(store, "text")
        assert refused.value.code == "store-unavailable"
        assert int(refused.value.headers["retry-after"]) >= 1
        assert 0.4 < time.monotonic() - begun < 5.0


def test_a_store_that_is_not_there_is_said_to_be_so_at_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        store = Store.at(f"http://127.0.0.1:{closed.getsockname()[1]}/specs", 1000, LONGEST)
        with pytest.raises(RequestProblem) as refused:
            keep(store, "text")
        assert refused.value.code == "store-unavailable"


# On real servers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("specs")


@pytest.fixture(scope="module")
def replicas(folder: Path) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Two processes on one directory."""
    settings = {"INITSERVE_SPECS": str(folder), "INITSERVE_MAX_SPECS_BYTES": str(MOST)}
    with (
        serving(**settings) as first,
        serving(**settings) as second,
        httpx.Client(base_url=first.url, timeout=60.0) as one,
        httpx.Client(base_url=second.url, timeout=60.0) as other,
    ):
        yield one, other


Replicas = tuple[httpx.Client, httpx.Client]


@pytest.mark.parametrize("path", ["/init", "/plan"])
def test_a_spec_too_long_for_an_address_is_kept_and_has_links_that_name_it(replicas: Replicas, path: str) -> None:
    one, other = replicas
    answer = one.post(path, json=long(seed=len(path)))
    assert answer.json()["warnings"] == []
    links = answer.json()["links"]
    address, _, _ = links["json"].rpartition(".")
    assert address.startswith("/weights/sha256-")
    for client in replicas:
        assert client.get(links["safetensors"]).status_code == 200
        for parameter in parameters(answer.json())[:3]:
            assert client.get(parameter["links"]["raw"]).status_code == 200
    posted = one.post("/init", json=long(seed=len(path)))
    assert other.get(posted.headers["content-location"]).content == posted.content


@pytest.mark.parametrize(
    "spec", [ONE, long(50), {"recipe": "gpt2"}, {"layers": [DENSE]}], ids=["short", "long", "recipe", "unseeded"]
)
def test_a_kept_spec_is_its_canonical_text_on_every_replica(replicas: Replicas, spec: dict[str, Any]) -> None:
    one, other = replicas
    kept = one.post("/specs", json=spec)
    assert kept.status_code == 201
    told = kept.json()
    assert kept.headers["location"] == told["spec"] == f"/specs/{told['digest']}"
    text = other.get(told["spec"])
    assert text.headers["content-type"] == "application/json"
    assert told["digest"] == f"sha256-{hashlib.sha256(text.content).hexdigest()}"
    assert (told["bytes"], told["seed"]) == (len(text.content), text.json()["seed"])
    assert "immutable" in text.headers["cache-control"]
    assert other.get(told["spec"], headers={"if-none-match": text.headers["etag"]}).status_code == 304
    made = other.get(told["links"]["json"])
    posted = one.post("/init", content=text.content, headers={"content-type": "application/json"})
    if "recipe" not in spec:  # whose weights are too many for JSON
        assert made.content == posted.content
    again = other.post("/specs", content=text.content, headers={"content-type": "application/json"})
    assert (again.status_code, again.json()) == (200, told)


def test_many_clients_may_keep_the_same_at_once(replicas: Replicas, folder: Path) -> None:
    spec = long(77)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda number: replicas[number % 2].post("/specs", json=spec).json()["digest"], range(24)))
    assert len(set(told)) == 1
    assert sum(told[0][7:] in path.name for path in files(folder)) == 1


def test_every_file_is_whole_and_under_the_digest_of_what_it_holds(folder: Path, replicas: Replicas) -> None:
    replicas[0].post("/specs", json=ONE)
    for path in files(folder):
        assert path.name == f"{hashlib.sha256(path.read_bytes()).hexdigest()}.json"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/specs/sha256-" + "0" * 64, "unknown-spec"),
        ("/specs/sha256-" + "0" * 63, "unknown-spec"),
        ("/specs/..%2f..%2fetc%2fpasswd", "not-found"),
        ("/specs/eNo", "unknown-spec"),
        ("/weights/sha256-" + "0" * 64 + ".json", "unknown-spec"),
        ("/weights/sha256-" + "0" * 64 + "/fc1/kernel.raw", "unknown-spec"),
        ("/weights/sha256-" + "G" * 64 + ".json", "invalid-address"),
    ],
)
def test_what_is_not_kept_is_not_found(replicas: Replicas, path: str, code: str) -> None:
    found = replicas[0].get(path)
    assert found.json()["type"] == f"/problems/{code}"
    assert found.status_code == (400 if code == "invalid-address" else 404)


def test_a_damaged_file_is_no_answer(replicas: Replicas, folder: Path) -> None:
    digest = replicas[0].post("/specs", json=long(9)).json()["digest"]
    (file,) = [path for path in files(folder) if digest[7:] in path.name]
    file.write_text(file.read_text().replace("dense", "sense"))
    try:
        found = replicas[1].get(f"/specs/{digest}")
        assert (found.status_code, found.json()["type"]) == (503, "/problems/store-unavailable")
        assert replicas[1].get(f"/weights/{digest}.json").status_code == 503
    finally:
        file.unlink()


def test_a_spec_that_cannot_be_is_not_kept(replicas: Replicas, folder: Path) -> None:
    before = len(files(folder))
    assert replicas[0].post("/specs", json={"layers": []}).status_code == 422
    wrong = {"layers": [{**DENSE, "scheme": "dirac"}]}
    assert replicas[0].post("/specs", json=wrong).json()["errors"][0]["pointer"] == "/layers/0/scheme"
    assert len(files(folder)) == before


def test_a_service_without_a_store_keeps_nothing_and_says_so(client: httpx.Client) -> None:
    kept = client.post("/specs", json=ONE)
    assert (kept.status_code, kept.json()["type"]) == (501, "/problems/no-store")
    for path in ("/specs/sha256-", "/weights/sha256-"):
        found = client.get(f"{path}{'0' * 64}{'.json' * ('weights' in path)}")
        assert (found.status_code, found.json()["type"]) == (404, "/problems/unknown-spec")
        assert "INITSERVE_SPECS" in found.json()["detail"]


def test_where_there_is_no_room_that_is_said_and_weights_are_made_all_the_same(replicas: Replicas) -> None:
    noise = random.Random(1).randbytes(400_000)
    np.save(file := io.BytesIO(), np.frombuffer(noise, "u4").astype("f4"))
    array = {"name": "array", "npy": base64.b64encode(file.getvalue()).decode()}
    spec = {"seed": 1, "layers": [{"type": "tensor", "shape": [len(noise) // 4], "scheme": array}]}
    kept = replicas[0].post("/specs", json=spec)
    assert (kept.status_code, kept.json()["type"]) == (507, "/problems/store-full")
    answer = replicas[1].post("/plan", json=spec)
    (warning,) = answer.json()["warnings"]
    assert warning["code"] == "no-address"
    assert "no room for it in the store" in warning["detail"]
    assert "links" not in answer.json()
    assert replicas[0].post("/init?format=npy", json=spec).content == file.getvalue()


def test_a_store_that_is_down_is_a_503_and_what_needs_none_works() -> None:
    """At an address where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with (
            serving(INITSERVE_SPECS=f"http://127.0.0.1:{closed.getsockname()[1]}/specs") as server,
            httpx.Client(base_url=server.url, timeout=60.0) as client,
        ):
            for refused in (
                client.post("/specs", json=ONE),
                client.post("/init", json=long()),
                client.post("/plan", json=long()),
                client.get(f"/specs/sha256-{'0' * 64}"),
                client.get(f"/weights/sha256-{'0' * 64}.safetensors"),
            ):
                assert (refused.status_code, refused.json()["type"]) == (503, "/problems/store-unavailable")
                assert int(refused.headers["retry-after"]) >= 1
            answer = client.post("/init", json=ONE)
            assert client.get(answer.headers["content-location"]).content == answer.content
            assert client.get("/readyz").status_code == 200


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_takes_nothing_is_a_503(tmp_path: Path) -> None:
    store = Store(LocalStore(str(tmp_path)), 1000, LONGEST)
    tmp_path.chmod(0o500)
    with pytest.raises(RequestProblem, match="failed"):
        keep(store, "text")


def test_a_server_whose_store_cannot_be_opened_says_so_and_does_not_start() -> None:
    server = Server(INITSERVE_SPECS="ftp://nowhere")
    server.process.wait(timeout=60)
    log = server.stop()
    assert server.process.returncode == 1
    assert "INITSERVE_SPECS: 'ftp://nowhere' cannot be opened" in log
    assert "Traceback" not in log


def test_a_kept_text_is_what_json_says(replicas: Replicas) -> None:
    told = replicas[0].post("/specs", json={"seed": 1, "layers": [{**DENSE, "name": "dense_0"}]}).json()
    text = replicas[0].get(told["spec"]).text
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert "dense_0" not in text


class Bucket(BaseHTTPRequestHandler):
    """A bucket that speaks as much of S3 as keeping specs takes: objects put and got, and a list of them."""

    objects: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        dated = {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT", "etag": '"1"'}
        for name, value in {"content-length": str(len(content)), **dated, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.asked.append(f"GET {path}")
        if "list-type=2" in query:
            rows = "".join(
                f"<Contents><Key>{name.removeprefix('/bucket/')}</Key><Size>{len(content)}</Size><ETag>1</ETag>"
                "<LastModified>1970-01-01T00:00:00.000Z</LastModified></Contents>"
                for name, content in self.objects.items()
            )
            self.answer(200, f"<ListBucketResult>{rows}</ListBucketResult>".encode())
        elif path in self.objects:
            self.answer(200, self.objects[path])
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_PUT(self) -> None:
        self.asked.append(f"PUT {self.path}")
        self.objects[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self.answer(200, b"")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_a_bucket_keeps_specs_as_a_directory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever).start()
        for name, value in {
            "AWS_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "here",
            "AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        one, other = (Store.at("s3://bucket/folder", 25, LONGEST) for _ in range(2))
        try:
            assert keep(one, "the text", "another") == [True, True]
            assert read(other, "the text") == "the text"
            assert keep(other, "another") == [False]
            with pytest.raises(StoreFull):
                keep(other, "more than there is room for")
            with pytest.raises(RequestProblem, match="no spec is kept here"):
                read(other, "never kept")
        finally:
            server.shutdown()
    place = f"/bucket/folder/{digest_of('the text')[:2]}/{digest_of('the text')}.json"
    assert Bucket.objects[place] == b"the text"
    assert Bucket.asked.count(f"PUT {place}") == 1
