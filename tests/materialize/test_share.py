"""Parts of a checkpoint, each made by somebody who is told of nobody else: together they are the whole."""

import hashlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.errors import InitserveError
from service.materialize import share
from service.materialize.checkpoint import Checkpoint, checkpoint_of
from service.materialize.claim import claim
from service.materialize.job import Job
from service.materialize.places import place_at
from service.materialize.places.directory import Directory
from service.materialize.places.place import PlaceError
from service.materialize.run import finish, made, write
from service.materialize.share import INDEX, Part, known, part_of, write_part
from service.specs.spec import Spec
from tests.materialize.here import Here, unseen

SPEC = {"seed": 3, "layers": [{"type": "dense", "shape": [20, 10 + size]} for size in range(4)]}
TEXT = Spec.model_validate(SPEC).plan().canonical_json()
SHARD_BYTES = 700  # every kernel has its own shard


def job_at(folder: Path) -> Job:
    return Job(TEXT, SHARD_BYTES, str(folder))


def begun(folder: Path) -> tuple[Job, Checkpoint]:
    job = job_at(folder)
    return job, claim(Directory(str(folder)), lambda seed: checkpoint_of(TEXT, SHARD_BYTES))


def write_index(folder: Path, index: int, of: int) -> bool:
    """Do what the command does for an index; return whether the checkpoint is complete with it."""
    job, checkpoint = begun(folder)
    report, complete = write_part(job, checkpoint, Here(), unseen(), Part(index, of))
    assert not report.missing
    return complete


def files(folder: Path) -> dict[str, str]:
    """Return the digests of all files, in whatever folder, by name."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of a checkpoint that one run wrote."""
    folder = tmp_path_factory.mktemp("whole")
    job, checkpoint = begun(folder)
    assert not write(job, checkpoint, Here(), unseen()).missing
    assert len(checkpoint.shards) == 5  # four kernels, and the biases
    return files(folder)


@pytest.mark.parametrize("of", [1, 2, 3, 5, 9])
def test_parts_come_to_the_whole_and_the_last_makes_it_complete(whole: dict[str, str], tmp_path: Path, of: int) -> None:
    # Of nine, those beyond the five shards have nothing to make, and find the rest not there yet.
    order = [*range(5, of), *range(min(of, 5))]
    complete = [write_index(tmp_path, index, of) for index in order]
    assert complete == [False] * (of - 1) + [True]
    assert files(tmp_path) == whole


def test_every_shard_is_in_one_part() -> None:
    for of, count in itertools.product((1, 2, 3, 7), (0, 1, 5, 20)):
        numbers = [number for index in range(of) for number in Part(index, of).numbers(count)]
        assert sorted(numbers) == list(range(count))


def test_an_index_that_is_run_again_changes_nothing(whole: dict[str, str], tmp_path: Path) -> None:
    assert [write_index(tmp_path, index, 2) for index in (0, 0, 1, 1, 0)] == [False, False, True, True, True]
    assert files(tmp_path) == whole


@pytest.mark.parametrize("index", [0, 1, 8])
def test_who_dies_after_the_last_record_is_made_good_by_any_index(
    whole: dict[str, str], tmp_path: Path, index: int
) -> None:
    job, checkpoint = begun(tmp_path)
    made(job, checkpoint, range(5), Here(), unseen())
    assert not (tmp_path / checkpoint.index_name).exists()
    assert write_index(tmp_path, index, 9) is True
    assert files(tmp_path) == whole


class Dying(Directory):
    """A directory whose user dies before it is written or removed from for the `left + 1`th time."""

    def __init__(self, path: str, left: int) -> None:
        super().__init__(path)
        self._left = left

    def _live(self) -> None:
        if not self._left:
            raise PlaceError("dead")
        self._left -= 1

    def put(self, name: str, content: bytes) -> None:
        self._live()
        super().put(name, content)

    def remove(self, name: str) -> None:
        self._live()
        super().remove(name)


@pytest.mark.parametrize("index", [0, 3])
def test_whoever_dies_while_making_it_complete_is_made_good_by_any_index(
    whole: dict[str, str], tmp_path: Path, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lived in itertools.count():
        folder = tmp_path / str(lived)
        job, checkpoint = begun(folder)
        made(job, checkpoint, range(5), Here(), unseen())
        with monkeypatch.context() as patch:
            patch.setattr(share, "place_at", lambda address, options, lived=lived: Dying(address, lived))
            try:
                write_part(job, checkpoint, Here(), unseen(), Part(3, 9))
            except PlaceError:
                pass
            else:
                break
        assert write_index(folder, index, 9) is True
        assert files(folder) == whole, lived
    assert lived == 2 + 5  # the sums and the index, then each record


class Meanwhile(Directory):
    """A directory in which something else happens before it is read for the `left + 1`th time."""

    def __init__(self, path: str, left: int, what: Callable[[], Any]) -> None:
        super().__init__(path)
        self._left, self._what = left, what

    def read(self, name: str) -> bytes | None:
        if not self._left:
            self._what()
        self._left -= 1
        return super().read(name)


@pytest.mark.parametrize("after", range(5))
def test_two_that_find_all_recorded_at_once_do_no_harm(
    whole: dict[str, str], tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, checkpoint = begun(tmp_path)
    made(job, checkpoint, range(5), Here(), unseen())
    real = place_at

    def other() -> None:
        monkeypatch.setattr(share, "place_at", real)
        assert write_index(tmp_path, 7, 9) is True

    monkeypatch.setattr(share, "place_at", lambda address, options: Meanwhile(address, after, other))
    _, complete = write_part(job, checkpoint, Here(), unseen(), Part(8, 9))
    assert complete is True
    assert files(tmp_path) == whole


def test_who_has_read_all_records_before_another_made_it_complete_does_no_harm(
    whole: dict[str, str], tmp_path: Path
) -> None:
    job, checkpoint = begun(tmp_path)
    made(job, checkpoint, range(5), Here(), unseen())
    place = Directory(str(tmp_path))
    digests = known(place, checkpoint, {})
    assert digests is not None
    assert write_index(tmp_path, 7, 9) is True
    finish(place, checkpoint, digests)
    assert files(tmp_path) == whole


def turned(content: bytes) -> bytes:
    return content[:9] + bytes([content[9] ^ 0x81]) + content[10:]


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "lost": lambda content: None,
    "empty": lambda content: b"",
    "cut": lambda content: content[:-100],
    "turned": turned,
}


@pytest.mark.parametrize("of", [1, 3])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["SHA256SUMS", "model.safetensors.index.json", "model-00002-of-00005.safetensors"])
def test_what_was_complete_and_is_damaged_is_mended_once_all_parts_are_run_again(
    whole: dict[str, str], tmp_path: Path, name: str, damage: str, of: int
) -> None:
    assert write_index(tmp_path, 0, 1) is True
    content = DAMAGES[damage]((tmp_path / name).read_bytes())
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    assert [write_index(tmp_path, index, of) for index in range(of)][-1] is True
    assert files(tmp_path) == whole


@pytest.mark.parametrize("of", [1, 3])
def test_digests_that_are_not_those_of_the_shards_are_mended(whole: dict[str, str], tmp_path: Path, of: int) -> None:
    assert write_index(tmp_path, 0, 1) is True
    sums = tmp_path / "SHA256SUMS"
    lines = sums.read_bytes().splitlines(keepends=True)
    turned = [
        b"%x" % (int(line[:1], 16) ^ 1) + line[1:] if line.endswith(b".safetensors\n") else line for line in lines
    ]
    sums.write_bytes(b"".join(turned))
    assert [write_index(tmp_path, index, of) for index in range(of)][-1] is True
    assert files(tmp_path) == whole


def test_without_a_shard_of_anothers_it_is_not_complete_any_more(tmp_path: Path) -> None:
    assert write_index(tmp_path, 0, 1) is True
    (tmp_path / "model-00002-of-00005.safetensors").unlink()
    assert [write_index(tmp_path, index, 3) for index in (0, 2, 1)] == [False, False, True]


def test_what_is_recorded_is_read_no_further_than_to_the_first_that_is_not(tmp_path: Path) -> None:
    job, checkpoint = begun(tmp_path)
    made(job, checkpoint, range(3), Here(), unseen())
    place = Meanwhile(str(tmp_path), 1, lambda: pytest.fail("read on"))
    assert known(place, checkpoint, {}) is None


def test_the_index_is_that_of_the_environment_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INDEX, "2")
    assert part_of(None, 3) == Part(2, 3)
    assert part_of(0, 3) == Part(0, 3)
    assert part_of(None, None) is None  # one pod that is of no number of others


@pytest.mark.parametrize(
    ("index", "of", "told"), [(3, 3, None), (-1, 3, None), (0, None, None), (None, 3, None), (None, 3, "x"),
                              (None, 3, "3"), (None, 3, ""), (None, 3, "²")]
)  # fmt: skip
def test_what_is_no_part_is_refused(
    index: int | None, of: int | None, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(INDEX, raising=False)
    if told is not None:
        monkeypatch.setenv(INDEX, told)
    with pytest.raises(InitserveError, match=r"index|of how many"):
        part_of(index, of)


@pytest.mark.parametrize(
    "text", ['{"sha256": 3, "bytes": 9, "tag": null}', '{"sha256": "AB", "bytes": 9, "tag": null}', "{"]
)
def test_what_is_no_record_is_not_believed(whole: dict[str, str], tmp_path: Path, text: str) -> None:
    job, checkpoint = begun(tmp_path)
    made(job, checkpoint, range(5), Here(), unseen())
    (tmp_path / ".initserve" / f"{checkpoint.shards[1].name}.json").write_text(text)
    assert write_index(tmp_path, 0, 5) is False
    assert write_index(tmp_path, 1, 5) is True
    assert files(tmp_path) == whole


def test_a_record_of_a_part_is_that_of_a_run(tmp_path: Path) -> None:
    begun_by_parts = tmp_path / "parts"
    write_index(begun_by_parts, 0, 5)
    (record,) = (begun_by_parts / ".initserve").iterdir()
    shard = begun_by_parts / record.name.removesuffix(".json")
    assert json.loads(record.read_text())["sha256"] == hashlib.sha256(shard.read_bytes()).hexdigest()
