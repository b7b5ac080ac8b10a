"""Verifying: whatever stands in a place other than as the spec gives it is told, by its file and where it begins."""

import hashlib
import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from service.materialize.checkpoint import CLAIM, SUMS
from service.materialize.verifying import Findings, first_difference, verify
from tests.materialize.here import Here, unseen
from tests.materialize.test_run import SPEC, job_of, planned, write

INDEX = "model.safetensors.index.json"
SHARD = "model-00003-of-00005.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write(folder)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def found(folder: Path) -> Findings:
    checkpoint = planned(SPEC)
    return verify(job_of(folder, checkpoint), checkpoint, Here(), unseen())


def test_what_is_whole_has_nothing_to_tell_of(folder: Path) -> None:
    assert found(folder) == Findings({}, {})


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "its first byte": (lambda text: b"\0" + text[1:], "its header differs first, at byte 0"),
    "its last": (lambda text: text[:-1] + bytes([text[-1] ^ 1]), "dense_2/kernel differs first, at [19, 11]"),
    "an element": (lambda text: text[:-480] + b"\xff" + text[-479:], "dense_2/kernel differs first, at [10, 0]"),
    "its end": (lambda text: text[:-1], "it ends after {short:,} of {length:,} bytes"),
    "more": (lambda text: text + b"\0", "it goes on after its {length:,} bytes"),
    "all": (lambda text: b"", "it ends after 0 of {length:,} bytes"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_shard_is_told_by_the_tensor_that_differs_first(folder: Path, damage: str) -> None:
    content = (folder / SHARD).read_bytes()
    change, words = DAMAGES[damage]
    (folder / SHARD).write_bytes(change(content))
    assert found(folder) == Findings({SHARD: words.format(length=len(content), short=len(content) - 1)}, {})


@pytest.mark.parametrize("name", [SHARD, INDEX, SUMS])
def test_a_file_that_is_missing_is_told(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert found(folder) == Findings({name: "it is not there"}, {})


@pytest.mark.parametrize("name", [INDEX, SUMS])
def test_a_small_file_that_is_damaged_is_told(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert [*found(folder).different] == [name]


def test_a_damage_whose_sums_were_mended_is_told_all_the_same(folder: Path) -> None:
    content = bytearray((folder / SHARD).read_bytes())
    before = hashlib.sha256(content).hexdigest()
    content[-1] ^= 1
    (folder / SHARD).write_bytes(content)
    sums = (folder / SUMS).read_text()
    (folder / SUMS).write_text(sums.replace(before, hashlib.sha256(content).hexdigest()))
    assert [*found(folder).different] == [SHARD, SUMS] or [*found(folder).different] == [SUMS, SHARD]


def test_a_claim_whose_spec_is_not_that_of_its_digest_is_told(folder: Path) -> None:
    claim = json.loads((folder / CLAIM).read_bytes())
    claim["spec"]["seed"] = "4"
    (folder / CLAIM).write_text(json.dumps(claim))
    assert found(folder).different[CLAIM] == "its spec is not the one of its digest"


def test_what_cannot_be_read_is_not_told_as_different(folder: Path) -> None:
    (folder / SHARD).unlink()
    (folder / SHARD).mkdir()
    told = found(folder)
    assert told.different == {}
    assert "Is a directory" in told.unknown[SHARD]


def test_the_first_difference_is_found_however_both_sides_are_cut() -> None:
    chance = np.random.default_rng(0)
    for _ in range(300):
        length = int(chance.integers(0, 40))
        wanted = chance.integers(0, 256, length, np.uint8).tobytes()
        there = bytearray(wanted)
        kind = chance.integers(0, 4)
        if kind == 1 and length:
            there[chance.integers(0, length)] ^= 1
        elif kind == 2:
            del there[int(chance.integers(0, length + 1)) :]
        elif kind == 3:
            there += b"x"
        unequal = (place for place in range(length) if there[place : place + 1] != wanted[place : place + 1])
        shared = next(unequal, length)
        expected = None if bytes(there) == wanted else shared
        told: list[int] = []
        assert first_difference(cut(wanted, chance), iter(cut(bytes(there), chance)), told.append) == expected
        assert sum(told) == length


def cut(content: bytes, chance: np.random.Generator) -> list[bytes]:
    places = sorted({0, len(content), *(int(each) for each in chance.integers(0, len(content) + 1, 3))})
    return [content[start:stop] for start, stop in pairwise(places)]
