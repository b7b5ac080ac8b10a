"""Reads a request's body once it is there: strictly JSON, then a spec."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import numpy as np
from pydantic import ValidationError

from service.api.problems import RequestProblem
from service.errors import InitserveError
from service.specs.faults import Fault, faults_of
from service.specs.places import nearest_written
from service.specs.spec import Spec
from service.specs.stretches import longest_stretch

AnySpec = TypeVar("AnySpec", bound=Spec)
# No object that a spec may hold has so many members, but for these; beyond it each unknown one would be an error of its
# own.
MOST_MEMBERS = 64
LARGE = ("tensors", "config")
# Members of a listing, whose object is made in one step: more than it may have, by far less than a body could.
MOST_LISTED = 2**18
LONGEST_INTEGER = 400  # characters: a float64 has up to 309 digits, and a million take seconds
# A body from which on it is looked through before it is read; and how long reading it may hold up all others.
LONG_BODY, LONGEST_STRETCH = 2**15, 20_000_000  # bytes, nanoseconds
# Values of a body, so that none takes long to read: 100,000 layers with a scheme each have half as many.
MOST_VALUES = 2**21


def refuse(why: str) -> NoReturn:
    raise RequestProblem("malformed-json", why)


def members(pairs: list[tuple[str, Any]], large: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an object, which is put into `large` if it has many members."""
    if len(pairs) > MOST_LISTED:
        refuse(f"an object has {len(pairs):,} members; none takes more than {MOST_LISTED:,}")
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        refuse(f"{twice!r} stands twice in one object")
    if len(pairs) > MOST_MEMBERS:
        large.append(found)
    return found


def refuse_large(document: Any, large: Sequence[dict[str, Any]]) -> None:
    """Refuse objects of many members anywhere but in a listing of tensors or a config."""
    if not large:
        return
    waiting = [document.get(member) for member in LARGE] if isinstance(document, dict) else []
    allowed = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            allowed.add(id(value))
            waiting += value.values()
    for each in large:
        if id(each) not in allowed:
            refuse(f"an object has {len(each)} members; none takes more than {MOST_MEMBERS}")


def refuse_halves(document: Any) -> None:
    """Refuse strings that UTF-8 cannot hold; value by value, so that others may have their turn meanwhile."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value


def number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        refuse(f"{text[:40]} is beyond a float64")
    return value


def integer(text: str) -> int:
    """Return an integer; called for each of them, so that others may have their turn meanwhile."""
    if len(text) > LONGEST_INTEGER:
        refuse("an integer has too many digits")
    return int(text)


def strict(large: list[dict[str, Any]]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=lambda pairs: members(pairs, large),
        parse_int=integer,
        parse_float=number,
        parse_constant=lambda name: refuse(f"{name} is not JSON"),
    )


def values_in(body: bytes) -> int:
    """Return a bound on the values of a JSON text: how many of its characters may begin one."""
    return body.count(b",") + body.count(b"[") + body.count(b"{") + 1


def parse_json(body: bytes) -> Any:
    """Return the document; refuses what RFC 8259 leaves open, so that one text has one meaning."""
    if (count := values_in(body)) > MOST_VALUES:
        raise RequestProblem("body-too-large", f"the body has {count:,} values; at most {MOST_VALUES:,} are read")
    if len(body) > LONG_BODY and longest_stretch(np.frombuffer(bytearray(body), np.uint8)) > LONGEST_STRETCH:
        detail = "the body has too many texts, arrays or blanks in a row, with no number or object among them"
        raise RequestProblem("body-too-large", detail)
    try:
        text = body.decode("utf-8")
        if not text.strip(" \t\r\n"):
            refuse("the body is empty")
        if text.startswith("\ufeff"):
            refuse("the body begins with a byte order mark")
        large: list[dict[str, Any]] = []
        document = strict(large).decode(text)
        refuse_large(document, large)
        if "\\" in text and ("\\ud" in text or "\\uD" in text):  # one half of a pair, escaped, stands for no character
            refuse_halves(document)
        return document
    except UnicodeEncodeError:
        refuse("a string has half of a surrogate pair")
    except UnicodeDecodeError:
        refuse("the body is not UTF-8")
    except json.JSONDecodeError as error:
        refuse(f"{error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        refuse("nested too deeply")


@contextmanager
def pointing_into(body: bytes) -> Iterator[None]:
    """Let the pointers of a spec's errors lead into the body as it was sent: to nothing that was left out."""
    try:
        yield
    except InitserveError as error:
        pointer = nearest_written(parse_json(body), error.pointer)
        raise type(error)(error.detail, pointer, error.remedy) from None


def parse_spec(body: bytes) -> Spec:
    """Return the spec in a body; raises RequestProblem with a pointer for each of its errors."""
    return parse_document(body, Spec)


def parse_document(body: bytes, model: type[AnySpec]) -> AnySpec:
    """Return the spec in a body, with what `model` has beside it."""
    document = parse_json(body)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = faults_of(error, document, model)
    listed = [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults]
    count = len(listed)
    detail = "1 error in the spec" if count == 1 else f"{count} errors in the spec"
    raise RequestProblem("invalid-spec", detail, listed, remedy=remedy_of_all(faults))


def remedy_of_all(faults: Sequence[Fault]) -> dict[str, Any] | None:
    """Return one change that mends everything, where all members at fault stand in one object and each has a remedy."""
    if len({fault.pointer.rpartition("/")[0] for fault in faults}) > 1 or any(fault.remedy is None for fault in faults):
        return None
    return {member: value for fault in faults for member, value in (fault.remedy or {}).items()}
