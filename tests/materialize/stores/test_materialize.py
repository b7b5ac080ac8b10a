"""The command as it is run, into a store that speaks S3 and fails at times: the service's bytes, whole or missing."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT
from tests.materialize.stores.faults import CODES, Fault, Faulty, at_times
from tests.materialize.stores.s3 import BUCKET, KEY, S3, SECRET

pytestmark = pytest.mark.long
SPEC: dict[str, Any] = {"seed": 11, "layers": [{"type": "dense", "shape": [2000, 2500]}] * 3}
SHARD_BYTES = 20_100_000  # a layer: two parts of an upload
SHARDS = [f"model-{number:05}-of-00003.safetensors" for number in (1, 2, 3)]
INDEX, SUMS, CLAIM = "model.safetensors.index.json", "SHA256SUMS", "initserve.json"
FAULTS: list[Fault] = [*CODES, "cut on the way up", "cut on the way down", "answer lost", "slow"]  # type: ignore[list-item]
MOST = 180.0  # seconds that a run takes beside others
Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Run the command; whatever is left of it at the end is killed, its workers too."""
    begun: list[subprocess.Popen[str]] = []

    def run(store: S3 | Faulty, place: str, *more: str, spec: Any = SPEC) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "service", "materialize", "-", place, "--shard-bytes", str(SHARD_BYTES), *more]
        environment = os.environ | S3(store.url).environment
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(spec))
        process.stdin.close()
        process.stdin = None
        begun.append(process)
        return process

    yield run
    for process in begun:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[str]]:
    """Return a run's exit status and its lines, none of which tells anything secret."""
    out, error = process.communicate(timeout=MOST)
    assert KEY not in out + error
    assert SECRET not in out + error
    assert out == ""
    return process.returncode, [line.removeprefix("initserve: ") for line in error.splitlines()]


def address_in(folder: str) -> str:
    return f"s3://{BUCKET}/{folder}"


def digests(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def whole(store: S3, folder: str) -> dict[str, str]:
    """Return the digests of a checkpoint's files in a store, all of which its own sums are right about."""
    files = store.objects(folder)
    assert set(files) == {*SHARDS, INDEX, SUMS, CLAIM}
    found = digests(files)
    told = {name: digest for digest, name in map(str.split, files[SUMS].decode().splitlines())}
    assert told == {name: digest for name, digest in found.items() if name != SUMS}
    return found


@pytest.fixture(scope="module")
def served(client: httpx.Client) -> dict[str, str]:
    """Return the digests of the files that the service's addresses give."""
    address = client.post("/plan", json=SPEC).json()["links"]["safetensors"].removesuffix(".safetensors")
    files = {}
    for name in (*SHARDS, INDEX):
        answer = client.get(f"{address}/{name}?shard_bytes={SHARD_BYTES}", timeout=MOST)
        assert answer.status_code == 200
        files[name] = answer.content
    return digests(files)


def parts_are_right(found: dict[str, str], served: dict[str, str]) -> bool:
    return {name: found[name] for name in served} == served


def test_a_store_that_fails_at_times_holds_what_the_service_gives_and_a_directory_holds(
    s3: S3, proxy: Faulty, folder: str, served: dict[str, str], begin: Begin, tmp_path: Path
) -> None:
    proxy.choose = at_times(0.15, 3, *FAULTS)
    status, lines = ended(begin(proxy, address_in(folder)))
    assert (status, lines[-1].partition(":")[0]) == (0, "s3"), lines
    assert sum(proxy.met.values()) > proxy.met["none"] + 3
    found = whole(s3, folder)
    assert parts_are_right(found, served)
    assert ended(begin(s3, str(tmp_path / "here")))[0] == 0
    here = digests({each.name: each.read_bytes() for each in (tmp_path / "here").iterdir()})
    assert here == found


def test_a_run_that_was_killed_in_a_shard_is_gone_on_with_where_it_was(
    s3: S3, proxy: Faulty, folder: str, served: dict[str, str], begin: Begin
) -> None:
    killed = begin(proxy, address_in(folder), "--workers", "1")
    record = f"{folder}/.initserve/{SHARDS[0]}.json"

    def choose(method: str, path: str) -> Fault | None:
        return "mute" if f"{SHARDS[1]}?partNumber=2" in path else None

    proxy.choose = choose
    until = time.monotonic() + MOST
    while not proxy.met["mute"]:
        assert time.monotonic() < until
        assert killed.poll() is None
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(10)
    there = s3.objects(folder)
    assert set(there) == {CLAIM, SHARDS[0], f".initserve/{SHARDS[0]}.json"}, record
    written: list[str] = []
    proxy.choose = lambda method, path: written.append(path) if method in ("PUT", "POST") else None
    status, lines = ended(begin(proxy, address_in(folder)))
    assert status == 0, lines
    assert not [path for path in written if f"/{SHARDS[0]}?" in path]
    assert [path for path in written if f"/{SHARDS[1]}?" in path]
    assert parts_are_right(whole(s3, folder), served)


def test_two_runs_at_once_do_no_harm(s3: S3, proxy: Faulty, folder: str, served: dict[str, str], begin: Begin) -> None:
    proxy.choose = at_times(0.1, 5, "slow", "503", "answer lost")
    both = [begin(proxy, address_in(folder), "--workers", "1") for _ in range(2)]
    assert [ended(each)[0] for each in both] == [0, 0]
    assert parts_are_right(whole(s3, folder), served)


def test_a_damaged_shard_of_the_same_size_is_made_anew_and_a_lost_one_too(
    s3: S3, folder: str, served: dict[str, str], begin: Begin
) -> None:
    assert ended(begin(s3, address_in(folder)))[0] == 0
    before = s3.get(f"{folder}/{SHARDS[1]}")
    s3.put(f"{folder}/{SHARDS[1]}", before[:-1] + bytes([before[-1] ^ 1]))
    s3.remove(f"{folder}/{SHARDS[2]}")
    assert ended(begin(s3, address_in(folder)))[0] == 0
    assert parts_are_right(whole(s3, folder), served)


def test_a_store_that_goes_down_is_told_of_at_the_deadline_with_what_is_missing(
    s3: S3, proxy: Faulty, folder: str, served: dict[str, str], begin: Begin
) -> None:
    down: list[bool] = []

    def choose(method: str, path: str) -> Fault | None:
        if f"{SHARDS[1]}?partNumber=1" in path:
            down.append(True)
        return "503" if down else None

    proxy.choose = choose
    began = time.monotonic()
    status, lines = ended(begin(proxy, address_in(folder), "--workers", "1", "--deadline", "25"))
    assert status == 1
    assert time.monotonic() - began < 25 + 60
    assert re.fullmatch(r"shards 2-3 of 3 are missing: .*; run the same command again", lines[-1]), lines
    assert sum("missing" in line for line in lines) == 1
    assert INDEX not in s3.objects(folder)
    proxy.choose = lambda method, path: None
    assert ended(begin(proxy, address_in(folder)))[0] == 0
    assert parts_are_right(whole(s3, folder), served)


def test_another_spec_is_refused_and_changes_nothing(s3: S3, folder: str, begin: Begin) -> None:
    s3.put(f"{folder}/other.txt", b"")  # what has another name is nobody's business
    assert ended(begin(s3, address_in(folder)))[0] == 0
    before = s3.objects(folder)
    status, lines = ended(begin(s3, address_in(folder), spec=SPEC | {"seed": 12}))
    assert status == 2
    assert len(lines) == 1
    assert "is the place of another spec" in lines[0]
    assert s3.objects(folder) == before


@pytest.mark.parametrize(
    ("place", "more", "line", "statuses"),
    [
        ("s3://no-such-bucket/a", [], "there is no such bucket (404 NoSuchBucket)", {2}),
        (f"s3://{BUCKET}/a", ["--option", "endpoint=http://127.0.0.1:1"], "1: it refuses the connection", {1}),
        (f"s3://{BUCKET}/a", ["--option", "endpoint=http://initserve.invalid"], "initserve.invalid: its name", {1, 2}),
        (f"s3://{BUCKET}/a", ["--option", "nonsense=1"], "nonsense is not an option of this store", {2}),
        ("nonsense://a", [], "nonsense:// is not a place that can be written to", {2}),
        (f"s3://{SECRET}@{BUCKET}/a", [], "an address holds a bucket and a folder alone", {2}),
    ],
)
def test_a_place_that_cannot_be_written_to_is_told_of_in_a_line_within_seconds(
    place: str, more: list[str], line: str, statuses: set[int], s3: S3, begin: Begin
) -> None:
    """Who asks again may fare better after 1, and will not after 2."""
    began = time.monotonic()
    status, lines = ended(begin(s3, place, *more))
    assert status in statuses
    assert len(lines) == 1
    assert line in lines[0]
    assert time.monotonic() - began < 60


def test_nothing_secret_is_in_what_is_written(s3: S3, folder: str, begin: Begin) -> None:
    options = [part for name, value in s3.options.items() for part in ("--option", f"{name}={value}")]
    assert ended(begin(s3, address_in(folder), *options))[0] == 0
    for name, content in s3.objects(folder).items():
        assert KEY.encode() not in content, name
        assert SECRET.encode() not in content, name
