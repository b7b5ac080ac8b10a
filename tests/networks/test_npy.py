"""Arrays in a request: what NumPy writes is read as NumPy reads it, what machines read differently is refused."""

import base64
import io
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy_format
from pydantic_core import PydanticCustomError

from service.networks.schemes.npy import load_npy

VALUES = np.arange(1, 7).reshape(2, 3)


def written(array: Any, version: tuple[int, int] = (1, 0)) -> bytes:
    file = io.BytesIO()
    npy_format.write_array(file, np.asanyarray(array), version)
    return file.getvalue()


def with_header(text: str, data: bytes = VALUES.astype("<f4").tobytes(), version: bytes = b"\1\0") -> bytes:
    head = text.encode()
    return b"\x93NUMPY" + version + len(head).to_bytes(4 if version > b"\1\0" else 2, "little") + head + data


def load(file: bytes) -> Any:
    return load_npy(base64.b64encode(file).decode())


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_what_numpy_writes_is_read_as_numpy_reads_it(dtype: str, order: str, version: tuple[int, int]) -> None:
    array = VALUES.astype(np.dtype(order + dtype))
    for each in (array, np.asfortranarray(array), array[:, 0], array[0, 0]):
        file = written(each, version)
        found = load(file)
        assert found.dtype == np.float64
        assert found.flags.c_contiguous
        assert np.array_equal(found, np.load(io.BytesIO(file)))
        assert found.shape == each.shape


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        '{"shape": (2,3), "descr": "<f4", "fortran_order": False}\n',
        "  {'fortran_order' : False,'shape':( 2 , 3 ),'descr':'<f4'}   ",
    ],
)
def test_a_header_may_be_written_by_other_programs(header: str) -> None:
    assert np.array_equal(load(with_header(header)), VALUES)


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
REFUSED: dict[str, bytes] = {
    "version 9.0": with_header(GOOD, version=b"\x09\0"),
    "version 1.1": with_header(GOOD, version=b"\1\1"),
    "another magic": b"\x93NUMPX" + with_header(GOOD)[6:],
    "Python 2's integers": with_header(GOOD.replace("2, 3", "2L, 3L")),
    "an expression": with_header(GOOD.replace("2, 3", "1+1, 3")),
    "a negative size": with_header(GOOD.replace("2, 3", "-2, -3")),
    "an integer for a shape": with_header(GOOD.replace("(2, 3)", "6")),
    "a size that is no tuple": with_header(GOOD.replace("(2, 3)", "(6)")),
    "a member too many": with_header(GOOD.replace("}", "'more': 1}")),
    "a member that stands twice": with_header(GOOD.replace("}", "'shape': (3, 2)}")),
    "a member missing": with_header("{'descr': '<f4', 'shape': (2, 3)}"),
    "no dictionary": with_header("'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)"),
    "two dictionaries": with_header(GOOD + GOOD),
    "an order that is a number": with_header(GOOD.replace("False", "0")),
    "a long header": with_header(GOOD + " " * 2**17, version=b"\2\0"),
    "a header beyond the file": with_header(GOOD)[:40],
    "too few bytes": with_header(GOOD)[:-1],
    "too many bytes": with_header(GOOD) + b"\0",
    "too many axes": with_header(GOOD.replace("2, 3", "2, 3, " + "1, " * 40)),
    "a shape beyond 64 bits": with_header(GOOD.replace("2, 3", "9999999999999999999, 9999999999999999999")),
    "nothing": b"",
}
TYPES = ["<f16", ">f16", "<f12", "float", "float64", "p", "P", "l", "L", "<i16", "f4", "=f4", "|f4", "d", "g", "<c8",
         "|b1", "?", "<M8[s]", "|S4", "<U1", "|O", "|V4", "<f3"]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_just_an_array_is_refused(name: str) -> None:
    with pytest.raises(PydanticCustomError, match="not a complete"):
        load(REFUSED[name])


@pytest.mark.parametrize("dtype", TYPES)
def test_types_that_machines_read_differently_or_that_are_no_numbers_are_refused(dtype: str) -> None:
    for size in (4, 8, 16):
        with pytest.raises(PydanticCustomError, match="not a complete"):
            load(with_header(GOOD.replace("<f4", dtype).replace("2, 3", "6,"), b"\0" * 6 * size))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_what_is_not_finite_in_float32_is_refused_without_a_warning(value: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PydanticCustomError, match="must be finite"):
            load(written(np.array([1.0, value])))
        with pytest.raises(PydanticCustomError, match="must be finite"):
            load(with_header(GOOD.replace("2, 3", "1,"), b"\1\0\x80\x7f"))  # a signalling NaN
        with pytest.raises(PydanticCustomError, match="must be finite"):
            load(written(np.zeros(0)))
