"""Opening a store: what is wrong with an address or an option is said in a line, and what is secret is not in it."""

import os
import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest

from service.materialize.places import place_at
from service.materialize.places.bucket import Bucket
from service.materialize.places.directory import Directory
from service.materialize.places.opening import PATIENT, QUICK, opened
from service.materialize.places.place import PlaceError

KEYS = {"access_key_id": "AKIDNEVERTOLD", "secret_access_key": "secretnevertold"}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("s3://bucket", {}),
        ("s3://bucket/a/folder/", KEYS),
        ("s3a://bucket/a", KEYS),
        ("gs://bucket/a", {}),
        ("az://container/a", {"account_name": "me"}),
        ("abfss://container@account.dfs.core.windows.net/a", {}),
    ],
)
def test_stores_of_three_clouds_are_opened_without_asking_anybody(address: str, options: Mapping[str, str]) -> None:
    place = place_at(address, options)
    assert isinstance(place, Bucket)
    assert place.name == address.rstrip("/")


def test_a_file_url_is_the_directory(tmp_path: Path) -> None:
    folder = tmp_path / "with a space"
    for address in (str(folder), folder.as_uri(), folder.as_uri().replace("file:///", "file://localhost/")):
        place = place_at(address, {})
        assert isinstance(place, Directory)
        assert place.create("a", b"text")
        assert (folder / "a").read_bytes() == b"text"
        place.remove("a")


@pytest.mark.parametrize(
    ("address", "options", "line"),
    [
        ("ftp://host/a", {}, "ftp:// is not a place that can be written to"),
        ("http://127.0.0.1:9000/bucket", {}, "http:// is not a place that can be written to"),
        ("memory:///", {}, "memory:// is not a place that can be written to"),
        ("://", {}, "is not a place that can be written to"),
        ("s3://", {}, "there is no bucket in this address"),
        ("s3:///a", {}, "there is no bucket in this address"),
        ("s3://bucket/a?versionId=1", {}, "an address holds a bucket and a folder alone"),
        ("file://host/a", {}, "a file's address is file:///"),
        ("file://a", {}, "a file's address is file:///"),
        ("az://container/a", {}, "account_name is missing"),
        ("s3://bucket", {"access_key_id": "AKIDNEVERTOLD"}, "secret_access_key is missing"),
        ("s3://bucket", {"nonsense": "secretnevertold"}, "nonsense is not an option of this store"),
        ("gs://bucket", {"endpoint": "http://127.0.0.1"}, "endpoint is not an option of this store"),
        ("s3://bucket", {"bucket": "other"}, "bucket is not an option: the address names it"),
        ("s3://bucket", {"AWS_BUCKET_NAME": "other"}, "bucket_name is not an option: the address names it"),
        ("s3://bucket", {"allow_http": "secretnevertold"}, "has a value that it cannot have"),
        ("s3://bucket", {"timeout": "secretnevertold"}, "has a value that it cannot have"),
        ("s3://bucket", {"conditional_put": "secretnevertold"}, "has a value that it cannot have"),
        ("s3://bucket", {"endpoint": "secretnevertold"}, "the option endpoint is to be an address"),
        ("s3://bucket", {"AWS_ENDPOINT_URL": "127.0.0.1:9000"}, "the option endpoint_url is to be an address"),
        ("az://container", {"account_name": "me", "access_key": "secretnevertold"}, "has a value that it cannot have"),
        ("gs://bucket", {"service_account_key": "secretnevertold"}, "has a value that it cannot have"),
        ("/a/directory", {"endpoint": "secretnevertold"}, "a directory has no options, and endpoint is given"),
    ],
)
def test_what_can_never_be_a_store_is_said_in_a_line(address: str, options: Mapping[str, str], line: str) -> None:
    with pytest.raises(PlaceError) as caught:
        place_at(address, options)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not caught.value.passing
    assert "nevertold" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "address",
    ["s3://key:secretnevertold@bucket/a", "az://container/a?sig=secretnevertold", "s3://bucket/a#secretnevertold"],
)
def test_what_is_secret_in_an_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(PlaceError, match="an address holds a bucket and a folder alone") as caught:
        place_at(address, {})
    assert "nevertold" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("name", "value"), [("AWS_ENDPOINT_URL", "nonsense"), ("AWS_ALLOW_HTTP", "perhaps")])
def test_what_the_environment_says_is_held_to_the_same(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(PlaceError):
        place_at("s3://bucket", {})


def test_options_come_before_the_environment_and_both_before_our_own_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened("s3://bucket", {}, QUICK).client_options == {"timeout": "10s", "connect_timeout": "4s"}  # type: ignore[union-attr]
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_TIMEOUT", "7s")
    found = opened("s3://bucket", {"timeout": "8s", "AWS_CONNECT_TIMEOUT": "1s"}, PATIENT).client_options  # type: ignore[union-attr]
    assert found == {"allow_http": True, "timeout": "8s", "connect_timeout": "1s"} or found == {
        "allow_http": "true",
        "timeout": "8s",
        "connect_timeout": "1s",
    }


def test_no_request_is_waited_for_without_end() -> None:
    for patience in (QUICK, PATIENT):
        store = opened("s3://bucket", KEYS, patience)
        assert store.retry_config["retry_timeout"].total_seconds() == patience.tries <= 30  # type: ignore[union-attr, index]
        assert store.client_options["timeout"] == f"{patience.answer}s"  # type: ignore[union-attr, index]
