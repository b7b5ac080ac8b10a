"""Downloads that break off: whoever takes them, and whichever replica goes on, the file that results is the whole."""

import hashlib
import signal
import socket
import threading
from pathlib import Path

import httpx
import pytest

from service.pipeline import AHEAD
from tests.api.downloaders import CLIENTS, PATIENCE, Break
from tests.api.test_flow import KERNEL, MIB, counters, read, wait_until
from tests.api.test_weights import LARGE, SPEC, token
from tests.conftest import Server, serving
from tests.specs.test_golden import host_has

# 32 MiB, more than what connections hold that nobody reads; the biases are read off a stream that is walked.
LAYERS = [
    {"name": "w", "type": "tensor", "shape": [4096, 2000], "scheme": "he_normal"},
    {"name": "out", "type": "dense", "shape": [500, 300], "bias": "random_normal"},
]
FILE = f"/weights/{token({'algorithm': 'initserve/1', 'layers': LAYERS, 'seed': '5'})}.safetensors"
LENGTH = 4 * (4096 * 2000 + 501 * 300)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def get(server: Server, address: str, *headers: str) -> socket.socket:
    """Ask for something and read nothing of the answer."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.sendall("\r\n".join([f"GET {address} HTTP/1.1", "host: x", *headers, "", ""]).encode())
    return connection


@pytest.mark.long
def test_a_download_goes_on_where_its_server_was_killed(client: httpx.Client, tmp_path: Path) -> None:
    """Every client at once: one replica is killed while all of them read, and another takes its port."""
    whole = client.get(FILE).content
    assert len(whole) > LENGTH
    files = {each.__name__: tmp_path / each.__name__ for each in CLIENTS}
    ends = [Break() for _ in CLIENTS]
    with serving() as killed:
        jobs = [
            threading.Thread(target=each, args=(killed.url + FILE, files[each.__name__], end))
            for each, end in zip(CLIENTS, ends, strict=True)
        ]
        for job in jobs:
            job.start()
        for end in ends:
            assert end.begun.wait(PATIENCE)
        killed.process.kill()
        killed.process.wait()
        assert all(path.stat().st_size < len(whole) for path in files.values())
        for end in ends:
            end.made.set()
        with serving(INITSERVE_PORT=str(killed.port), INITSERVE_DRAWING_THREADS="1") as other:
            for job in jobs:
                job.join()
            drawn = counters(other)["drawn_bytes_total"]
    begun = len(CLIENTS) - 1  # one curl begins anew
    assert begun * len(whole) // 3 < drawn < len(CLIENTS) * len(whole) - begun * 3 * MIB
    assert {name: digest(path.read_bytes()) for name, path in files.items()} == dict.fromkeys(files, digest(whole))


def test_what_a_server_that_is_told_to_stop_has_sent_is_the_beginning_and_another_has_the_rest(
    client: httpx.Client,
) -> None:
    with serving(INITSERVE_SHUTDOWN_SECONDS="1", INITSERVE_DRAWING_THREADS="1") as server, get(server, FILE) as reader:
        sent = bytearray(read(reader, MIB))
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=PATIENCE)
        try:
            while part := reader.recv(MIB):
                sent += part
        except ConnectionError:
            pass
    head, _, begun = bytes(sent).partition(b"\r\n\r\n")
    said = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    assert MIB // 2 < len(begun) < int(said[b"content-length"])
    on = {"range": f"bytes={len(begun)}-", "if-range": said[b"etag"].decode()}
    rest, whole = client.get(FILE, headers=on), client.get(FILE)
    assert (rest.status_code, whole.headers["etag"]) == (206, on["if-range"])
    assert len(whole.content) == int(said[b"content-length"])
    assert digest(begun + rest.content) == digest(whole.content)


def test_a_range_that_nobody_reads_holds_up_nobody(running: Server, client: httpx.Client) -> None:
    large, small = f"/weights/{token(LARGE)}.safetensors", f"/weights/{token(SPEC)}.safetensors"
    drawn = counters(running)["drawn_bytes_total"]
    with get(running, large, f"range: bytes={2**39}-{2**39 + 2**34}") as stalled:
        assert read(stalled, MIB).startswith(b"HTTP/1.1 206")
        for _ in range(20):
            assert client.get(small, headers={"range": "bytes=-500"}, timeout=5.0).status_code == 206
        first = client.get(large, headers={"range": f"bytes={2**39}-{2**39 + MIB}"}, timeout=5.0)
        assert first.status_code == 206
        assert counters(running)["drawn_bytes_total"] - drawn < 4 * MIB + KERNEL + AHEAD
    wait_until(lambda: counters(running)["in_flight_bytes"] == 0)


@pytest.mark.long
@pytest.mark.skipif(not host_has("generic"), reason="the other replica's code is for x86-64")
def test_a_replica_with_other_machine_code_and_threads_answers_the_same_bytes(client: httpx.Client) -> None:
    layers = [
        {"name": "conv", "type": "conv2d", "shape": [3, 3, 8, 16], "activation": "relu"},
        {"name": "words", "type": "embedding", "shape": [50, 32]},
        {"name": "out", "type": "dense", "shape": [32, 300], "bias": "random_normal", "scheme": "random_uniform"},
    ]
    algorithms = [each["name"] for each in client.get("/algorithms").json()["algorithms"]]
    assert len(algorithms) > 5
    with (
        serving(NUMBA_CPU_NAME="generic", INITSERVE_DRAWING_THREADS="3") as other,
        httpx.Client(base_url=other.url, timeout=90.0) as asked,
    ):
        for algorithm in algorithms:
            at = f"/weights/{token({'algorithm': algorithm, 'layers': layers, 'seed': '9'})}"
            for form in ("npz", "safetensors", "json?include=weights,statistics", "svg"):
                here, there = client.get(f"{at}.{form}"), asked.get(f"{at}.{form}")
                assert (here.status_code, there.status_code) == (200, 200), (algorithm, form, here.text)
                assert (here.headers["etag"], here.content) == (there.headers["etag"], there.content), (algorithm, form)
