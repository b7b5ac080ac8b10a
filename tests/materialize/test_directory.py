"""A directory as a place: whole files or none, and what dead runs left is told from what live ones write."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.materialize.places.directory import FOLDER, Directory
from service.materialize.places.place import Entry, PlaceError


def chunks(*more: bytes) -> Iterator[bytes]:
    yield b"abc"
    yield from more


def test_what_is_created_once_stays(tmp_path: Path) -> None:
    place = Directory(str(tmp_path / "a/b"))
    assert place.names() == []
    assert place.create("x", b"1") is True
    assert place.create("x", b"2") is False
    assert place.read("x") == b"1"
    assert place.names() == ["x"]
    assert place.entry("x") == Entry(1, None)
    assert place.entry("y") is None
    assert place.read("y") is None


def test_of_many_who_create_at_once_one_does(tmp_path: Path) -> None:
    place, found = Directory(str(tmp_path)), []
    start = threading.Barrier(8)

    def create(number: int) -> None:
        start.wait()
        if place.create("x", b"%d" % number * 1000):
            found.append(b"%d" % number * 1000)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [place.read("x")]


def test_a_file_system_without_links_creates_once_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    place = Directory(str(tmp_path))
    assert place.create("x", b"1") is True
    assert place.create("x", b"2") is False
    assert place.read("x") == b"1"


def test_what_breaks_off_leaves_nothing_and_what_was_there(tmp_path: Path) -> None:
    place = Directory(str(tmp_path))
    place.create("x", b"before")

    def broken() -> Iterator[bytes]:
        yield b"abc"
        assert [*(tmp_path / FOLDER).iterdir()]
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        place.write("x", broken(), 6)
    assert place.read("x") == b"before"
    assert not [*(tmp_path / FOLDER).iterdir()]
    place.clear()
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_only_what_nobody_writes_any_more_is_cleared(tmp_path: Path) -> None:
    place, other = Directory(str(tmp_path)), Directory(str(tmp_path))
    place.create("x", b"")
    (tmp_path / FOLDER).mkdir(exist_ok=True)
    dead = tmp_path / FOLDER / "y.dead.part"
    dead.write_bytes(b"half")
    record = tmp_path / FOLDER / "y.json"
    record.write_bytes(b"{}")

    def meanwhile() -> Iterator[bytes]:
        yield b"a"
        other.clear()
        yield b"b"

    assert place.write("y", meanwhile(), 2) == Entry(2, None)
    assert place.read("y") == b"ab"
    assert not dead.exists()
    assert record.exists()


def test_a_folder_that_others_remove_again_and_again_is_made_anew(tmp_path: Path) -> None:
    places = [Directory(str(tmp_path)) for _ in range(4)]
    places[0].create("x", b"")
    errors: list[Exception] = []

    def work(place: Directory, name: str) -> None:
        try:
            for _ in range(50):
                place.put(f"{FOLDER}/{name}.json", b"{}")
                place.write(name, chunks(), 3)
                place.remove(f"{FOLDER}/{name}.json")
                place.clear()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(place, str(number))) for number, place in enumerate(places)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0", "1", "2", "3", "x"]


def test_files_have_the_mode_that_the_process_gives_its_files(tmp_path: Path) -> None:
    place = Directory(str(tmp_path))
    before = os.umask(0o027)
    try:
        place.create("x", b"1")
        place.put("y", b"1")
    finally:
        os.umask(before)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("x", "y")} == {0o640}


@pytest.mark.parametrize("address", ["/proc/nowhere", "/dev/null/within", "file"])
def test_what_is_no_directory_is_told_by_its_name(tmp_path: Path, address: str) -> None:
    (tmp_path / "file").write_text("mine")
    place = Directory(str(tmp_path / address))
    with pytest.raises(PlaceError, match=address):
        place.create("x", b"1")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_name_that_is_a_folder_is_told(tmp_path: Path) -> None:
    place = Directory(str(tmp_path))
    (tmp_path / "x").mkdir()
    assert place.create("x", b"1") is False
    for work in (lambda: place.write("x", chunks(), 3), lambda: place.read("x"), lambda: [*place.chunks("x")]):
        with pytest.raises(PlaceError, match="Is a directory"):
            work()
    assert not [*(tmp_path / "x").iterdir()]


def test_what_vanished_is_not_made_anew(tmp_path: Path) -> None:
    place = Directory(str(tmp_path / "gone"))
    with pytest.raises(PlaceError, match="No such file"):
        place.put("x", b"1")
    assert not (tmp_path / "gone").exists()
