"""`initserve verify` and `plan`: files, pipes, directories, shards and addresses that break off; and how they end."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import reading
from service.cli import main
from service.formats.safetensors import encode_some
from service.formats.sharding import INDEX, encode_index, shards
from service.specs.addresses import packed
from tests.api.test_flow import counters, wait_until
from tests.conftest import ROOT, serving
from tests.test_cli import NEEDS_UNIX, read_terminal, run, start
from tests.verification import file_of, planned

LAYERS = [
    {"name": "fc1", "type": "dense", "shape": [400, 300], "scheme": "he_normal"},
    {"name": "fc2", "type": "dense", "shape": [300, 200], "scheme": "orthogonal"},
    {"name": "out", "type": "dense", "shape": [200, 10]},
]
SPEC = {"seed": 42, "layers": LAYERS}
PLAN = planned(layers=LAYERS)
FILE = file_of(PLAN, "safetensors")
TOKEN = packed(PLAN.canonical_json())


def verify(*arguments: str | Path) -> int:
    """Return the exit status."""
    try:
        main(["verify", *map(str, arguments)])
    except SystemExit as ended:
        return int(str(ended.code))
    return 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    for format in ("safetensors", "npz"):
        (tmp_path / f"w.{format}").write_bytes(file_of(PLAN, format))
    return tmp_path


Read = pytest.CaptureFixture[str]


def test_what_is_equal_ends_with_0(folder: Path, capsys: Read) -> None:
    assert verify(folder / "w.safetensors") == 0
    assert capsys.readouterr().out == f"{folder}/w.safetensors: all 6 parameters are equal\n"
    assert verify(folder / "w.npz", "--spec", folder / "spec.json") == 0
    assert verify(folder / "w.safetensors", "--spec", folder / "spec.json") == 0


def test_what_differs_ends_with_1_and_says_where(folder: Path, capsys: Read) -> None:
    file = bytearray(FILE)
    file[-40] ^= 1  # the last array is out/bias: ten zeros
    (folder / "w.safetensors").write_bytes(file)
    assert verify(folder / "w.safetensors") == 1
    first, second = capsys.readouterr().out.splitlines()
    smallest = "1.401298464324817e-45"
    assert first.endswith(f"1 of 6 parameters differ, first out/bias at [0]: {smallest}, not 0.0")
    assert second == f"  out/bias: 1 element, first [0], by {smallest} at the most"
    other = {"seed": 42, "layers": [*LAYERS[:2], {**LAYERS[2], "shape": [200, 9], "name": "end"}]}
    (folder / "spec.json").write_text(json.dumps(other))
    assert verify(folder / "w.npz", "--spec", folder / "spec.json") == 1
    out = capsys.readouterr().out
    assert "  end/kernel: missing\n" in out
    assert "  out/kernel: not in the spec\n" in out


def test_what_cannot_be_told_ends_with_2_and_says_why(folder: Path, capsys: Read) -> None:
    (folder / "cut.safetensors").write_bytes(FILE[:-1])
    (folder / "seedless.json").write_text(json.dumps({"layers": LAYERS}))
    (folder / "wrong.json").write_text('{"seed": 1, "layers": []}')
    for arguments, words in {
        ("nowhere.npz",): "No such file",
        ("w.npz",): "--spec",
        ("cut.safetensors",): "in the middle of the data of out/bias",
        ("spec.json",): "no weight_map",
        ("w.npz", "--spec", "seedless.json"): "without a seed",
        ("w.npz", "--spec", "wrong.json"): "/layers",
        ("w.npz", "--spec", "nowhere.json"): "No such file",
        ("http://[/w.npz",): "http://[/w.npz: ",
        ("http://127.0.0.1:99999/ä b",): "http://127.0.0.1:99999/ä b: ",
        (".",): "neither model.safetensors.index.json nor model.safetensors",
    }.items():
        paths = [each if each == "--spec" or each.startswith("http:") else folder / each for each in arguments]
        assert verify(*paths) == 2, arguments
        said = capsys.readouterr()
        assert words in said.err, arguments
        assert (said.out, said.err.startswith("initserve: ")) == ("", True)


def test_names_of_a_file_do_not_command_a_terminal(folder: Path, capsys: Read) -> None:
    header = json.dumps({"\x1b]0;mine\x07\nequal": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}).encode()
    (folder / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert verify(folder / "w.safetensors", "--spec", folder / "spec.json") == 1
    assert "\x1b" not in (out := capsys.readouterr().out)
    assert "\nequal" not in out


def test_a_pipe_is_read_and_the_status_is_the_processs(folder: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "service", "verify", "-"],
        input=FILE[:-1] + b"\x80", capture_output=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (1, b"")
    assert made.stdout.startswith(b"-: 1 of 6 parameters differ, first out/bias at [9]: -0.0 (0x80000000), not 0.0")


def checkpoint(folder: Path, shard_bytes: int = 400_000) -> list[Path]:
    """Write a checkpoint in shards, each with the spec of the whole; return them."""
    (folder / INDEX).write_bytes(encode_index(PLAN, shard_bytes).whole())
    found = []
    for shard in shards(PLAN, shard_bytes):
        found.append(folder / shard.name)
        found[-1].write_bytes(encode_some(PLAN, shard.parameters).whole())
    return found


def test_a_checkpoint_in_shards_is_one_file(tmp_path: Path, capsys: Read) -> None:
    parts = checkpoint(tmp_path)
    assert len(parts) > 1
    assert verify(tmp_path) == verify(tmp_path / INDEX) == 0
    assert "all 6 parameters are equal" in capsys.readouterr().out
    damaged = bytearray(parts[-1].read_bytes())
    damaged[-1] ^= 1
    parts[-1].write_bytes(damaged)
    assert verify(tmp_path) == 1
    assert "out/bias at [9]" in capsys.readouterr().out
    assert verify(parts[0]) == 1
    assert "missing" in capsys.readouterr().out


def test_a_checkpoint_that_is_not_what_its_index_says_cannot_be_told(tmp_path: Path, capsys: Read) -> None:
    parts = checkpoint(tmp_path)
    index = json.loads((tmp_path / INDEX).read_text())

    def say(weight_map: Any) -> str:
        (tmp_path / INDEX).write_text(json.dumps({"weight_map": weight_map}))
        assert verify(tmp_path) == 2
        return capsys.readouterr().err

    names = index["weight_map"]
    assert "does not stand beside it" in say({name: f"../{file}" for name, file in names.items()})
    for elsewhere in ("http://x/y", "/etc/passwd", "..", "", "a\0b", "\ud800", "..\\x", "%2e%2e", 1, None, [names]):
        assert "does not stand beside it" in say(dict.fromkeys(names, elsewhere))
    assert "holds other tensors" in say({**names, "more": parts[0].name})
    assert "holds other tensors" in say({**names, "out/bias": parts[0].name})
    assert "No such file" in say({**names, "more": "model.safetensors"})
    assert "no weight_map" in say([1])
    assert "names no file" in say({})


def test_plan_prints_what_post_plan_answers(client: httpx.Client, folder: Path, capsys: Read) -> None:
    many = [{"name": f"{index:064}", "type": "dense", "shape": [index + 1, 7]} for index in range(999)]
    for spec in (SPEC, {"seed": 1, "layers": many}):  # the second is too long for an address
        (folder / "spec.json").write_text(json.dumps(spec))
        main(["plan", str(folder / "spec.json")])
        assert capsys.readouterr().out.encode() == client.post("/plan", json=spec).content + b"\n"
    (folder / "spec.json").write_text('{"layers": []}')
    with pytest.raises(SystemExit, match="/layers"):
        main(["plan", str(folder / "spec.json")])


class Breaking(BaseHTTPRequestHandler):
    """A server of one file that is cut off after `breaks` bytes of each answer, in a way that a test says."""

    protocol_version = "HTTP/1.1"
    content, etag, breaks = FILE, '"one"', 100_000
    ranges, modified, status_first = True, "", 200
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("range", ""))
        self.server_said()

    def server_said(self) -> None:
        kind = type(self)
        if kind.status_first != 200:
            status, kind.status_first = kind.status_first, 200
            self.send_response(status)
            self.send_header("retry-after", "0")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        wanted = self.headers.get("range", "")
        same = self.headers.get("if-range") in (kind.etag, kind.modified)
        first = int(wanted[6:-1]) if wanted and kind.ranges and same else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("content-range", f"bytes {first}-{len(kind.content) - 1}/{len(kind.content)}")
        for name, value in (("etag", kind.etag), ("last-modified", kind.modified)):
            if value:
                self.send_header(name, value)
        self.send_header("content-length", str(len(kind.content) - first))
        self.end_headers()
        self.wfile.write(kind.content[first:][: kind.breaks])
        self.close_connection = True

    def log_message(self, format: str, *words: Any) -> None: ...


@contextmanager
def breaking(**how: Any) -> Iterator[tuple[str, type[Breaking]]]:
    kind = type("Kind", (Breaking,), {"asked": [], **how})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/w.safetensors", kind
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAUSE", 0.001)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "how", [{}, {"etag": "", "modified": "Thu, 26 Nov 2026 06:00:00 GMT"}, {"etag": 'W/"x"', "modified": "yesterday"}]
)
def test_a_download_that_breaks_off_goes_on_from_there(how: dict[str, Any]) -> None:
    with breaking(**how) as (url, kind):
        assert verify(url) == 0
        starts = [int(each[6:-1] or 0) if each else 0 for each in kind.asked]
    assert starts == list(range(0, len(FILE), kind.breaks))


@pytest.mark.usefixtures("impatient")
def test_a_server_without_ranges_sends_it_all_again() -> None:
    with breaking(ranges=False) as (url, kind):
        kind.breaks = len(FILE) // 2 + 1

        def whole_next_time(self: Breaking) -> None:
            Breaking.server_said(self)
            kind.breaks = len(FILE)

        kind.server_said = whole_next_time  # type: ignore[method-assign]
        assert verify(url) == 0
        assert len(kind.asked) == 2


@pytest.mark.usefixtures("impatient")
def test_what_is_another_file_by_now_is_not_put_together_with_it(capsys: Read) -> None:
    with breaking() as (url, kind):

        def another_next_time(self: Breaking) -> None:
            Breaking.server_said(self)
            kind.etag = '"two"'

        kind.server_said = another_next_time  # type: ignore[method-assign]
        assert verify(url) == 2
    assert "has changed while it was read" in capsys.readouterr().err
    with breaking(etag="", modified="") as (url, kind):  # nothing would tell
        assert verify(url) == 2
        assert kind.asked == [""]
    assert "broke off after 100,000 bytes" in capsys.readouterr().err


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_busy_is_asked_again_and_one_that_sends_nothing_given_up(capsys: Read) -> None:
    with breaking(status_first=503) as (url, kind):
        assert verify(url) == 0
    with breaking(breaks=0) as (url, kind):
        assert verify(url) == 2
        assert len(kind.asked) == reading.TRIES
    assert "broke off after 0 bytes" in capsys.readouterr().err
    assert verify(url) == 2  # nobody is there any more
    assert "Connection refused" in capsys.readouterr().err


def test_this_services_own_addresses_whole_and_in_shards(server: str, capsys: Read) -> None:
    assert verify(f"{server}/weights/{TOKEN}.safetensors") == 0
    assert verify(f"{server}/weights/{TOKEN}/{INDEX}?shard_bytes=400000") == 0
    assert "all 6 parameters are equal" in capsys.readouterr().out
    assert verify(f"{server}/weights/{TOKEN[:-3]}.safetensors") == 2
    assert "400 Bad Request: this is no address that this service gave" in capsys.readouterr().err
    assert verify(f"{server}/nothing") == 2


BIG = [{"name": "w", "type": "tensor", "shape": [2**15, 2**13], "scheme": "he_normal"}]  # 1 GiB


@pytest.mark.long
@NEEDS_UNIX
def test_a_download_goes_on_where_its_server_was_killed(tmp_path: Path) -> None:
    address = f"/weights/{packed(planned(layers=BIG).canonical_json())}.safetensors"
    with (
        serving() as killed,
        start("verify", killed.url + address, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as made,
    ):
        wait_until(lambda: counters(killed)["sent_bytes_total"] > 0)
        killed.process.kill()
        killed.process.wait()
        with serving(INITSERVE_PORT=str(killed.port)):
            out, error = made.communicate(timeout=120)
    assert made.returncode == 0, error
    assert b"its parameter is equal" in out


@pytest.mark.long
@NEEDS_UNIX
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for side in (2**7, 2**13):
        spec, file = tmp_path / "spec.json", tmp_path / "w.npz"
        spec.write_text(json.dumps({"seed": 1, "layers": [{**BIG[0], "shape": [side, 2**15]}]}))
        assert run("init", spec, "-o", file).returncode == 0
        made = start("verify", file, "--spec", spec, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(made.pid, 0)
        made.returncode = os.waitstatus_to_exitcode(status)
        assert made.returncode == 0
        peaks.append(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    assert peaks[1] - peaks[0] < 64 * 2**20


@pytest.mark.long
@NEEDS_UNIX
def test_a_terminal_sees_how_far_it_has_come(tmp_path: Path) -> None:
    import pty

    spec, file = tmp_path / "spec.json", tmp_path / "w.safetensors"
    spec.write_text(json.dumps({"seed": 1, "layers": BIG}))
    assert run("init", spec, "-o", file).returncode == 0
    screen, terminal = pty.openpty()
    with start("verify", file, stdout=subprocess.DEVNULL, stderr=terminal) as made:
        os.close(terminal)
        shown = b""
        while part := read_terminal(screen):
            shown += part
        assert made.wait(timeout=60) == 0
    assert "1.07 of 1.07 GB" in shown.decode()
    assert "100%" in shown.decode()
