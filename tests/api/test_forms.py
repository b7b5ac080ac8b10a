"""Forms of several parts: as a client's library writes them, in pieces of any size, whole or damaged."""

from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from service.api import multipart
from service.api.problems import RequestProblem
from service.verification.tape import Tape

BOUNDARY = b"-xyz"


def read(body: bytes, step: int) -> dict[str, bytes]:
    """Return a form's fields, its body having come `step` bytes at a time."""
    tape, found = Tape(), {}
    name, place = "", 0
    for event in multipart.read(tape, BOUNDARY):
        if event is None:
            tape.add(body[place : place + step])
            place += step
            if place >= len(body) + step:
                tape.end()
        elif isinstance(event, multipart.Field):
            name = event.name
            found[name] = b""
        elif event:
            found[name] += event
    return found


def written(fields: dict[str, bytes]) -> bytes:
    """Return a form as httpx writes it."""
    files: Any = {name: (None if index else "w.bin", content) for index, (name, content) in enumerate(fields.items())}
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    return httpx.Request("POST", "http://x/", files=files, headers=headers).read()


# What a delimiter is made of, in any order; a whole one would end its field.
BITS = st.sampled_from([b"\r\n", b"--", b"-xy", b"z", b"\r", b"\n", b"-", b"--xyz", b"\0\xff", b"data"])
CONTENT = (
    st.lists(BITS, max_size=12).map(b"".join).filter(lambda content: b"\r\n--" + BOUNDARY not in b"\r\n" + content)
)


@given(CONTENT, CONTENT, st.integers(1, 40))
def test_what_a_field_holds_is_what_was_put_into_it(spec: bytes, file: bytes, step: int) -> None:
    fields = {"spec": spec, "file": file}
    assert read(written(fields), step) == fields


@given(CONTENT, st.data())
def test_a_damaged_form_is_read_alike_however_it_comes(file: bytes, data: Any) -> None:
    body = bytearray(written({"spec": b"{}", "file": file}))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place : place + data.draw(st.integers(0, 9))] = data.draw(BITS)

    def outcome(step: int) -> Any:
        try:
            return read(bytes(body), step)
        except RequestProblem as refused:
            return refused.code, refused.detail

    assert outcome(1) == outcome(data.draw(st.integers(2, 50))) == outcome(10_000)
