"""A C program written from docs/stream.md alone makes the bytes of the service, on specs drawn at random."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from itertools import chain, cycle, islice, repeat
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from service.errors import InitserveError
from service.networks.layers import LAYERS
from service.networks.layouts import LAYOUTS
from service.networks.schemes import PRESETS
from service.specs.spec import Spec
from service.stream.dtypes import DTYPES
from tests.standard.specs import DEFAULTS, RULES, spec

SOURCE = Path(__file__).parent / "initserve.c"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built for this machine."""
    built = tmp_path_factory.mktemp("standard") / "initserve"
    options = ["-std=c99", "-O0", "-ffp-contract=off"]
    subprocess.run([str(COMPILER), *options, "-o", str(built), str(SOURCE), "-lm"], check=True)
    return built


def drawn(seed: int, kinds: Iterable[str]) -> list[tuple[dict[str, Any], bytes]]:
    """Return a spec of a layer of each of these types, and the service's answer; what it refuses is drawn anew."""
    found: list[tuple[dict[str, Any], bytes]] = []
    draw = Random(seed)
    for kind in kinds:
        while True:
            document = spec(draw, kind)
            try:
                found.append((document, by_service(document)))
            except (ValidationError, InitserveError):
                continue
            break
    return found


def by_service(document: dict[str, Any]) -> bytes:
    """Return every array as the program writes it: a line with its key and its sizes, then its bytes."""
    answer = b""
    for parameter in Spec.model_validate(document).plan().parameters:
        answer += " ".join([parameter.key, *map(str, parameter.shape)]).encode() + b"\n"
        for block in parameter.blocks():
            answer += block.astype(DTYPES[parameter.dtype].stored, copy=False).tobytes()
    return answer + b"\n"


def by_program(program: Path, documents: list[dict[str, Any]]) -> bytes:
    lines = "".join(json.dumps(document) + "\n" for document in documents)
    return subprocess.run([str(program)], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout


def compare(program: Path, specs: list[tuple[dict[str, Any], bytes]]) -> None:
    answers = by_program(program, [document for document, _ in specs])
    different = []
    for document, wanted in specs:
        if not answers.startswith(wanted):
            different.append(json.dumps(document))
            (alone,) = [by_program(program, [document])]
            answers = answers[len(alone) :]
            continue
        answers = answers[len(wanted) :]
    assert different == []
    assert answers == b""


@pytest.mark.parametrize("kind", LAYERS)
def test_the_page_alone_gives_the_bytes(program: Path, kind: str) -> None:
    compare(program, drawn(1, repeat(kind, 64 if kind == "tensor" else 6)))


@pytest.mark.parametrize("kind", LAYERS)
def test_what_starts_as_a_framework_has_it_is_the_pages(program: Path, kind: str) -> None:
    """Of each framework's defaults: a layer of which nothing but its sizes is said."""
    draw, specs = Random(3), []
    members = {"scheme", "recurrent_scheme", "pointwise_scheme", "output_scheme", "bias", "gain", "activation"}
    for defaults in DEFAULTS:
        ((document, _),) = drawn(draw.getrandbits(32), [kind])
        *before, layer = document["layers"]
        plain = {member: value for member, value in layer.items() if member not in members}
        document |= {"defaults": defaults, "dtype": "float32", "layers": [*before, plain]}
        specs.append((document, by_service(document)))
    compare(program, specs)


def names_in(document: dict[str, Any]) -> set[str]:
    """Return the names of the schemes that a spec asks for."""
    members = [value for member, value in document["layers"][-1].items() if member.endswith(("scheme", "bias"))]
    return {member["name"] if isinstance(member, dict) else member for member in members if member is not None}


@pytest.mark.long
def test_the_page_alone_gives_the_bytes_of_a_thousand_specs(program: Path) -> None:
    kinds = chain.from_iterable(zip(cycle(LAYERS), repeat("tensor"), strict=False))  # which all schemes fit
    specs = drawn(5, islice(kinds, 1000))
    compare(program, specs)
    asked = set().union(*(names_in(document) for document, _ in specs))
    assert PRESETS.keys() <= asked
    for member, values in (("layout", LAYOUTS), ("dtype", DTYPES), ("defaults", DEFAULTS), ("fans", RULES)):
        assert {document[member] for document, _ in specs} == set(values)
