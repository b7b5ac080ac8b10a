"""The readers of npy and safetensors: what the libraries write is read, and nothing else is, whatever it claims."""

import io
import json
from contextlib import suppress

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from initserve import InvalidFile, read_npy, read_safetensors

KINDS = ["<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1"]
shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def of(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


FILE = safetensors.numpy.save({"a": np.arange(6, dtype="<f4").reshape(2, 3), "b": np.ones((), "<f2")}, {"spec": "{}"})
ARRAY = npy(np.arange(6, dtype="<f4").reshape(2, 3))


@given(st.sampled_from(KINDS), shapes, st.booleans())
def test_what_the_libraries_write_is_read(kind: str, shape: tuple[int, ...], transposed: bool) -> None:
    array = np.random.default_rng(0).integers(0, 2, shape).astype(kind)
    turned = array.copy(order="F" if transposed else "C")
    for found in (read_npy(npy(turned)), read_safetensors(safetensors.numpy.save({"x": array}))["x"]):
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


@given(st.integers(0, 2**32), st.data())
def test_a_changed_or_cut_file_is_refused_or_read_within_its_bounds(seed: int, data: st.DataObject) -> None:
    for file, read in ((FILE, read_safetensors), (ARRAY, read_npy)):
        cut = data.draw(st.integers(0, len(file) - 1))
        with pytest.raises(InvalidFile):
            read(file[:cut])
        changed = bytearray(file)
        for place in data.draw(st.lists(st.integers(0, len(file) - 1), min_size=1, max_size=4)):
            changed[place] = data.draw(st.integers(0, 255))
        with suppress(InvalidFile):
            read(changed)


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\xff" * 8,
        of(b"{"),
        of([]),
        of(b"\xff"),
        of(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{}}', bytes(8)),
        of(b"[" * 5000),
        of({"a": ENTRY}, bytes(7)),
        of({"a": ENTRY}, bytes(9)),
        of({"a": {**ENTRY, "dtype": "F4"}}, bytes(8)),
        of({"a": {**ENTRY, "dtype": ["F32"]}}, bytes(8)),
        of({"a": {**ENTRY, "more": 1}}, bytes(8)),
        of({"a": {**ENTRY, "shape": [-2]}}, bytes(8)),
        of({"a": {**ENTRY, "shape": [True, 2]}}, bytes(8)),
        of({"a": {**ENTRY, "shape": [2.0]}}, bytes(8)),
        of({"a": {**ENTRY, "shape": [2**70]}}, bytes(8)),
        of({"a": {**ENTRY, "shape": [1] * 40}}, bytes(8)),
        of({"a": {**ENTRY, "data_offsets": [8, 16]}}, bytes(16)),
        of({"a": {**ENTRY, "data_offsets": [0, 8, 8]}}, bytes(8)),
        of({"a": ENTRY, "b": ENTRY}, bytes(8)),
        of({"a": ENTRY, "b": ENTRY}, bytes(16)),
        of({"a": ENTRY, "b": {**ENTRY, "data_offsets": [4, 12]}}, bytes(12)),
        of({"a": ENTRY, "b": {**ENTRY, "data_offsets": [10, 18]}}, bytes(18)),
        of({"a": 1}),
        of({"__metadata__": {"a": 1}}),
        of({"__metadata__": []}),
    ],
)
def test_a_safetensors_file_is_read_strictly(file: bytes) -> None:
    with pytest.raises(InvalidFile):
        read_safetensors(file)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 2}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
        "__import__('os')",
        "(" * 5000,
    ],
)
def test_an_npy_file_is_read_strictly(header: str) -> None:
    text = header.encode()
    with pytest.raises(InvalidFile):
        read_npy(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8))


def test_bfloat16_is_read_exactly() -> None:
    """Every pattern of 16 bits: a float32's upper half, by definition."""
    patterns = np.arange(2**16, dtype="<u2")
    header = {"x": {"dtype": "BF16", "shape": [2**16], "data_offsets": [0, 2**17]}}
    found = read_safetensors(of(header, patterns.tobytes()))["x"]
    assert found.dtype == np.float32
    assert (found.view(np.uint32) == patterns.astype(np.uint32) << 16).all()
