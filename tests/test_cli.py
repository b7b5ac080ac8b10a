"""The command line: the same bytes as the server's, and nothing left behind when it fails."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx
import pytest

from service.cli import main

ROOT = Path(__file__).parents[1]
LENET = ROOT / "examples/lenet5.json"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_init_writes_the_servers_bytes(client: httpx.Client, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"lenet5.{suffix}"
    made = run("init", LENET, "-o", file)
    assert made.returncode == 0, made.stderr
    assert "61,706 elements" in made.stderr
    answer = client.post(
        f"/init?format={suffix}", content=LENET.read_bytes(), headers={"content-type": "application/json"}
    )
    assert file.read_bytes() == answer.content
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_warnings_go_to_standard_error(tmp_path: Path) -> None:
    spec = tmp_path / "zeros.json"
    spec.write_text(json.dumps({"layers": [{"type": "dense", "shape": [3, 2], "scheme": "zeros"}]}))
    made = run("init", spec, "-o", tmp_path / "zeros.json.npz")
    assert made.returncode == 0
    assert "nothing is learnt" in made.stderr


@pytest.mark.parametrize(
    ("spec", "output", "message"),
    [
        ('{"layers": []}', "w.npz", "/layers"),
        ("{", "w.npz", "line 1"),
        ('{"layers": [{"type": "dense", "shape": [3, 2]}]}', "w.h5", ".safetensors"),
        ('{"layers": [{"type": "dense", "shape": [3, 2]}]}', "w.npy", "npz"),
        ('{"dtype": "bfloat16", "layers": [{"type": "dense", "shape": [3, 2]}]}', "w.npz", "safetensors"),
        ('{"layers": [{"type": "dense", "shape": [3, 2]}]}', "nowhere/w.npz", "nowhere"),
        (None, "w.npz", "No such file"),
    ],
)
def test_failure_says_why_and_leaves_nothing(tmp_path: Path, spec: str | None, output: str, message: str) -> None:
    asked = tmp_path / "spec.json"
    if spec is not None:
        asked.write_text(spec)
    with pytest.raises(SystemExit) as ended:
        main(["init", str(asked), "-o", str(tmp_path / output)])
    assert message in str(ended.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"spec.json"}


def test_a_failure_is_told_in_words_and_by_the_exit_status(tmp_path: Path) -> None:
    made = run("init", tmp_path / "nowhere.json", "-o", tmp_path / "w.npz")
    assert made.returncode == 1
    assert "No such file" in made.stderr
    assert "Traceback" not in made.stderr


BIG = json.dumps({"seed": 1, "layers": [{"type": "tensor", "shape": [2**15, 2**15], "scheme": "he_normal"}]})
NEEDS_UNIX = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix")


def start(*arguments: str | Path, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "service", *map(str, arguments)], cwd=ROOT, **more)


@pytest.mark.parametrize(
    "format", ["safetensors", pytest.param("npz", marks=pytest.mark.long), pytest.param("json", marks=pytest.mark.long)]
)
def test_a_pipe_gets_the_same_bytes(tmp_path: Path, format: str) -> None:
    file = tmp_path / f"lenet5.{format}"
    assert run("init", LENET, "-o", file).returncode == 0
    wanted = () if format == "safetensors" else ("--format", format)
    with LENET.open("rb") as spec, start("init", "-", "-o", "-", *wanted, stdin=spec, stdout=PIPE, stderr=PIPE) as made:
        out, error = made.communicate(timeout=60)
    assert made.returncode == 0
    assert out == file.read_bytes()
    assert b"61,706 elements" in error  # beside the data, not in it


def test_a_reader_that_leaves_ends_it_without_a_word(tmp_path: Path) -> None:
    spec = tmp_path / "big.json"
    spec.write_text(BIG)
    with start("init", spec, "-o", "-", stdout=PIPE, stderr=PIPE) as made:
        assert made.stdout is not None
        assert made.stderr is not None
        assert len(made.stdout.read(2**20)) == 2**20
        made.stdout.close()
        assert made.wait(timeout=60) == 1
        assert made.stderr.read() == b""


@NEEDS_UNIX
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_broken_off_leaves_nothing(tmp_path: Path, how: signal.Signals) -> None:
    spec, folder = tmp_path / "big.json", tmp_path / "out"
    spec.write_text(BIG)
    folder.mkdir()
    (folder / "w.npz").write_text("what was there before")
    with start("init", spec, "-o", folder / "w.npz", stderr=PIPE) as made:
        while not any(path.stat().st_size > 2**20 for path in folder.iterdir()):
            assert made.poll() is None
            time.sleep(0.01)
        made.send_signal(how)
        assert made.wait(timeout=60) != 0
        assert made.stderr is not None
        assert b"Traceback" not in made.stderr.read()
    assert [path.name for path in folder.iterdir()] == ["w.npz"]
    assert (folder / "w.npz").read_text() == "what was there before"


@NEEDS_UNIX
def test_what_is_no_file_is_written_into_and_a_link_stays(tmp_path: Path) -> None:
    pipe, link, target = tmp_path / "pipe", tmp_path / "link.npz", tmp_path / "target.npz"
    os.mkfifo(pipe)
    target.write_text("before")
    target.chmod(0o600)
    link.symlink_to(target)
    with start("init", LENET, "-o", pipe, "--format", "npz", stderr=PIPE) as made:
        # Another process reads: opening a pipe that nobody writes to waits for ever.
        content = subprocess.run(["cat", pipe], capture_output=True, timeout=60, check=True).stdout
        assert made.wait(timeout=60) == 0
    assert run("init", LENET, "-o", link).returncode == 0
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o600
    assert run("init", LENET, "-o", tmp_path, "--format", "npz").returncode == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.npz", "pipe", "target.npz"]


@NEEDS_UNIX
def test_a_disk_that_takes_no_more_leaves_nothing(tmp_path: Path) -> None:
    import resource

    spec, folder = tmp_path / "big.json", tmp_path / "out"
    spec.write_text(BIG)
    folder.mkdir()
    limit = (2**24, 2**24)
    with start(
        "init", spec, "-o", folder / "w.npz", stderr=PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    ) as made:  # fmt: skip
        _, error = made.communicate(timeout=60)
    assert made.returncode == 1
    assert b"File too large" in error
    assert b"Traceback" not in error
    assert list(folder.iterdir()) == []


def test_a_file_beyond_the_disk_is_refused_before_a_number_is_drawn(tmp_path: Path) -> None:
    spec = tmp_path / "huge.json"
    spec.write_text(BIG.replace(str(2**15), str(2**25)))
    made = run("init", spec, "-o", tmp_path / "w.safetensors")
    assert made.returncode == 1
    assert "are free there" in made.stderr


@pytest.mark.long
@NEEDS_UNIX
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for side in (2**8, 2**14):
        spec = tmp_path / "spec.json"
        spec.write_text(BIG.replace(str(2**15), str(side)))
        made = start("init", spec, "-o", "-", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(made.pid, 0)
        made.returncode = os.waitstatus_to_exitcode(status)
        assert made.returncode == 0
        peaks.append(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    assert peaks[1] - peaks[0] < 64 * 2**20


@pytest.mark.long
@NEEDS_UNIX
def test_a_terminal_sees_how_far_it_has_come(tmp_path: Path) -> None:
    import pty

    spec = tmp_path / "spec.json"
    spec.write_text(BIG.replace(str(2**15), str(2**14)))
    screen, terminal = pty.openpty()
    with start("init", spec, "-o", tmp_path / "w.npy", stderr=terminal) as made:
        os.close(terminal)
        shown = b""
        while part := read_terminal(screen):
            shown += part
        assert made.wait(timeout=60) == 0
    text = shown.decode()
    assert "100%" in text
    assert "1.07 of 1.07 GB" in text
    assert "MB/s" in text
    shares = [int(share) for share in re.findall(r"(\d+)%", text)]
    assert shares == sorted(shares)
    assert len(shares) > 2


def read_terminal(screen: int) -> bytes:
    try:
        return os.read(screen, 2**16)
    except OSError:  # the other end is closed
        return b""


def test_check_and_version() -> None:
    assert "agree" in run("check").stdout
    assert run("--version").stdout.strip() == "0.1.0"
