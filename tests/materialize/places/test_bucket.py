"""A bucket holds whole files alone: what is too short, too long or broken off leaves nothing and says so."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from obstore.store import MemoryStore

from service.formats.payload import Chunk
from service.materialize.places import bucket
from service.materialize.places.bucket import Bucket
from service.materialize.places.parts import PART
from service.materialize.places.place import PlaceError

MIB = 2**20


@pytest.fixture
def place() -> Bucket:
    store = MemoryStore()
    return Bucket("memory://", store, store)


def chunks(content: bytes, each: int = MIB) -> Iterator[Chunk]:
    for start in range(0, len(content), each):
        yield memoryview(content)[start : start + each]


def whole(place: Bucket, name: str) -> bytes:
    return b"".join(place.chunks(name))


@pytest.mark.parametrize("length", [0, 1, PART - 1, PART, PART + 1, 3 * PART, 7 * PART + 5])
def test_a_file_of_any_length_is_what_was_made_of_it(place: Bucket, length: int) -> None:
    content = os.urandom(length)
    entry = place.write("a", chunks(content, 786_432), length)
    assert entry == place.entry("a")
    assert entry.bytes == length
    assert whole(place, "a") == content


@pytest.mark.parametrize("length", [100, 2 * PART])
@pytest.mark.parametrize("wrong", [-1, 1])
def test_what_is_too_short_or_too_long_is_not_there(place: Bucket, length: int, wrong: int) -> None:
    with pytest.raises(PlaceError, match=f"of a file of {length + wrong:,}"):
        place.write("a", chunks(bytes(length)), length + wrong)
    assert place.names() == []


@pytest.mark.parametrize("length", [3 * MIB, 2 * PART])
@pytest.mark.parametrize(
    "error", [KeyError("a mistake"), SystemExit(143), PlaceError("of another place"), OSError("full")]
)
def test_what_ends_the_making_is_raised_as_it_is_and_leaves_nothing(
    place: Bucket, length: int, error: BaseException
) -> None:
    def made() -> Iterator[Chunk]:
        yield bytes(length - MIB)
        raise error

    with pytest.raises(type(error)) as caught:
        place.write("a", made(), length)
    assert caught.value is error
    assert place.names() == []


def test_a_file_that_is_written_anew_is_the_old_one_until_it_is_whole(place: Bucket) -> None:
    before = place.write("a", [b"old"], 3)

    def made() -> Iterator[Chunk]:
        yield bytes(PART)
        with ThreadPoolExecutor() as others:
            assert others.submit(whole, place, "a").result() == b"old"
        yield bytes(PART)

    after = place.write("a", made(), 2 * PART)
    assert whole(place, "a") == bytes(2 * PART)
    assert after.tag != before.tag


def test_a_tag_changes_with_the_bytes_though_their_count_stays(place: Bucket) -> None:
    before = place.write("a", [b"old"], 3)
    place.put("a", b"new")
    after = place.entry("a")
    assert after is not None
    assert after.bytes == before.bytes
    assert after.tag != before.tag


def test_a_small_file_is_created_once_and_found_by_whoever_has_the_same(place: Bucket) -> None:
    assert place.create("claim", b"mine")
    assert place.create("claim", b"mine")  # an answer was lost, and it is asked for again
    assert not place.create("claim", b"other")
    assert place.read("claim") == b"mine"


def test_names_are_those_of_files_and_not_of_folders(place: Bucket) -> None:
    for name in ("b", "a", ".initserve/a.json"):
        place.put(name, b"{}")
    assert place.names() == ["a", "b"]
    assert place.read(".initserve/a.json") == b"{}"
    place.remove(".initserve/a.json")
    place.remove(".initserve/a.json")
    assert place.read(".initserve/a.json") is None
    assert place.entry("nothing") is None


def test_what_is_written_anew_while_it_is_read_is_noticed(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "PART", 1000)
    place.put("a", bytes(10_000))
    reading = place.chunks("a")
    next(reading)
    place.put("a", b"\1" * 10_000)
    with pytest.raises(PlaceError, match="written anew"):
        list(reading)
    with pytest.raises(PlaceError, match="there is nothing of this name"):
        list(place.chunks("nothing"))
