"""A bucket of a store that fails at times: whole files, or errors, and no halves."""

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.formats.payload import Chunk
from service.materialize.places import bucket
from service.materialize.places.bucket import Bucket
from service.materialize.places.opening import Patience
from service.materialize.places.parts import PART
from service.materialize.places.place import PlaceError
from service.materialize.places.retrying import retried
from tests.materialize.stores.faults import CODES, Fault, Faulty, at_times, once
from tests.materialize.stores.s3 import BUCKET, S3, SECRET

pytestmark = pytest.mark.long
FAULTS: list[Fault] = [*CODES, "cut on the way up", "cut on the way down", "answer lost"]  # type: ignore[list-item]
CONTENT = os.urandom(3 * PART + 12_345)


def place_in(folder: str, store: S3 | Faulty) -> Bucket:
    return Bucket.at(f"s3://{BUCKET}/{folder}", S3(store.url).options)


def chunks(content: bytes = CONTENT) -> Iterator[Chunk]:
    for start in range(0, len(content), 786_432):
        yield memoryview(content)[start : start + 786_432]


def read(place: Bucket, name: str) -> bytes:
    return b"".join(place.chunks(name))


def test_a_file_goes_up_in_parts_and_comes_back(s3: S3, folder: str) -> None:
    place = place_in(folder, s3)
    entry = place.write("a", chunks(), len(CONTENT))
    assert entry == place.entry("a")
    assert entry.tag is not None
    assert entry.tag.endswith('-4"')  # as S3 marks what came in four parts
    assert s3.get(f"{folder}/a") == CONTENT == read(place, "a")
    assert place.names() == ["a"]
    assert s3.uploads() == 0


def test_a_damaged_file_of_the_same_size_has_another_tag(s3: S3, folder: str) -> None:
    place = place_in(folder, s3)
    entry = place.write("a", chunks(), len(CONTENT))
    s3.put(f"{folder}/a", CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    found = place.entry("a")
    assert found is not None
    assert found.bytes == entry.bytes
    assert found.tag != entry.tag


@pytest.mark.parametrize("made", [1, 2 * PART, len(CONTENT) - 1])
def test_what_ends_the_making_ends_the_upload(s3: S3, folder: str, made: int) -> None:
    def broken() -> Iterator[Chunk]:
        yield from chunks(CONTENT[:made])
        raise KeyError("a mistake")

    place = place_in(folder, s3)
    with pytest.raises(KeyError, match="a mistake"):
        place.write("a", broken(), len(CONTENT))
    with pytest.raises(PlaceError, match="of a file of"):
        place.write("a", chunks(CONTENT[:made]), len(CONTENT))
    assert place.entry("a") is None
    assert s3.uploads() == 0


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("method", "part"), [("POST", "?uploads"), ("PUT", "partNumber=2"), ("POST", "?uploadId")])
def test_a_fault_of_any_request_of_an_upload_is_got_over(
    fault: Fault, method: str, part: str, s3: S3, proxy: Faulty, folder: str
) -> None:
    place = place_in(folder, proxy)
    proxy.choose = once(fault, method, part)
    entry = retried(lambda: place.write("a", chunks(), len(CONTENT)))
    assert proxy.met[fault] == 1
    assert entry == place.entry("a")
    assert hashlib.sha256(s3.get(f"{folder}/a")).digest() == hashlib.sha256(CONTENT).digest()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("GET", "read"),
        ("GET", "names"),
        ("GET", "chunks"),
        ("HEAD", "entry"),
        ("PUT", "put"),
        ("PUT", "create"),
        ("POST", "remove"),
    ],
)
def test_a_fault_of_any_small_request_is_got_over(
    fault: Fault, method: str, what: str, s3: S3, proxy: Faulty, folder: str
) -> None:
    place = place_in(folder, proxy)
    if what != "create":
        s3.put(f"{folder}/a", b"content")
    proxy.choose = once(fault, method, BUCKET)
    if what == "read":
        assert place.read("a") == b"content"
    elif what == "names":
        assert place.names() == ["a"]
    elif what == "chunks":
        assert read(place, "a") == b"content"
    elif what == "entry":
        found = place.entry("a")
        assert found is not None
        assert found.bytes == 7
    elif what == "put":
        place.put("a", b"other")
        assert s3.get(f"{folder}/a") == b"other"
    elif what == "create":
        assert place.create("a", b"mine")
        assert not place.create("a", b"other")
        assert s3.get(f"{folder}/a") == b"mine"
    else:
        place.remove("a")
        assert place.entry("a") is None
    assert proxy.met[fault] == 1


@pytest.mark.parametrize("conditional", ["etag", "disabled"])
def test_of_many_who_create_different_files_at_once_one_is_told_that_it_is_theirs(
    conditional: str, s3: S3, folder: str
) -> None:
    options = s3.options | {"conditional_put": conditional}
    places = [Bucket.at(f"s3://{BUCKET}/{folder}", options) for _ in range(8)]
    with ThreadPoolExecutor(len(places)) as threads:
        told = list(threads.map(lambda n: places[n].create("claim", str(n).encode()), range(len(places))))
    there = int(s3.get(f"{folder}/claim"))
    assert told[there]
    if conditional == "etag":
        assert sum(told) == 1


def test_a_store_that_is_down_is_told_of_in_seconds(s3: S3, proxy: Faulty, folder: str) -> None:
    proxy.choose = at_times(1.0, 1, "503")
    began = time.monotonic()
    with pytest.raises(PlaceError, match=r"the store did not do it \(503 SlowDown\)") as caught:
        place_in(folder, proxy).create("claim", b"mine")
    assert caught.value.passing
    assert time.monotonic() - began < 40
    assert proxy.met["503"] > 2


def test_a_store_that_takes_everything_and_says_nothing_is_not_waited_for(
    s3: S3, proxy: Faulty, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QUICK", "PATIENT"):
        monkeypatch.setattr(bucket, name, Patience(answer=1, tries=2))
    place = place_in(folder, proxy)
    proxy.choose = at_times(1.0, 1, "mute")
    began = time.monotonic()
    with pytest.raises(PlaceError, match="it did not answer in time") as caught:
        place.create("claim", b"mine")
    with pytest.raises(PlaceError, match="it did not answer in time") as late:
        place.write("a", chunks(), len(CONTENT))
    assert time.monotonic() - began < 30
    assert caught.value.passing
    assert late.value.passing


def test_wrong_buckets_are_told_of_at_once(s3: S3) -> None:
    place = Bucket.at("s3://no-such-bucket/a", s3.options)
    for ask in (place.names, lambda: place.read("a"), lambda: place.create("a", b"x"), lambda: place.put("a", b"x")):
        with pytest.raises(PlaceError, match=r"there is no such bucket \(404 NoSuchBucket\)") as caught:
            ask()
        assert not caught.value.passing
        assert SECRET not in str(caught.value)
    with pytest.raises(PlaceError, match="there is no such bucket"):
        place.write("a", chunks(), len(CONTENT))


def test_what_always_fails_at_times_is_whole_in_the_end(s3: S3, proxy: Faulty, folder: str) -> None:
    place = place_in(folder, proxy)
    proxy.choose = at_times(0.2, 7, *FAULTS, "slow")
    for number in range(3):
        retried(lambda number=number: place.write(f"{number}", chunks(), len(CONTENT)))  # type: ignore[misc]
    assert sum(count for fault, count in proxy.met.items() if fault != "none") > 3
    assert {name: len(found) for name, found in s3.objects(folder).items()} == dict.fromkeys("012", len(CONTENT))
    assert all(found == CONTENT for found in s3.objects(folder).values())
