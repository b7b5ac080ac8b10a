"""The command: the bytes of the service's own addresses, and what it says and ends with when that cannot be."""

import json
import os
import resource
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.cli import main
from service.materialize.places.directory import Directory
from service.materialize.places.place import PlaceError
from tests.materialize.commands import digests, materialize

SPEC: dict[str, Any] = {
    "seed": 7,
    "layers": [{"type": "dense", "shape": [40, 30]}, {"type": "dense", "shape": [30, 20]}],
}
SHARD_BYTES = 3000  # of which one tensor has more
INDEX = "model.safetensors.index.json"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what the command says where the same command will not do."""
    with pytest.raises(SystemExit) as ended:
        main(["materialize", *arguments])
    assert ended.value.code == 2
    return capsys.readouterr().err


def address_of(client: httpx.Client, spec: dict[str, Any]) -> str:
    links: dict[str, str] = client.post("/plan", json=spec).raise_for_status().json()["links"]
    return links["safetensors"].removesuffix(".safetensors")


def test_every_file_is_the_services_own_byte_for_byte_and_verified(client: httpx.Client, tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"
    made = materialize(SPEC, place, "--shard-bytes", str(SHARD_BYTES))
    assert made.returncode == 0, made.stderr
    assert f"{place}: complete: 2 shards, 1,850 elements" in made.stderr
    address, query = address_of(client, SPEC), f"?shard_bytes={SHARD_BYTES}"
    index = client.get(f"{address}/{INDEX}{query}")
    shards = {*index.json()["weight_map"].values()}
    assert len(shards) == 2
    for name in (INDEX, *shards):
        assert (place / name).read_bytes() == client.get(f"{address}/{name}{query}").raise_for_status().content
    assert {*digests(place)} == {*shards, INDEX, "initserve.json", "SHA256SUMS"}
    verified = materialize(SPEC, place, "--shard-bytes", str(SHARD_BYTES), "--verify")
    assert verified.returncode == 0, verified.stderr
    assert "all 2 shards are what the spec gives" in verified.stderr


@pytest.mark.long
@pytest.mark.parametrize("kind", ["torch-cpu/1", "bfloat16", "float64"])
def test_other_streams_and_dtypes_are_the_services_own_too(client: httpx.Client, tmp_path: Path, kind: str) -> None:
    spec = SPEC | ({"algorithm": kind} if "/" in kind else {"dtype": kind})
    made = materialize(spec, tmp_path, "--shard-bytes", str(SHARD_BYTES))
    assert made.returncode == 0, made.stderr
    address, query = address_of(client, spec), f"?shard_bytes={SHARD_BYTES}"
    for name in digests(tmp_path).keys() - {"initserve.json", "SHA256SUMS"}:
        assert (tmp_path / name).read_bytes() == client.get(f"{address}/{name}{query}").raise_for_status().content


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{", "line 1"),
        ({"layers": []}, "/layers: "),
        ({"layers": [{"type": "dense", "shape": [3]}]}, "/layers/0/shape"),
        ({"layers": [{"type": "flatten"}]}, "/layers: there is nothing to write"),
        ({"layers": [{"type": "dense", "shape": [3, 2]}], "select": "nothing"}, "/select"),
    ],
)
def test_a_spec_that_cannot_be_is_told_by_its_pointer_before_anything_is_there(
    tmp_path: Path, spec: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "spec.json"
    file.write_text(spec if isinstance(spec, str) else json.dumps(spec))
    assert message in refused(capsys, str(file), str(tmp_path / "place"))
    assert not (tmp_path / "place").exists()


@pytest.mark.parametrize(
    "more",
    [["--shard-bytes", "0"], ["--shard-bytes", "x"], ["--workers", "0"], ["--deadline", "-1"], ["--deadline", "nan"],
     ["--option", "x"], ["--option", "key=value"], ["--engine", "none"], ["--index", "0"]],
)  # fmt: skip
def test_wrong_use_has_a_status_of_its_own(tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(SPEC))
    refused(capsys, str(file), str(tmp_path / "place"), *more)
    assert not (tmp_path / "place").exists()


def test_a_place_that_cannot_be_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(SPEC))
    for place, why in ((tmp_path / "file", "Not a directory"), (Path("/proc/nowhere"), "/proc/nowhere: No such file")):
        assert why in refused(capsys, str(spec), str(place))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_place_that_does_not_answer_now_is_no_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(self: Directory, name: str) -> bytes | None:
        raise PlaceError("the store is busy", passing=True)

    monkeypatch.setattr(Directory, "read", silent)
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(SPEC))
    assert "the store is busy" in refused(capsys, str(spec), str(tmp_path), "--verify")
    with pytest.raises(SystemExit) as ended:  # which another time may write
        main(["materialize", str(spec), str(tmp_path)])
    assert ended.value.code == "initserve: the store is busy"


def small_files_alone() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))


@pytest.mark.long
def test_what_cannot_be_written_is_named_and_nothing_of_it_is_there(tmp_path: Path) -> None:
    found = materialize(SPEC, tmp_path, "--shard-bytes", str(SHARD_BYTES), preexec_fn=small_files_alone)
    assert found.returncode == 1
    assert "shard 1 of 2 is missing: " in found.stderr
    assert "File too large; run the same command again" in found.stderr
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"initserve.json", "model-00002-of-00002.safetensors", ".initserve"}
    assert [each.name for each in (tmp_path / ".initserve").iterdir()] == ["model-00002-of-00002.safetensors.json"]
    again = materialize(SPEC, tmp_path, "--shard-bytes", str(SHARD_BYTES))
    assert again.returncode == 0
    assert "1 of which were there before" in again.stderr
    assert not (tmp_path / ".initserve").exists()


@pytest.mark.long
def test_a_seed_that_is_drawn_is_told_and_gone_on_with(tmp_path: Path) -> None:
    unseeded = {"layers": SPEC["layers"]}
    first = materialize(unseeded, tmp_path)
    seed = json.loads((tmp_path / "initserve.json").read_bytes())["spec"]["seed"]
    assert f"seed {seed}" in first.stderr
    before = digests(tmp_path)
    again = materialize(unseeded, tmp_path)
    assert again.returncode == 0
    assert f"seed {seed}" in again.stderr
    assert digests(tmp_path) == before
    assert materialize(unseeded, tmp_path, "--verify").returncode == 0
    other = materialize(unseeded | {"seed": int(seed) + 1}, tmp_path)
    assert other.returncode == 2
    assert "the place of another spec" in other.stderr


@pytest.mark.long
def test_verify_has_a_status_for_what_differs_and_one_for_what_cannot_be_told(tmp_path: Path) -> None:
    nothing = materialize(SPEC, tmp_path, "--verify")
    assert nothing.returncode == 2
    assert "no checkpoint was begun there" in nothing.stderr
    assert materialize(SPEC, tmp_path).returncode == 0
    shard = tmp_path / "model-00001-of-00001.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    differs = materialize(SPEC, tmp_path, "--verify")
    assert differs.returncode == 1
    assert f"{shard.name}: dense_1/bias differs first, at [19]" in differs.stderr
    assert os.path.getsize(shard) == len(content)
