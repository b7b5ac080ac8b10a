"""Keys: a file holds digests alone, changes are followed, faults leave the keys of before; what is found is found."""

import hashlib
import hmac
import logging
from pathlib import Path
from unittest import mock

import pytest

from service.api.door.keys import LARGEST_FILE, Keys, KeysFault, new_key, read_keys
from service.api.door.scopes import SCOPES

# SHA-256 of "abc", as FIPS 180-2 prints it.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
NOUGHTS = "0" * 64


def kept(folder: Path, text: str) -> Keys:
    file = folder / "keys"
    file.write_text(text)
    return Keys(file)


def name_of(keys: Keys, key: str) -> str | None:
    found = keys.find(key.encode())
    return None if found is None else found.name


def test_a_key_is_found_by_its_digest(tmp_path: Path) -> None:
    keys = kept(tmp_path, f"# who may what\n\nalice  weights,heavy\tsha256:{ABC}  \n")
    found = keys.find(b"abc")
    assert found is not None
    assert found.name == "alice"
    assert found.scopes == {"weights", "heavy"}
    for other in ("", "ab", "abcd", "ABC", ABC, "alice"):
        assert keys.find(other.encode()) is None, other


def test_several_keys_of_a_client_are_in_force_at_once(tmp_path: Path) -> None:
    made = [new_key(name, ["weights"]) for name in ("alice", "alice", "bob")]
    keys = kept(tmp_path, "\n".join(line for _, line in made))
    assert [name_of(keys, key) for key, _ in made] == ["alice", "alice", "bob"]


def test_a_new_key_is_256_bits_of_chance_and_its_line_does_not_hold_it() -> None:
    key, line = new_key("ci@example.org", SCOPES)
    beginning, _, rest = key.partition("_")
    assert beginning == "initserve"
    assert len(rest) == 43  # base64 of 32 bytes
    assert rest not in line
    assert line == f"ci@example.org {','.join(SCOPES)} sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    assert new_key("ci@example.org", SCOPES)[0] != key


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("alice weights initserve_secret", "line 1: this is not NAME SCOPES"),
        ("alice weights sha256:secret", "line 1: this is not NAME SCOPES"),
        (f"\n#\nalice secret sha256:{ABC}", "line 3: scopes are read, weights"),
        (f"-secret weights sha256:{ABC}", "line 1: a name has letters"),
        (f"{'s' * 65} weights sha256:{ABC}", "line 1: a name has letters"),
        (f"alice weights sha256:{ABC.upper()}", "line 1: this is not NAME SCOPES"),
        (f"alice weights sha256:{ABC}\nsecret read sha256:{ABC}", "line 2: this key stands in the file already"),
    ],
)
def test_a_fault_is_told_by_its_line_and_quotes_nothing_of_it(text: str, fault: str) -> None:
    with pytest.raises(KeysFault, match=fault) as told:
        read_keys(text)
    assert "secret" not in str(told.value)
    assert ABC not in str(told.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * (LARGEST_FILE + 1)])
def test_what_is_no_file_of_keys_is_refused_at_once(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(KeysFault, match=r"UTF-8|bytes"):
        Keys(tmp_path / "keys")
    with pytest.raises(FileNotFoundError):
        Keys(tmp_path / "others")


def test_changes_of_the_file_are_followed(tmp_path: Path) -> None:
    (old, old_line), (new, new_line) = new_key("alice", ["weights"]), new_key("alice", ["weights", "heavy"])
    keys = kept(tmp_path, old_line)
    for lines, known in (((old_line, new_line), (True, True)), ((new_line,), (False, True)), ((), (False, False))):
        (tmp_path / "keys").write_text("\n".join(lines))
        keys.follow()
        assert (keys.find(old.encode()) is not None, keys.find(new.encode()) is not None) == known


def test_a_file_put_in_the_other_s_place_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes does it with a Secret: another file, perhaps as old and as long."""
    (old, old_line), (new, new_line) = new_key("alice", ["weights"]), new_key("alice", ["weights"])
    keys = kept(tmp_path, old_line)
    (tmp_path / "next").write_text(new_line)
    (tmp_path / "next").rename(tmp_path / "keys")
    keys.follow()
    assert (name_of(keys, old), name_of(keys, new)) == (None, "alice")


def test_a_change_that_cannot_be_read_leaves_the_keys_of_before_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key, line = new_key("alice", ["weights"])
    keys = kept(tmp_path, line)
    for spoil in (lambda: (tmp_path / "keys").write_text("alice weights"), (tmp_path / "keys").unlink):
        caplog.clear()
        spoil()
        with caplog.at_level(logging.INFO, "initserve"):
            keys.follow()
            keys.follow()
        assert name_of(keys, key) == "alice"
        assert len(caplog.records) == 1
        assert "keys of before go on" in caplog.text
    (tmp_path / "keys").write_text("")
    keys.follow()
    assert name_of(keys, key) is None


def test_what_takes_time_is_the_same_for_a_key_that_is_there_and_for_one_that_is_not(tmp_path: Path) -> None:
    keys = kept(tmp_path, f"alice weights sha256:{ABC}\nbob weights sha256:{NOUGHTS}")
    for key in (b"abc", b"abd"):
        with mock.patch("hmac.compare_digest", side_effect=hmac.compare_digest) as compared:
            keys.find(key)
        assert compared.call_count == 1  # whether one was found or not


def test_nothing_is_looked_up_by_what_a_client_could_choose(tmp_path: Path) -> None:
    """Digests that begin like that of a key could be searched for; under a secret of the process they say nothing."""
    text = f"alice weights sha256:{ABC}"
    first, second = (set(kept(tmp_path, text)._by_mark) for _ in range(2))
    assert not first & second
    assert bytes.fromhex(ABC)[:16] not in first
