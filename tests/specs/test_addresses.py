"""Addresses that hold a spec: there and back, and what was tampered with, cut off or blown up is refused by name."""

import base64
import json
import random
import time
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InitserveError, InvalidAddress
from service.specs.addresses import LONGEST, MOST_VALUES, LongAddress, digest_in, packed, short, stored, unpacked
from service.specs.spec import Spec

MOST = 2**20
DOCUMENT = {"seed": 42, "layers": [{"type": "dense", "shape": [4, 3], "activation": "relu"}]}
TEXT = Spec.model_validate(DOCUMENT).plan().canonical_json()
TURNED = json.dumps(dict(reversed(json.loads(TEXT).items())), separators=(",", ":"))


def plain(content: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def token(content: bytes, level: int = 9) -> str:
    return plain(zlib.compress(content, level))


def refused(address: str, most: int = MOST) -> str:
    with pytest.raises(InvalidAddress) as error:
        unpacked(address, most)
    return error.value.detail


def test_an_address_holds_the_text_and_nothing_but_what_a_path_takes() -> None:
    address = packed(TEXT)
    assert unpacked(address, MOST) == TEXT
    assert zlib.decompress(base64.urlsafe_b64decode(address + "=" * (-len(address) % 4))) == TEXT.encode()
    assert set(address) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("level", range(10))
def test_however_a_text_was_deflated_it_is_the_same_text(level: int) -> None:
    assert unpacked(token(TEXT.encode(), level), MOST) == TEXT


@given(
    st.integers(0, 2**64 - 1),
    st.lists(st.integers(1, 2**53 - 1), max_size=32),
    st.from_regex(r"[a-z]{1,64}", fullmatch=True),
)
def test_any_spec_comes_back_as_it_went(seed: int, shape: list[int], name: str) -> None:
    layer = {"type": "tensor", "shape": shape, "name": name, "scheme": "zeros"}
    try:
        text = Spec.model_validate({"seed": str(seed), "layers": [layer]}).plan().canonical_json()
    except InitserveError:  # more elements than 64 bits can count
        return
    assert unpacked(packed(text), MOST) == text


def test_every_slip_in_an_address_is_seen() -> None:
    """What comes of a slip is nothing, or the very same text (deflated as another zlib might have): never another."""
    address = packed(TEXT)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place in range(len(address)):
        for letter in letters[:: 7 + place % 3]:
            other = address[:place] + letter + address[place + 1 :]
            if other != address:
                assert unchanged_or_refused(other)
        assert refused(address[:place])
        assert refused(address[:place] + address[place + 1 :])
        assert refused(address[:place] + "%" + address[place + 1 :])


def unchanged_or_refused(address: str) -> bool:
    try:
        return unpacked(address, MOST) == TEXT
    except InvalidAddress:
        return True


CASES = {
    "nothing": ("", "base64url"),
    "padding": (packed(TEXT) + "=", "base64url"),
    "the other alphabet": ("eNq+/" + packed(TEXT)[5:], "base64url"),
    "a line feed": (packed(TEXT) + "\n", "base64url"),
    "letters of other scripts": ("\uff25No", "base64url"),
    "no zlib": ("AAAA", "inflate"),
    "deflate without a frame": (plain(zlib.compress(TEXT.encode(), wbits=-15)), "inflate"),
    "gzip": (plain(zlib.compress(TEXT.encode(), wbits=31)), "inflate"),
    "more behind it": (
        plain(zlib.compress(TEXT.encode()) + b"more"), "follows",
    ),
    "another spec behind it": (plain(2 * zlib.compress(TEXT.encode())), "follows"),
    "Latin-1": (token('{"algorithm":"é"}'.encode("latin-1")), "UTF-8"),
    "a byte order mark": (token(b"\xef\xbb\xbf" + TEXT.encode()), "JSON"),
    "no JSON": (token(b"{'seed': 1}"), "JSON"),
    "nothing deflated": (token(b""), "JSON"),
    "nested without end": (token(b"[" * 10_000), "JSON"),
    "nested without end, to the end": (token(b"[" * 5_000 + b"]" * 5_000), "JSON"),
    "a space": (token(TEXT.replace(",", ", ").encode()), "RFC 8785"),
    "another order": (token(TURNED.encode()), "RFC 8785"),
    "a name twice": (token(TEXT[:-1].encode() + b',"seed":"42"}'), "RFC 8785"),
    "a number otherwise": (token(TEXT.replace("[4,3]", "[4.0,3]").encode()), "RFC 8785"),
    "an integer that no float is": (token(TEXT.replace("[4,3]", "[4,9007199254740993]").encode()), "RFC 8785"),
    "an escape that need not be": (token(TEXT.replace("dense", "d\\u0065nse").encode()), "RFC 8785"),
    "NaN": (token(TEXT.replace("[4,3]", "[4,NaN]").encode()), "JSON"),
    "half a surrogate pair": (token(TEXT.replace("dense", "\\ud800").encode()), "RFC 8785"),
    "a list": (token(b"[]"), "no spec"),
    "no seed": (token(b'{"algorithm":"initserve/1"}'), "no spec"),
    "a seed as a number": (token(b'{"algorithm":"initserve/1","seed":1}'), "no spec"),
    "too long": ("A" * (LONGEST + 1), "characters"),
    "a digest cut short": ("sha256-" + "0" * 63, "sha256-"),
    "a digest in large letters": ("sha256-" + "A" * 64, "sha256-"),
    "many values": (token(b"[" + b"0," * MOST_VALUES + b"0]"), "values"),
    "a number of a million digits": (token(b"1" * 10**6), "JSON"),
    "an integer beyond every float": (token(b'{"a":' + b"9" * 400 + b"}"), "JSON"),
    "an integer just beyond every float": (token(b"1" + b"0" * 309), "JSON"),
    "a float beyond every other": (token(b'{"a":1e999}'), "JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_address_is_refused_and_says_why(case: str) -> None:
    address, word = CASES[case]
    assert word in refused(address)


def test_what_inflates_beyond_the_bound_is_refused_before_it_has() -> None:
    bomb = token(b"\0" * 4_000_000)
    assert len(bomb) < LONGEST
    tracemalloc.start()
    assert "longer than 1,000 bytes" in refused(bomb, most=1000)
    with pytest.raises(LongAddress):
        unpacked(bomb, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert unpacked(packed(TEXT), most=len(TEXT)) == TEXT
    assert "longer" in refused(packed(TEXT), most=len(TEXT) - 1)


def test_a_text_too_long_for_an_address_has_none_of_its_own() -> None:
    draw = random.Random(1)
    names = ["".join(draw.choices("abcdefghijklmnop", k=100)) for _ in range(100)]
    layers = [{"type": "dense", "shape": [1, 1], "name": name} for name in names]
    assert short(Spec.model_validate({"seed": 1, "layers": layers}).plan().canonical_json()) is None
    assert short(TEXT) == packed(TEXT)


def test_a_digest_is_told_from_a_text() -> None:
    assert digest_in(stored("0" * 64)) == "0" * 64
    assert digest_in(packed(TEXT)) is None
    assert not packed(TEXT).startswith("sha256-")  # zlib's first byte is 0x78 or less: e, or a letter before it


def slip(draw: random.Random) -> str:
    """Return an address with something wrong with it, of a text with something wrong with it now and then."""
    content = bytearray(TEXT.encode() if draw.random() < 0.7 else draw.randbytes(draw.randrange(2000)))
    if draw.random() < 0.3 and content:
        content[draw.randrange(len(content))] = draw.randrange(256)
    if draw.random() < 0.1:
        content *= draw.choice([2, 100, 5000])
    raw = bytearray(zlib.compress(bytes(content), draw.randrange(10)))
    for _ in range(draw.choice([0, 0, 1, 3])):
        raw[draw.randrange(len(raw))] = draw.randrange(256)
    address = base64.urlsafe_b64encode(raw[: draw.choice([len(raw), draw.randrange(len(raw) + 1)])]).decode()
    return draw.choice([address, address.rstrip("="), address[::-1], draw.choice("Aé\0 ") + address])


def longest(count: int, seed: int) -> float:
    """Return the longest time that one of so many slips took; each is a text that is its own, or refused by name."""
    draw, most = random.Random(seed), 0.0
    for _ in range(count):
        address = slip(draw)
        begun = time.perf_counter()
        with suppress(InvalidAddress):
            assert unpacked(packed(unpacked(address, MOST)), MOST)
        most = max(most, time.perf_counter() - begun)
    return most


def test_slips_at_random_are_refused_and_quickly() -> None:
    assert longest(1_000, 1) < 0.5  # generous: a process may have to wait for its processor


@pytest.mark.long
def test_many_slips_at_random_are_refused_and_quickly() -> None:
    assert longest(50_000, 2) < 0.5
