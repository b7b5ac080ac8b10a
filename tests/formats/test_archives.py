"""The .npz file field by field, at the places and with the meanings that APPNOTE 6.3 gives them."""

import io
import zipfile
import zlib

import numpy as np
import pytest

from service.formats import FORMATS, Include
from service.specs.spec import Spec

SEEN_LATER = 0xFFFFFFFF
LAYERS = [
    {"name": "a", "type": "dense", "shape": [30, 7], "scheme": "random_normal"},
    {"name": "b", "type": "tensor", "shape": [], "scheme": "ones"},
]


def number(body: bytes, place: int, size: int) -> int:
    return int.from_bytes(body[place : place + size], "little")


def archive() -> bytes:
    plan = Spec.model_validate({"seed": 42, "layers": LAYERS}).plan()
    return FORMATS["npz"].encode(plan, Include()).whole()


def test_the_end_records_lead_to_the_directory() -> None:
    body = archive()
    end = body.rindex(b"PK\5\6")  # 4.3.16: no comment, so that it is the last 22 bytes
    assert end == len(body) - 22
    assert [number(body, end + place, 2) for place in (4, 6, 8, 10, 20)] == [0, 0, 3, 3, 0]
    assert [number(body, end + place, 4) for place in (12, 16)] == [SEEN_LATER, SEEN_LATER]
    locator = end - 20  # 4.3.15: on disk 0, of one disk
    assert body[locator : locator + 4] == b"PK\6\7"
    assert (number(body, locator + 4, 4), number(body, locator + 16, 4)) == (0, 1)
    record = number(body, locator + 8, 8)
    assert record == locator - 56
    assert body[record : record + 4] == b"PK\6\6"  # 4.3.14: its size leaves out the first 12 bytes
    assert number(body, record + 4, 8) == 56 - 12
    assert [number(body, record + place, 2) for place in (12, 14)] == [45, 45]
    assert [number(body, record + place, 4) for place in (16, 20)] == [0, 0]
    assert [number(body, record + place, 8) for place in (24, 32)] == [3, 3]
    size, start = number(body, record + 40, 8), number(body, record + 48, 8)
    assert start + size == record
    assert body[start : start + 4] == b"PK\1\2"


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_member_is_described_twice_alike(index: int) -> None:
    body = archive()
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        member = opened.infolist()[index]
        content = opened.read(member)
    local = member.header_offset  # 4.3.7
    assert body[local : local + 4] == b"PK\3\4"
    assert [number(body, local + place, 2) for place in (4, 6, 8, 10, 12)] == [45, 0x0808, 0, 0, 0x0021]
    assert [number(body, local + place, 4) for place in (14, 18, 22)] == [0, SEEN_LATER, SEEN_LATER]
    name, extra = number(body, local + 26, 2), number(body, local + 28, 2)
    assert body[local + 30 : local + 30 + name].decode() == member.filename
    sizes = local + 30 + name  # 4.5.3: tag 1, 16 bytes, sizes that are known after the data
    assert (extra, number(body, sizes, 2), number(body, sizes + 2, 2)) == (20, 1, 16)
    assert body[sizes + 4 : sizes + 20] == bytes(16)
    data = sizes + extra
    assert body[data : data + len(content)] == content
    descriptor = data + len(content)  # 4.3.9.2
    assert body[descriptor : descriptor + 4] == b"PK\7\10"
    assert number(body, descriptor + 4, 4) == zlib.crc32(content) == member.CRC
    assert [number(body, descriptor + place, 8) for place in (8, 16)] == [len(content)] * 2
    central = number(body, number(body, len(body) - 34, 8) + 48, 8)  # 4.3.12, from the end records on
    for _ in range(index):
        central = body.index(b"PK\1\2", central + 4)
    assert [number(body, central + place, 2) for place in (4, 6)] == [45, 45]
    assert [number(body, central + place, 2) for place in (8, 10, 12, 14, 28, 30, 32, 34, 36)] == [
        0x0808, 0, 0, 0x0021, name, 28, 0, 0, 0,
    ]  # fmt: skip
    assert [number(body, central + place, 4) for place in (16, 20, 24, 38, 42)] == [
        member.CRC, SEEN_LATER, SEEN_LATER, 0, SEEN_LATER,
    ]  # fmt: skip
    fields = central + 46 + name
    assert (number(body, fields, 2), number(body, fields + 2, 2)) == (1, 24)
    assert [number(body, fields + place, 8) for place in (4, 12, 20)] == [len(content), len(content), local]


def test_names_beyond_ascii_would_be_read_as_utf8() -> None:
    with zipfile.ZipFile(io.BytesIO(archive())) as opened:
        assert {bool(member.flag_bits & 0x800) for member in opened.infolist()} == {True}
        assert np.load(io.BytesIO(opened.read("b/value.npy"))) == 1.0


@pytest.mark.parametrize("format", ["json", "npz", "safetensors"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_a_piece_weighs_at_least_what_it_holds(format: str, dtype: str) -> None:
    """What waits to be sent is bounded by the sum of weights: a piece that says too little escapes the bound."""
    layers = [{"type": "tensor", "shape": [300_000], "scheme": "random_normal"}]
    plan = Spec.model_validate({"seed": 42, "dtype": dtype, "layers": layers}).plan()
    for piece in FORMATS[format].encode(plan, Include(weights=True, statistics=True)).pieces():
        held = len(piece.make()())
        assert piece.weight >= held or held < 2**14  # headers weigh nothing
