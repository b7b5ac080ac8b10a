"""Whatever is written where a client may write is read, or refused by name: no other error, soon, in few words."""

import base64
import io
import json
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest
from fastapi import Request
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError
from starlette.datastructures import Headers

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.trainable import TrainRequest
from service.api import multipart
from service.api.conditional import condition, range_holds
from service.api.door.clients import Proxies, name_of
from service.api.door.keys import KeysFault, read_keys
from service.api.multipart import Field, boundary_of
from service.api.negotiation import choose_format, read_accept
from service.api.parsing import parse_document, parse_json, parse_spec, pointing_into
from service.api.problems import RequestProblem, problem
from service.api.ranges import read_ranges
from service.api.representation import wants_digest
from service.errors import InitserveError, InvalidAddress, InvalidSlice
from service.networks.schemes.npy import load_npy
from service.specs.addresses import packed, unpacked
from service.specs.jcs import canonical
from service.specs.slices import parse_slice
from service.verification.tape import Tape
from tests.verification import file_of, planned, verify

LARGEST = 16 * 1024  # bytes of an error
REFUSED = (InitserveError, RequestProblem)
SOON = 2.0  # seconds of a processor; milliseconds but where a kernel is compiled
CASES = int(os.environ.get("CASES", "200"))  # of each; as many as there is time for
quick = settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def refused_by_name() -> Iterator[None]:
    """Let through what is refused as it should be, in a small answer and in time."""
    began, size = time.thread_time(), 0
    try:
        yield
    except REFUSED as error:
        told = getattr(error, "errors", [{"pointer": getattr(error, "pointer", ""), "detail": error.detail}])
        size = len(problem(error.code, error.detail, told, error.remedy).body)
    assert size <= LARGEST
    assert time.thread_time() - began < SOON


# Documents

VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=12),
        st.sampled_from(["dense", "tensor", "lstm", "he_normal", "orthogonal", "relu", "initserve/1", "torch-cpu/1"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=10,
)  # fmt: skip
NAMES = st.sampled_from(
    ["seed", "layers", "layout", "dtype", "algorithm", "rules", "recipe", "tensors", "config", "size", "input_shape",
     "type", "shape", "scheme", "bias", "name", "inputs", "activation", "num_layers", "match", "batch", "steps", "task",
     "schemes", "across", "distributions", "optimizer", "learning_rate", "watch", "restarts", "groups", "exact"]
)  # fmt: skip
WHOLE: dict[str, Any] = {
    "seed": 1, "input_shape": [3],
    "layers": [
        {"name": "a", "type": "dense", "shape": [3, 4], "activation": "relu", "scheme": {"name": "he_normal"}},
        {"name": "b", "type": "dense", "shape": [4, 3], "bias": "ones", "inputs": ["a"]},
        {"name": "c", "type": "add", "inputs": ["b", "input"]},
    ],
    "rules": [{"match": "a*", "scheme": "zeros"}],
}  # fmt: skip


@st.composite
def specs(draw: st.DrawFn) -> Any:
    """Return a spec that is whole, but for one to three of its members."""
    document: Any = json.loads(json.dumps(WHOLE))
    for _ in range(draw(st.integers(1, 3))):
        places = [document, *(each for each in document.get("layers") or () if isinstance(each, dict))]
        draw(st.sampled_from(places))[draw(NAMES)] = draw(VALUES)
        if not isinstance(document.get("layers"), list):
            break
    return document


@quick
@given(st.one_of(specs(), VALUES), st.sampled_from(["spec", "diagnose", "train"]))
def test_any_document_is_planned_or_refused(document: Any, kind: str) -> None:
    body = json.dumps(document).encode()
    with refused_by_name(), pointing_into(body):
        if kind == "spec":
            plan = parse_spec(body).plan()
            assert plan.cost.bytes >= 0
        else:
            parse_document(body, DiagnoseRequest if kind == "diagnose" else TrainRequest)


@quick
@given(st.one_of(st.binary(max_size=300), st.text(alphabet='{}[]",:\\u0123456789.eE+-dDtrufalsn \t\n', max_size=300)))
@example(b'{"a": 1e400}')
@example('"\\ud800\\udc00"')
def test_any_bytes_are_json_or_not(body: bytes | str) -> None:
    sent = body if isinstance(body, bytes) else body.encode()
    with refused_by_name():
        found = parse_json(sent)
        assert found == json.loads(sent) or found != found


# Arrays

NPY_HEADERS = st.one_of(
    st.just("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"),
    st.text(alphabet="{}'descrfortan_ohp:<>|=fiu1248()0123456789, TrueFals\n", max_size=120),
    st.builds(
        "{{'descr': '{}', 'fortran_order': {}, 'shape': ({}), }}".format,
        st.sampled_from(["<f4", "<f8", ">f2", "|u1", "<i8", "|O", "<U3", "<M8[s]", "|V8", "<c16", "f4", "<f16"]),
        st.sampled_from(["True", "False", "None", "1"]),
        st.sampled_from(
            ["", "0", "2, 3", "6,", "9" * 19, "9" * 18 + ", 9", "-1", "1," * 32, "1," * 33, "99999999999,"]
        ),
    ),
)


@quick
@given(
    version=st.sampled_from([b"\1\0", b"\2\0", b"\3\0", b"\0\0", b"\4\0", b""]),
    header=NPY_HEADERS,
    length=st.one_of(st.none(), st.integers(0, 2**32 - 1)),
    data=st.binary(max_size=64),
)
def test_any_npy_file_is_read_as_numpy_reads_it_or_refused(
    version: bytes, header: str, length: int | None, data: bytes
) -> None:
    said = len(header) if length is None else length
    size = struct.pack("<H", said % 2**16) if version == b"\1\0" else struct.pack("<I", said)
    file = b"\x93NUMPY" + version + size + header.encode() + data
    with suppress(PydanticCustomError):
        found = load_npy(base64.b64encode(file).decode())
        np.testing.assert_array_equal(found, np.load(io.BytesIO(file)).astype(np.float64))


PLAN = planned(layers=[{"name": "a", "type": "dense", "shape": [3, 4]}, {"name": "b", "type": "tensor", "shape": [5]}])
RIGHT = {format: file_of(PLAN, format) for format in ("safetensors", "npz")}
RIGHT["npy"] = file_of(planned(layers=[{"name": "b", "type": "tensor", "shape": [5]}]), "npy")


@quick
@given(
    st.sampled_from(sorted(RIGHT)),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=8)), max_size=4),
    st.integers(0, 3000),
    st.sampled_from([1, 7, 2**20]),
)
def test_any_file_that_is_damaged_is_compared_or_refused(
    format: str, damage: list[tuple[int, bytes]], kept: int, step: int
) -> None:
    file = bytearray(RIGHT[format])
    for place, put in damage:
        at = place % len(file)
        file[at : at + len(put)] = put
    with refused_by_name():
        verify(bytes(file[:kept] if kept % 2 else file), PLAN, step)


# Addresses


def token_of(content: bytes, level: int = 9) -> str:
    return base64.urlsafe_b64encode(zlib.compress(content, level)).rstrip(b"=").decode()


@quick
@given(
    st.one_of(
        st.text(max_size=80),
        st.text(alphabet="ABCDEFabcdef0123456789-_", max_size=200),
        st.binary(max_size=200).map(token_of),
        VALUES.map(lambda value: token_of(json.dumps(value).encode())),
    )
)
def test_any_address_holds_a_canonical_spec_or_none(token: str) -> None:
    try:
        text = unpacked(token, 2**16)
    except InvalidAddress:
        return
    assert canonical(json.loads(text)) == text


@quick
@given(st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=20), st.integers(-(2**53), 2**53)), max_size=5))
def test_what_was_packed_is_unpacked(document: dict[str, Any]) -> None:
    text = canonical({**document, "algorithm": "initserve/1", "seed": "1"})
    assert unpacked(packed(text), 2**16) == text


SHAPES = st.lists(st.integers(1, 6), max_size=4).map(tuple)


@quick
@given(st.text(alphabet="0123456789-:,. Nonewaxis", max_size=40), SHAPES)
@example("9" * 4000, (3,))
@example("-" * 1024, (3,))
@example(":,::,...,", (3, 2))
def test_any_slice_is_numpy_s_or_refused(text: str, shape: tuple[int, ...]) -> None:
    try:
        found = parse_slice(text, shape)
    except InvalidSlice as refused:
        parse_slice(str((refused.remedy or {})["slice"]), shape)  # what is said to work does
        return
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    names = {"newaxis": None, "None": None}
    wanted = eval(f"numbers[{text},]" if text.strip() else "numbers[()]", {"numbers": numbers, **names})
    again = eval(f"numbers[{found.text},]", {"numbers": numbers, **names})
    np.testing.assert_array_equal(again, wanted)


# Headers

HEADER = st.text(alphabet=st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=120)
LIKE_LISTS = st.text(alphabet='abytes=0123456789-,;/*q."W \t*json:', max_size=120)


@quick
@given(st.one_of(HEADER, LIKE_LISTS), st.sampled_from([None, "npz", "json", "?"]))
@example("*/*;q=" + "0" * 5000, None)
def test_any_accept_gives_a_format_or_a_406(accept: str, wanted: str | None) -> None:
    with refused_by_name():
        assert all(0.0 <= weight <= 1.0 for weight in read_accept(accept).values())
    with refused_by_name():
        choose_format(wanted, accept)


@quick
@given(st.one_of(HEADER, LIKE_LISTS, LIKE_LISTS.map("bytes={}".format)), st.integers(1, 2**80))
def test_any_range_is_within_what_there_is_or_refused(header: str, length: int) -> None:
    with refused_by_name():
        for first, stop in read_ranges(header, length) or ():
            assert 0 <= first < stop <= length


@quick
@given(st.sampled_from(["if-match", "if-none-match", "if-range", "want-repr-digest"]), st.one_of(HEADER, LIKE_LISTS))
def test_any_condition_holds_or_does_not(name: str, value: str) -> None:
    headers = Headers({name: value})
    condition(headers, '"abc"')
    range_holds(headers, '"abc"')
    wants_digest(Request({"type": "http", "headers": headers.raw}))


ADDRESSES = st.one_of(
    HEADER,
    st.ip_addresses().map(str),
    st.ip_addresses().map("{}:80".format),
    st.ip_addresses(v=6).map("[{}]:80".format),
)


@quick
@given(st.lists(ADDRESSES, max_size=6), st.sampled_from(["", "127.0.0.1", "0.0.0.0/0,::/0", "unix"]))
def test_whoever_is_said_to_ask_is_an_address_that_nobody_untrusted_made_up(told: list[str], trusted: str) -> None:
    headers = [(b"x-forwarded-for", ", ".join(told).encode("latin-1"))]
    found = Proxies(trusted).sender({"type": "http", "client": ("127.0.0.1", 80), "headers": headers})
    assert len(name_of(found)) <= 64
    if trusted in ("", "unix"):
        assert str(found) == "127.0.0.1"


@quick
@given(st.text(max_size=200))
def test_any_file_of_keys_is_read_or_refused(text: str) -> None:
    with suppress(KeysFault, ValueError):
        for key in read_keys(text):
            assert len(key.digest) == 32


# Forms


def fields_of(body: bytes, boundary: bytes, step: int) -> dict[str, bytes]:
    tape, found, name = Tape(), dict[str, bytes](), ""
    parts = iter(range(0, len(body), step))
    for told in multipart.read(tape, boundary):
        if told is None:
            place = next(parts, None)
            if place is None:
                tape.end()
            else:
                tape.add(body[place : place + step])
        elif isinstance(told, Field):
            name = told.name
            found[name] = b""
        elif name:
            found[name] += told
    return found


@quick
@given(
    st.one_of(
        st.binary(max_size=200), st.text(alphabet="-b\r\n:;=\"'content-disposition form-data name", max_size=300)
    ),
    st.sampled_from([1, 3, 1000]),
)
def test_any_form_is_read_or_refused(body: bytes | str, step: int) -> None:
    with refused_by_name():
        fields_of(body if isinstance(body, bytes) else body.encode(), b"b", step)


@quick
@given(st.dictionaries(st.text(alphabet="abc", min_size=1), st.binary(max_size=60), min_size=1), st.integers(1, 50))
def test_a_form_gives_back_what_was_put_into_it(fields: dict[str, bytes], step: int) -> None:
    boundary = b"x" * 30
    parts = (
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, name.encode(), content)
        for name, content in fields.items()
    )
    assert fields_of(b"".join(parts) + b"--%s--\r\n" % boundary, boundary, step) == fields


@quick
@given(HEADER)
def test_any_type_names_a_boundary_or_is_refused(media_type: str) -> None:
    for text in (media_type, f"multipart/form-data; boundary={media_type}"):
        with refused_by_name():
            assert 0 < len(boundary_of(text)) <= 70


def asking(name: bytes, value: str) -> Request:
    return Request({"type": "http", "client": ("1.2.3.4", 1), "headers": [(name, value.encode())]})


LINEAR: dict[str, Callable[[str], object]] = {
    "Accept": read_accept,
    "a format": lambda text: choose_format(None, text),
    "Range": lambda text: read_ranges(f"bytes={text}", 10**6),
    "If-None-Match": lambda text: condition(Headers({"if-none-match": text}), '"a"'),
    "Want-Repr-Digest": lambda text: wants_digest(asking(b"want-repr-digest", text)),
    "Content-Type": lambda text: boundary_of(f"multipart/form-data{text}"),
    "X-Forwarded-For": lambda text: Proxies("0.0.0.0/0").sender(asking(b"x-forwarded-for", text).scope),
    "a slice": lambda text: parse_slice(text[:1024], (3, 3)),
    "an address": lambda text: unpacked(text, 2**24),
}  # fmt: skip
UNITS = [
    ",",
    ";",
    " ",
    "\t ",
    '"',
    '\\"',
    "a",
    "9",
    "0-",
    "-",
    "bytes=",
    "q=0.1,",
    "W/",
    '"",',
    "; boundary",
    "::",
    "=",
    "1.2,",
]


@pytest.mark.parametrize("name", LINEAR)
def test_a_header_as_long_as_one_may_be_is_read_in_a_millisecond_or_two(name: str) -> None:
    for unit in UNITS:
        text = unit * (8192 // len(unit))
        times = []
        for _ in range(5):
            began = time.thread_time()
            with suppress(*REFUSED):
                LINEAR[name](text)
            times.append(time.thread_time() - began)
        assert min(times) < 0.01, unit
