"""Connections that break, answers that are cut or changed, servers that are killed: what a client gives is whole."""

import hashlib
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from initserve import Client, InitserveError, Local, answers
from initserve.files import Entry
from initserve.progress import Bar
from initserve.saving import PartFile

from tests.clients.python.faulty import cut_after, faulty, garbled, said, scripted
from tests.conftest import Server, free_port, serving

MIB = 2**20
LARGE = {"seed": 5, "layers": [{"name": "w", "type": "tensor", "shape": [2048, 1024], "scheme": "he_normal"}]}
SMALL = {"seed": 5, "layers": [{"name": "w", "type": "dense", "shape": [6, 5], "scheme": "he_normal"}]}
HUGE = {"seed": 5, "layers": [{"name": "w", "type": "tensor", "shape": [4096, 4096], "scheme": "he_normal"}]}


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PAUSE", 0.01)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def local() -> Local:
    return Local()


@pytest.fixture
def whole(local: Local, tmp_path: Path) -> Path:
    return local.save(LARGE, tmp_path / "whole.safetensors")


@pytest.mark.long
def test_a_download_goes_on_where_its_server_was_killed(
    monkeypatch: pytest.MonkeyPatch, local: Local, tmp_path: Path
) -> None:
    """The server dies in the middle, and another takes its port a while later."""
    monkeypatch.setattr(answers, "PAUSE", 0.1)
    port = free_port()
    with serving(INITSERVE_PORT=str(port)) as first, Client(first.url, tries=60) as client:
        places: list[int] = []
        add = PartFile.add

        def watched(self: PartFile, chunk: bytes) -> None:
            add(self, chunk)
            places.append(self.place)
            if len(places) == 4:
                first.process.kill()
                first.process.wait()
                second.append(Server(INITSERVE_PORT=str(port)))

        second: list[Server] = []
        monkeypatch.setattr(PartFile, "add", watched)
        monkeypatch.setattr(answers, "LONGEST_PAUSE", 0.2)
        try:
            path = client.save(HUGE, tmp_path / "w.safetensors")
        finally:
            for each in second:
                each.stop()
    assert second
    assert places == sorted(places)
    assert digest(path) == digest(local.save(HUGE, tmp_path / "other.safetensors"))


def test_every_connection_may_break_and_no_byte_is_asked_for_twice(running: Server, whole: Path, local: Local) -> None:
    with faulty(running, always=cut_after(3 * MIB)) as proxy, Client(proxy.url, tries=3) as client:
        assert client.init(LARGE)["w/value"].tobytes() == local.init(LARGE)["w/value"].tobytes()
    assert proxy.connections >= 3
    assert proxy.brought < whole.stat().st_size + proxy.connections * 4096


def test_memory_that_is_read_into_is_filled_though_every_connection_breaks(running: Server, local: Local) -> None:
    """It goes on where it was, and nothing beside it is written."""
    with faulty(running, always=cut_after(3 * MIB)) as proxy, Client(proxy.url, tries=3) as client:
        array = client.open(LARGE)["w/value"]
        memory = np.full(array.size + 2, 7, np.float32)
        array.read_into(memory[1:-1].reshape(array.shape))
    assert memory[1:-1].tobytes() == local.init(LARGE)["w/value"].tobytes()
    assert (memory[0], memory[-1]) == (7, 7)
    assert proxy.connections >= 3


@pytest.mark.parametrize("more", [-4, 4])
@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_other_bytes_than_the_memory_holds_are_an_error_and_none_stands_beside_it(more: int, framing: str) -> None:
    body = b"x" * (16 + more)
    answer = said(200, body)
    if framing == "chunked":
        answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    memory = np.zeros(6, np.float32)
    entry = Entry("w", "F32", (4,), 0, 16)
    with scripted(*[answer] * 9) as script, Client(script.url, tries=2) as client:
        steps = client._service.part_into("/weights/x", entry, None, memory[1:5])
        with pytest.raises(InitserveError) as failed:
            client._take(steps)
    assert failed.value.code == "broken-answer"
    assert not memory[[0, 5]].any()


def test_what_an_earlier_process_left_is_gone_on_with(running: Server, whole: Path, tmp_path: Path) -> None:
    with Client(running.url) as client:
        link = client.plan(LARGE)["links"]["safetensors"]
    path = tmp_path / "w.safetensors"
    begun = whole.read_bytes()[: 7 * MIB + 5]
    path.with_name("w.safetensors.part").write_bytes(begun)
    path.with_name("w.safetensors.part.etag").write_text(httpx.head(running.url + link).headers["etag"])
    with faulty(running) as proxy, Client(proxy.url) as client:
        client.save(LARGE, path)
    assert digest(path) == digest(whole)
    assert proxy.brought < whole.stat().st_size - len(begun) + 8192
    assert sorted(each.name for each in tmp_path.iterdir()) == ["w.safetensors", "whole.safetensors"]


@pytest.mark.parametrize("extra", [0, 1])
def test_a_part_that_is_whole_is_done_and_one_that_is_longer_begins_anew(
    running: Server, whole: Path, tmp_path: Path, extra: int
) -> None:
    with Client(running.url) as client:
        link = client.plan(LARGE)["links"]["safetensors"]
        path = tmp_path / "w.safetensors"
        path.with_name("w.safetensors.part").write_bytes(whole.read_bytes() + b"x" * extra)
        path.with_name("w.safetensors.part.etag").write_text(httpx.head(running.url + link).headers["etag"])
        assert digest(client.save(LARGE, path)) == digest(whole)


@pytest.mark.parametrize("etag", ['"another"', "", "no tag\n"])
def test_a_part_of_another_file_is_begun_anew(running: Server, whole: Path, tmp_path: Path, etag: str) -> None:
    path = tmp_path / "w.safetensors"
    path.with_name("w.safetensors.part").write_bytes(b"other" * 1000)
    path.with_name("w.safetensors.part.etag").write_text(etag)
    with Client(running.url) as client:
        assert digest(client.save(LARGE, path)) == digest(whole)


def test_a_file_has_its_name_when_it_is_whole_and_not_before(running: Server, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"what was there")
    path.chmod(0o640)
    # The second connection ends at once, as all after it.
    with faulty(running, cut_after(3 * MIB), always=cut_after(0)) as proxy, Client(proxy.url, tries=3) as client:
        with pytest.raises(InitserveError) as failed:
            client.save(LARGE, path)
        assert (failed.value.code, failed.value.status) == ("no-answer", None)
    assert path.read_bytes() == b"what was there"
    part = path.with_name("w.safetensors.part").read_bytes()
    assert 2 * MIB <= len(part) < 3 * MIB
    assert whole.read_bytes().startswith(part)
    with Client(running.url) as client:
        assert digest(client.save(LARGE, path)) == digest(whole)
    assert path.stat().st_mode & 0o777 == 0o640


def test_two_do_not_write_one_file_at_once(running: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(running.url) as client:
        refused: list[InitserveError] = []
        add = PartFile.add

        def meanwhile(self: PartFile, chunk: bytes) -> None:
            if not refused:
                with pytest.raises(InitserveError, match="being saved already") as found:
                    client.save(LARGE, tmp_path / "w.safetensors")
                refused.append(found.value)
            add(self, chunk)

        monkeypatch.setattr(PartFile, "add", meanwhile)
        client.save(LARGE, tmp_path / "w.safetensors")
    assert refused[0].code == "in-use"


def test_a_name_of_no_format_and_what_is_no_file_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9", tries=1) as client, pytest.raises(ValueError, match="npz"):
        client.save(LARGE, tmp_path / "w.bin")
    (tmp_path / "w.npz").mkdir()
    with pytest.raises(OSError, match="no file"):
        PartFile(tmp_path / "w.npz", Bar("w", 1, wanted=False))


@pytest.mark.parametrize("place", [500, 900, 1200])
def test_a_changed_byte_is_noticed_by_the_digest(running: Server, local: Local, place: int) -> None:
    """A small answer comes with its SHA-256; wherever the byte is, what is given in the end is right."""
    with Client(running.url) as client:
        plan = client.plan(SMALL)
    wanted = local.init(SMALL)
    lengths = len(json.dumps(plan))
    for at in (place, lengths + place):
        with faulty(running, garbled(at)) as proxy, Client(proxy.url) as client:
            assert client.init(SMALL)["w/kernel"].tobytes() == wanted["w/kernel"].tobytes()


def test_a_service_that_is_busy_is_asked_again_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("initserve.client.sleep", waited.append)
    busy = json.dumps({"type": "/problems/busy", "detail": "all that it can do"}).encode()
    plan = b'{"seed": "1"}'
    answers_given = [
        said(503, busy, "retry-after: 7"), said(429, b"slow down", "retry-after: 2"), said(502, b"<html>"),
        said(200, b'{"cut', "content-type: application/json"), said(200, plan),
    ]  # fmt: skip
    with scripted(*answers_given) as script, Client(script.url) as client:
        assert client.plan({"layers": []}) == {"seed": "1"}
    assert waited[:2] == [7.0, 2.0]
    assert waited[2:] == [0.04, 0.08]
    assert all("accept-encoding: identity" in each for each in script.asked)


def test_a_text_that_is_not_what_its_digest_tells_is_asked_for_again() -> None:
    wrong = f"repr-digest: sha-256=:{'A' * 43}=:"
    answers_given = said(200, b'{"seed": "2"}', wrong), said(200, b'{"seed": "1"}')
    with scripted(*answers_given) as script, Client(script.url) as client:
        assert client.plan(SMALL) == {"seed": "1"}


def test_one_that_stays_busy_is_an_error_with_its_words() -> None:
    busy = json.dumps({"type": "/problems/busy", "detail": "all that it can do", "try": {"a": 1}}).encode()
    with (
        scripted(*[said(503, busy, "retry-after: 0")] * 3) as script,
        Client(script.url, tries=3) as client,
        pytest.raises(InitserveError, match="all that it can do") as failed,
    ):
        client.plan(SMALL)
    assert (failed.value.status, failed.value.code, failed.value.try_) == (503, "busy", {"a": 1})
    assert len(script.asked) == 3


def test_nobody_there_is_an_error_after_its_tries() -> None:
    with Client(f"http://127.0.0.1:{free_port()}", tries=3) as client, pytest.raises(InitserveError) as failed:
        client.plan(SMALL)
    assert (failed.value.status, failed.value.code) == (None, "no-answer")
    with Client("nonsense://x") as client, pytest.raises(InitserveError):
        client.plan(SMALL)


def test_an_error_without_a_problem_document_is_quoted() -> None:
    with (
        scripted(said(404, b"<html>no such host")) as script,
        Client(script.url) as client,
        pytest.raises(InitserveError, match="no such host") as failed,
    ):
        client.plan(SMALL)
    assert (failed.value.status, failed.value.code) == (404, "broken-answer")


LINKED = json.dumps({"seed": "1", "totals": {"bytes": 80}, "links": {"safetensors": "/w.safetensors"}}).encode()
HEADER = b'{"w":{"dtype":"F32","shape":[20],"data_offsets":[0,80]}}'
CONTENT = len(HEADER).to_bytes(8, "little") + HEADER + np.arange(20, dtype="<f4").tobytes()
SIZE = len(CONTENT)
BEGUN = b'HTTP/1.1 200 X\r\ncontent-length: %d\r\netag: "1"\r\nconnection: close\r\n\r\n' % SIZE + CONTENT[:100]


def rest(first: int, etag: str = '"1"', total: int = SIZE) -> bytes:
    return said(206, CONTENT[100:], f"content-range: bytes {first}-{SIZE - 1}/{total}", f"etag: {etag}")


ALL_OF_IT = f"content-range: bytes 100-{SIZE - 1}/{SIZE}"
OTHERS: dict[str, list[bytes]] = {
    "less than it says": [BEGUN, said(206, CONTENT[100:120], ALL_OF_IT, 'etag: "1"'), said(200, CONTENT)],
    "it goes on": [BEGUN, rest(100)],
    "it begins anew where ranges are unknown": [BEGUN, said(200, CONTENT)],
    "another place": [BEGUN, rest(90), said(200, CONTENT)],
    "another tag": [BEGUN, rest(100, '"2"'), said(200, CONTENT)],
    "another length": [BEGUN, rest(100, total=SIZE + 1), said(200, CONTENT)],
    "no such bytes": [BEGUN, said(416, b"", "content-range: bytes */50"), said(200, CONTENT)],
    "no length": [b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n" + CONTENT[:90], said(200, CONTENT)],
    "no tag": [said(200, CONTENT).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + CONTENT[:90], said(200, CONTENT)],
    "compressed": [said(200, CONTENT, "content-encoding: gzip"), said(200, CONTENT)],
    "a header that is none": [said(200, b"\0" * SIZE), said(200, CONTENT)],
    "a wrong digest": [said(200, CONTENT[:-1] + b"x", f"repr-digest: sha-256=:{'A' * 43}=:"), said(200, CONTENT)],
    "a digest that is none": [said(200, CONTENT, "repr-digest: sha-256=:A:"), said(200, CONTENT)],
    "too long": [said(200, CONTENT + b"x"), said(200, CONTENT)],
}


@pytest.mark.parametrize("given", OTHERS.values(), ids=OTHERS)
def test_whatever_comes_what_is_given_is_the_whole(given: list[bytes]) -> None:
    with scripted(said(200, LINKED), *given) as script, Client(script.url) as client:
        assert client.init(SMALL)["w"].tolist() == list(range(20))
    assert len(script.asked) == 1 + len(given)
    if given[0] == BEGUN:
        assert "range: bytes=100-" in script.asked[2]
        assert 'if-range: "1"' in script.asked[2]


def test_a_part_that_is_less_than_it_says_is_not_the_end_of_a_file(tmp_path: Path) -> None:
    less = said(206, CONTENT[100:120], ALL_OF_IT, 'etag: "1"')
    last = said(206, CONTENT[120:], f"content-range: bytes 120-{SIZE - 1}/{SIZE}", 'etag: "1"')
    with scripted(said(200, LINKED), BEGUN, less, last) as script, Client(script.url) as client:
        assert client.save(SMALL, tmp_path / "w.safetensors").read_bytes() == CONTENT
    assert "range: bytes=120-" in script.asked[3]


def test_what_is_wrong_every_time_is_an_error_and_never_a_short_array() -> None:
    short = said(200, CONTENT).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + CONTENT[:90]
    for wrong in (short, said(200, b"\0" * SIZE), said(200, CONTENT[:90])):
        with (
            scripted(said(200, LINKED), *[wrong] * 4) as script,
            Client(script.url, tries=4) as client,
            pytest.raises(InitserveError),
        ):
            client.init(SMALL)


def test_a_bar_is_shown_on_a_terminal_alone(
    running: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Client(running.url) as client:
        client.save(SMALL, tmp_path / "w.safetensors")
        assert capsys.readouterr().err == ""
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        client.save(SMALL, tmp_path / "w.safetensors")
        assert "w.safetensors ██████████████████████████████ 100%" in capsys.readouterr().err
        client.save(SMALL, tmp_path / "w.safetensors", progress=False)
        assert capsys.readouterr().err == ""
