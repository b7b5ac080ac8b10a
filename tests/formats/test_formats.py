"""Every format: read by somebody else's reader, of the length that was said, the same bytes again."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import deserialize, safe_open
from safetensors.numpy import load

from service.errors import UnsupportedCombination
from service.formats import FORMATS, Include
from service.formats.npy import header
from service.networks.plan import Plan
from service.specs.spec import Spec
from service.writing import write

LAYERS: list[dict[str, Any]] = [
    {"name": "a", "type": "dense", "shape": [30, 7], "activation": "relu"},
    {"name": "b.c", "type": "conv2d", "shape": [3, 3, 4, 6], "groups": 2, "scheme": "orthogonal", "bias": None},
    {"name": "d", "type": "tensor", "shape": [], "scheme": "ones"},
    {
        "name": "e",
        "type": "dense",
        "shape": [40_000, 17],
        "scheme": {"name": "random_normal", "mean": 1e-30, "stddev": 1e30},
    },
]


def plan(*layers: dict[str, Any], **more: Any) -> Plan:
    return Spec.model_validate({"seed": 42, **more, "layers": list(layers or LAYERS)}).plan()


def whole(format: str, planned: Plan, include: Include | None = None) -> bytes:
    payload = FORMATS[format].encode(planned, include or Include())
    body = b"".join(payload.chunks())
    assert len(body) == payload.length
    return body


def expected(planned: Plan) -> dict[str, Any]:
    return {p.key: np.concatenate(list(p.blocks())).reshape(p.shape) for p in planned.parameters}


@pytest.mark.parametrize("layout", ["keras", "pytorch", "flax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("format", ["json", "npz", "safetensors"])
def test_declared_lengths_are_real_and_bytes_repeat(format: str, dtype: str, layout: str) -> None:
    for include in (Include(), Include(weights=False, statistics=True), Include(weights=True, statistics=True)):
        assert whole(format, plan(dtype=dtype, layout=layout), include) == whole(
            format, plan(dtype=dtype, layout=layout), include
        )


@pytest.mark.parametrize("count", range(1, 8))
def test_base64_is_right_at_every_remainder(count: int) -> None:
    planned = plan({"name": "t", "type": "tensor", "shape": [count], "scheme": "random_normal"}, dtype="float16")
    (parameter,) = json.loads(whole("json", planned))["layers"][0]["parameters"]
    loaded = np.load(io.BytesIO(base64.b64decode(parameter["npy"], validate=True)))
    assert np.array_equal(loaded, expected(planned)["t/value"])


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (1,) * 32, (2**53 - 1, 7)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_npy_headers_are_read_by_numpy(shape: tuple[int, ...], dtype: Any) -> None:
    (parameter,) = plan({"type": "tensor", "shape": list(shape)}, dtype=dtype).parameters
    made = header(parameter)
    assert len(made) % 64 == 0
    file = io.BytesIO(made)
    assert np.lib.format.read_magic(file) == (1, 0)
    assert np.lib.format.read_array_header_1_0(file) == (shape, False, np.dtype(dtype))
    assert file.tell() == len(made)


def test_npy_files_are_numpys_own() -> None:
    planned = plan(LAYERS[0] | {"bias": None})
    own = io.BytesIO()
    np.save(own, expected(planned)["a/kernel"])
    assert whole("npy", planned) == own.getvalue()


def test_npy_holds_one_array() -> None:
    with pytest.raises(UnsupportedCombination, match="npz"):
        FORMATS["npy"].encode(plan(), Include())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_npz_is_read_by_zipfile_and_numpy(dtype: str) -> None:
    layers = LAYERS[:3] if dtype == "float16" else LAYERS
    planned = plan(*layers, dtype=dtype)
    body = whole("npz", planned)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
    with np.load(io.BytesIO(body)) as arrays:
        found = dict(arrays)
    assert list(found) == list(expected(planned))
    for key, array in expected(planned).items():
        assert np.array_equal(found[key], array), key


@pytest.mark.parametrize("layout", ["keras", "pytorch"])
def test_safetensors_is_read_by_the_library(layout: str) -> None:
    planned = plan(layout=layout)
    found = load(whole("safetensors", planned))
    assert found.keys() == expected(planned).keys()
    for key, array in expected(planned).items():
        assert np.array_equal(found[key], array), key


def test_safetensors_holds_bfloat16() -> None:
    planned = plan(LAYERS[0], dtype="bfloat16")
    found = dict(deserialize(whole("safetensors", planned)))  # type: ignore[no-untyped-call]
    for key, array in expected(planned).items():
        assert (found[key]["dtype"], found[key]["data"]) == ("BF16", array.tobytes())


def test_safetensors_carries_the_spec_that_makes_it_again() -> None:
    body = whole("safetensors", plan())
    head = head_of(body)
    assert list(head) == sorted(head)
    metadata = head["__metadata__"]
    assert metadata["algorithm"] == "initserve/1"
    assert whole("safetensors", Spec.model_validate_json(metadata["spec"]).plan()) == body


def head_of(body: bytes) -> Any:
    return json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])


@pytest.mark.parametrize("length", range(1, 9))
def test_a_safetensors_header_ends_at_a_multiple_of_eight_bytes(length: int) -> None:
    body = whole("safetensors", plan({"name": "n" * length, "type": "tensor", "shape": [3]}))
    assert int.from_bytes(body[:8], "little") % 8 == 0
    assert load(body).keys() == {"n" * length + "/value"}


@pytest.mark.parametrize(("layout", "format"), [("pytorch", "pt"), ("keras", None), ("flax", None)])
def test_a_file_in_pytorchs_layout_says_that_it_is_pytorchs(tmp_path: Path, layout: str, format: str | None) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(whole("safetensors", plan(LAYERS[0], layout=layout)))
    with safe_open(file, framework="numpy") as tensors:
        assert tensors.metadata().get("format") == format


def test_the_names_in_an_npz_are_marked_as_utf_8_and_the_checksums_as_following() -> None:
    with zipfile.ZipFile(io.BytesIO(whole("npz", plan()))) as archive:
        assert {member.flag_bits for member in archive.infolist()} == {1 << 11 | 1 << 3}


def test_the_longest_numbers_fit_into_the_statistics() -> None:
    # Values of 24 characters each: a sign, 17 digits, an exponent of three; few of them, so that counts are short.
    scheme = {"name": "random_uniform", "minval": -9e-105, "maxval": -1e-105}
    longest = 0
    for seed in range(40):
        planned = plan({"type": "tensor", "shape": [9], "scheme": scheme}, dtype="float64", seed=seed)
        body = whole("json", planned, Include(weights=False, statistics=True))
        found = json.loads(body)["layers"][0]["parameters"][0]["statistics"]
        longest = max(longest, sum(len(repr(found[name])) for name in ("mean", "std", "min", "max")))
    assert longest > 4 * 23  # a character less for each would not have done


def test_a_fresh_seed_stands_in_the_spec_too() -> None:
    planned = Spec.model_validate({"layers": [LAYERS[0] | {"seed": 7}]}).plan()
    body = whole("safetensors", planned)
    spec = json.loads(head_of(body)["__metadata__"]["spec"])
    assert (spec["seed"], spec["layers"][0]["seed"]) == (str(planned.seed), "7")


class Ends(io.RawIOBase):
    """A file of which only what is not a large chunk of data was kept: zipfile asks for no more."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, bytes]] = []
        self.length = self.place = 0

    def add(self, chunk: bytes | memoryview) -> None:
        if len(chunk) < 2**16:
            self.kept.append((self.length, bytes(chunk)))
        self.length += len(chunk)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = 0) -> int:
        self.place = offset + (0, self.place, self.length)[whence]
        return self.place

    def read(self, size: int = -1) -> bytes:
        end = self.length if size < 0 else min(self.place + size, self.length)
        window = bytearray(end - self.place)
        for start, chunk in self.kept:
            begin, stop = max(start, self.place), min(start + len(chunk), end)
            if begin < stop:
                window[begin - self.place : stop - self.place] = chunk[begin - start : stop - start]
        self.place = end
        return bytes(window)


@pytest.mark.long
def test_npz_beyond_four_gibibytes_is_read_by_zipfile() -> None:
    zeros: dict[str, Any] = {"type": "tensor", "scheme": "zeros"}
    planned = plan({"name": "large", "shape": [2**30 + 5], **zeros}, {"name": "after", "shape": [3], **zeros})
    payload, file = FORMATS["npz"].encode(planned, Include()), Ends()
    for chunk in payload.chunks():
        file.add(chunk)
    assert file.length == payload.length
    with zipfile.ZipFile(file) as archive:
        large, after = archive.infolist()
        assert (large.filename, large.file_size) == ("large/value.npy", 2**32 + 20 + 128)
        assert after.header_offset > 2**32
        with archive.open(after) as member:
            assert np.lib.format.read_array(member).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("layout", ["keras", "pytorch"])
@pytest.mark.parametrize("format", ["json", "npz", "safetensors"])
def test_bytes_do_not_depend_on_threads(format: str, layout: str) -> None:
    include = Include(weights=True, statistics=True)
    one = whole(format, plan(layout=layout), include)
    for threads in (1, 3):
        out = io.BytesIO()
        write(FORMATS[format].encode(plan(layout=layout), include), out, lambda more: None, threads)
        assert out.getvalue() == one
