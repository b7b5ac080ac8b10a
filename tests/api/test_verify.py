"""POST /verify on a real server: files of every kind, specs from every place, bodies that stop or never come."""

import io
import json
import socket
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import numpy as np
import pytest

from service.api.answers import VerifyAnswer
from service.api.comparing import HELD
from service.api.connections import Connections
from service.specs.addresses import packed
from tests.api.test_flow import PATIENCE, counters, needs_proc, read, resident, wait_until
from tests.conftest import Server, serving
from tests.verification import file_of, planned

MIB = 2**20
LAYERS = [
    {"name": "fc1", "type": "dense", "shape": [40, 30], "activation": "relu"},
    {"name": "out", "type": "dense", "shape": [30, 10], "scheme": "orthogonal"},
]
PLAN = planned(layers=LAYERS)
SPEC = json.dumps({"seed": 42, "layers": LAYERS})
TOKEN = packed(PLAN.canonical_json())
FILES = {format: file_of(PLAN, format) for format in ("safetensors", "npz")}
SINGLE = planned(layers=[{"name": "w", "type": "tensor", "shape": [8, 8], "scheme": "he_normal"}])


def check(answer: httpx.Response, status: int, code: str, words: str = "") -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["type"] == f"/problems/{code}"
    assert words in answer.json()["detail"]


def equal(answer: httpx.Response, count: int = 4) -> bool:
    assert answer.status_code == 200, answer.text
    found = VerifyAnswer.model_validate_json(answer.content, strict=True)
    assert found.totals.parameters == count
    return found.equal


@pytest.mark.parametrize("format", FILES)
@pytest.mark.parametrize(
    "media_type", ["application/octet-stream", "application/vnd.safetensors", "application/zip", None]
)
def test_a_files_kind_is_told_by_its_first_bytes(client: httpx.Client, format: str, media_type: str | None) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    assert equal(client.post(f"/verify?spec={TOKEN}", content=FILES[format], headers=headers))


def test_a_safetensors_file_of_this_service_says_its_spec_itself(client: httpx.Client) -> None:
    assert equal(client.post("/verify", content=FILES["safetensors"]))
    other = planned(seed=43, layers=LAYERS)
    assert not equal(client.post(f"/verify?spec={packed(other.canonical_json())}", content=FILES["safetensors"]))
    check(client.post("/verify", content=FILES["npz"]), 422, "invalid-query", "?spec=")


def test_an_npy_file_is_the_only_parameter(client: httpx.Client) -> None:
    file, token = file_of(SINGLE, "npy"), packed(SINGLE.canonical_json())
    headers = {"content-type": "application/x-npy"}
    assert equal(client.post(f"/verify?spec={token}", content=file, headers=headers), 1)
    check(client.post(f"/verify?spec={TOKEN}", content=file, headers=headers), 422, "unsupported-combination")


def test_a_difference_is_told_with_its_place_and_size(client: httpx.Client) -> None:
    with np.load(io.BytesIO(FILES["npz"])) as opened:
        arrays = dict(opened)
    before = float(arrays["fc1/kernel"][7, 3])
    arrays["fc1/kernel"][7, 3] = 2.0
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    answer = client.post(f"/verify?spec={TOKEN}", content=out.getvalue())
    assert not equal(answer)
    (found,) = (each for each in answer.json()["parameters"] if not each["equal"])
    assert found["name"] == "fc1/kernel"
    assert (found["first_difference"]["index"], found["first_difference"]["expected"]) == ([7, 3], before)
    assert found["max_abs_difference"] == 2.0 - before
    assert answer.headers["cache-control"] == "no-store"


def form(*fields: tuple[str, Any]) -> list[tuple[str, Any]]:
    return [(name, (None, content) if name == "spec" else ("weights.bin", content)) for name, content in fields]


def test_a_form_has_file_and_spec_in_either_order_where_the_file_is_small(client: httpx.Client) -> None:
    for fields in ([("spec", SPEC), ("file", FILES["npz"])], [("file", FILES["npz"]), ("spec", SPEC)]):
        assert equal(client.post("/verify", files=form(*fields)))
    assert equal(client.post(f"/verify?spec={TOKEN}", files=form(("file", FILES["npz"]))))
    assert equal(client.post("/verify", files=form(("spec", " "), ("file", FILES["safetensors"]))))
    assert equal(client.post("/verify", files=form(("file", FILES["safetensors"]))))


def test_a_form_that_is_none_is_told_what_is_wrong(client: httpx.Client) -> None:
    def posted(*fields: tuple[str, Any], query: str = "") -> httpx.Response:
        return client.post(f"/verify{query}", files=form(*fields))

    check(posted(("spec", SPEC)), 400, "malformed-form", "no field named file")
    check(posted(("file", b"x"), ("file", b"x")), 400, "malformed-form", "each once")
    check(posted(("weights", b"x")), 400, "malformed-form", "'weights'")
    check(posted(("spec", SPEC), ("file", b"PK"), query=f"?spec={TOKEN}"), 400, "malformed-form", "address already")
    check(posted(("spec", "{"), ("file", FILES["npz"])), 400, "malformed-json")
    check(posted(("spec", '{"seed": 1, "layers": []}'), ("file", FILES["npz"])), 422, "invalid-spec")
    check(posted(("spec", "[" * 17 * MIB), ("file", b"")), 413, "body-too-large")
    file = file_of(planned(layers=[{"type": "tensor", "shape": [2**19]}]), "npz")
    check(posted(("file", file), ("spec", SPEC)), 422, "invalid-query", "?spec=")
    file = file_of(planned(layers=[{"type": "tensor", "shape": [2**19]}]), "safetensors")
    check(posted(("file", file), ("spec", SPEC)), 400, "malformed-form", "put it before the file")


BOUNDARY = "multipart/form-data; boundary=xyz"
HEAD = b'Content-Disposition: form-data; name="file"'


@pytest.mark.parametrize(
    ("media_type", "body", "words"),
    [
        ("multipart/form-data", b"--xyz\r\n", "no boundary"),
        (BOUNDARY, b"", "ends before"),
        (BOUNDARY, b"x" * 10_000, "does not begin with its boundary"),
        (BOUNDARY, b"--xyz\r\n\r\nx\r\n--xyz--", "Content-Disposition"),
        (BOUNDARY, b"--xyz\r\n" + b"a: b\r\n" * 2000, "headers of a part"),
        (BOUNDARY, b"--xyz\r\n" + HEAD + b"\r\n\r\nPK", "ends before"),
        (BOUNDARY, b"--xyzw\r\n" + HEAD + b"\r\n\r\nPK", "followed by something else"),
        (BOUNDARY, b"--xyz--", "no field named file"),
    ],
)
def test_a_body_that_is_no_form_is_refused(client: httpx.Client, media_type: str, body: bytes, words: str) -> None:
    check(client.post("/verify", content=body, headers={"content-type": media_type}), 400, "malformed-form", words)


def test_a_form_as_rfc_2046_allows_it(client: httpx.Client) -> None:
    for head in (
        HEAD,
        HEAD.lower().replace(b'"', b""),
        b"x: y\r\n" + HEAD + b'; filename="a\\"; name=b"\r\nContent-Type: a/b',
    ):
        body = b"preamble\r\n--xyz \t\r\n" + head + b"\r\n\r\n" + FILES["safetensors"] + b"\r\n--xyz--\r\nepilogue"
        headers = {"content-type": 'Multipart/Form-Data; charset=utf-8; Boundary="xyz"'}
        assert equal(client.post("/verify", content=body, headers=headers))
        chunked = client.post(
            "/verify", content=(body[at : at + 11] for at in range(0, len(body), 11)), headers=headers
        )
        assert equal(chunked)


def test_what_cannot_be_compared_is_refused_in_words(client: httpx.Client) -> None:
    file = FILES["safetensors"]
    check(client.post("/verify", content=b""), 422, "invalid-file", "empty")
    check(client.post("/verify", content=b"hello, world"), 422, "invalid-file", "neither")
    check(client.post("/verify", content=file[:-1]), 422, "invalid-file", "in the middle of the data of out/bias")
    check(client.post("/verify", content=file + b"x"), 422, "invalid-file", "goes on")
    check(client.post("/verify", content=file, headers={"content-type": "text/plain"}), 415, "unsupported-media-type")
    check(client.post("/verify", content=file, headers={"content-encoding": "gzip"}), 415, "unsupported-media-type")
    check(client.post("/verify?spec=AAAA", content=file), 400, "invalid-address")
    check(client.post("/verify?format=npz", content=file), 422, "invalid-query")
    seedless = form(("spec", json.dumps({"layers": LAYERS})), ("file", file))
    check(client.post("/verify", files=seedless), 422, "invalid-spec", "seed")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.npy", b"")
    check(client.post(f"/verify?spec={TOKEN}", content=out.getvalue()), 422, "invalid-file", "method 14")


def begin(server: Server, length: int, sent: bytes, query: str = "") -> socket.socket:
    """Send the head of a request, and the beginning of its body."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    head = f"POST /verify{query} HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream"
    connection.sendall(f"{head}\r\ncontent-length: {length}\r\n\r\n".encode() + sent)
    return connection


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(2**16).split()[1])


def test_what_would_cost_too_much_is_refused_before_the_file_is_there(running: Server) -> None:
    # A header that lists a matrix which nobody could make; of its data not one byte.
    side = 2**15
    plan = planned(layers=[{"name": "w", "type": "dense", "shape": [side, side], "scheme": "orthogonal", "bias": None}])
    entry = {"w/kernel": {"dtype": "F32", "shape": [side, side], "data_offsets": [0, 4 * side**2]}}
    header = json.dumps(entry).encode()
    beginning = len(header).to_bytes(8, "little") + header
    with begin(
        running, len(beginning) + 4 * side**2, beginning, f"?spec={packed(plan.canonical_json())}"
    ) as connection:
        answer = read(connection, 2**16)
    assert b" 422 " in answer
    assert b"too-large" in answer


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes little and has little patience."""
    with serving(
        INITSERVE_SPECS=str(tmp_path_factory.mktemp("specs")),
        INITSERVE_MAX_FILE_BYTES=str(16 * MIB),
        INITSERVE_UPLOAD_TIMEOUT_SECONDS="0.5",
        INITSERVE_MIN_RECEIVE_BYTES_PER_SECOND=str(8 * 1024),
    ) as server:
        yield server


def test_a_file_beyond_the_limit_is_refused_by_its_length_or_once_it_is_too_long(narrow: Server) -> None:
    with begin(narrow, 16 * MIB + 1, b"") as connection:
        assert status_of(connection) == 413
    large = file_of(planned(layers=[{"type": "tensor", "shape": [4 * MIB], "scheme": "zeros"}]), "safetensors")
    answer = httpx.post(f"{narrow.url}/verify", content=(large[at : at + MIB] for at in range(0, len(large), MIB)))
    check(answer, 413, "body-too-large")


def test_a_spec_that_is_kept_is_named_by_its_digest(narrow: Server) -> None:
    digest = httpx.post(f"{narrow.url}/specs", json=json.loads(SPEC)).json()["digest"]
    assert digest.startswith("sha256-")
    assert equal(httpx.post(f"{narrow.url}/verify?spec={digest}", content=FILES["npz"]))
    other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    check(httpx.post(f"{narrow.url}/verify?spec={other}", content=FILES["npz"]), 404, "unknown-spec")


def test_a_bomb_is_refused_once_it_has_come_to_too_much(narrow: Server) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bin", bytes(64 * MIB))
    answer = httpx.post(f"{narrow.url}/verify?spec={TOKEN}", content=out.getvalue(), timeout=PATIENCE)
    check(answer, 422, "too-large", "inflates to more than 16,777,216 bytes")


def test_a_client_that_sends_nothing_is_told_so_and_one_that_is_slow_is_borne_with(narrow: Server) -> None:
    file = FILES["safetensors"]
    with begin(narrow, len(file), file[:1000]) as connection:
        assert status_of(connection) == 408

    def slowly() -> Iterator[bytes]:  # for longer than anybody who sends nothing is waited for
        for start in range(0, len(file), 1000):
            yield file[start : start + 1000]
            time.sleep(0.1)

    assert equal(httpx.post(f"{narrow.url}/verify", content=slowly()))


def test_files_that_come_in_share_the_memory_that_there_is(running: Server) -> None:
    file = FILES["safetensors"]
    room = 3 * int(counters(running)["in_flight_limit_bytes"]) // 4
    with ExitStack() as stack:
        uploads = [stack.enter_context(begin(running, len(file), file[:-1])) for _ in range(room // HELD + 1)]
        wait_until(lambda: counters(running)["in_flight_bytes"] >= 0.4 * room)  # a client leaves half to others
        check(httpx.post(f"{running.url}/verify", content=file), 429, "too-many-requests")
        assert httpx.post(f"{running.url}/init", json={"layers": LAYERS}).status_code == 200
        for upload in uploads[: len(uploads) * 4 // 10]:  # the others were too many
            upload.sendall(file[-1:])
            assert status_of(upload) == 200
    wait_until(lambda: counters(running)["in_flight_bytes"] == 0)


def test_those_who_say_nothing_are_closed_for_newcomers_before_a_file_that_comes_in() -> None:
    ended: list[str] = []

    class One:
        def __init__(self, name: str) -> None:
            self.name = name

        def end(self) -> None:
            ended.append(self.name)

    connections = Connections(3)
    upload, silent, later = (One(name) for name in ("upload", "silent", "later"))
    for one in (upload, silent, later):
        assert connections.enter()
        connections.idle(one)
    connections.idle(upload)  # some of its body came
    for closed in ("silent", "later", "upload"):
        assert connections.enter()
        assert ended[-1] == closed
    assert not connections.enter()


# Of the second array not one value is known before all of the first has been walked over: seconds.
WALKED = planned(
    algorithm="numpy-pcg64/1",
    layers=[
        {"name": "first", "type": "tensor", "shape": [2**15, 2**15], "scheme": "random_normal"},
        {"name": "second", "type": "tensor", "shape": [2**18], "scheme": "random_normal"},
    ],
)


@pytest.mark.parametrize("sent", [0.9, 1.0])
def test_what_is_done_for_a_client_ends_when_it_leaves(running: Server, sent: float) -> None:
    """While its file comes in and is not read, and once all of it is there."""
    entry = {"second/value": {"dtype": "F32", "shape": [2**18], "data_offsets": [0, 2**20]}}
    header = json.dumps(entry).encode()
    file = len(header).to_bytes(8, "little") + header + bytes(2**20)
    with begin(running, len(file), file[: int(sent * len(file))], f"?spec={packed(WALKED.canonical_json())}"):
        wait_until(lambda: counters(running)["in_flight_bytes"] > 0)
        time.sleep(0.3)
        assert counters(running)["in_flight_bytes"] > 0
    began = time.monotonic()
    wait_until(lambda: counters(running)["in_flight_bytes"] == 0)
    assert time.monotonic() - began < 2.0  # a generous share of what it takes to walk there


def test_cut_short_or_damaged_anywhere_no_answer_is_a_fault_of_the_service(client: httpx.Client) -> None:
    for format, file in FILES.items():
        for place in range(0, len(file), len(file) // 60):
            damaged = bytearray(file)
            damaged[place] ^= 0x55
            for content in (file[:place], bytes(damaged)):
                answer = client.post(f"/verify?spec={TOKEN}", content=content)
                assert answer.status_code in (200, 422), (format, place, answer.text)
                if answer.status_code == 200:
                    assert not answer.json()["equal"] or content[place] != file[place]


@pytest.mark.long
@needs_proc
@pytest.mark.parametrize("format", ["safetensors", "npz"])
def test_a_file_of_any_size_takes_the_memory_of_a_few_blocks(format: str) -> None:
    layers = [
        {"name": f"w{index}", "type": "tensor", "shape": [2**12, 2**13], "scheme": "he_normal"} for index in range(4)
    ]
    plan = planned(layers=layers)  # 512 MiB
    token = packed(plan.canonical_json())
    with serving() as server:
        small = httpx.post(f"{server.url}/verify?spec={TOKEN}", content=FILES["safetensors"])
        assert equal(small)
        before = resident(server, "VmHWM")
        with httpx.stream("POST", f"{server.url}/init?format={format}", json={"seed": 42, "layers": layers}) as made:
            answer = httpx.post(
                f"{server.url}/verify?spec={token}",
                content=made.iter_bytes(),
                headers={"content-length": made.headers["content-length"]},
                timeout=600,
            )
        assert equal(answer)
        assert resident(server, "VmHWM") - before < 64 * MIB
