"""docs/stream.md states the constants that the kernels use, and values that come out."""

import json
import re
from pathlib import Path
from typing import Any

from service.stream import kernels
from service.stream.gaussian import slice_between
from tests.golden.write import FILE, first_words

PAGE = (Path(__file__).parents[1] / "docs/stream.md").read_text().replace("\N{MINUS SIGN}", "-")
GOLDEN: dict[str, Any] = json.loads(FILE.read_text())
FLOAT = r"-?0x[0-9a-f.]+p[+-]\d+"


def test_the_coefficients_are_the_kernels() -> None:
    for letter in "ABCD":
        row = re.search(rf"^\| {letter} \|(.*)\|$", PAGE, re.MULTILINE)
        assert row
        stated = [float.fromhex(cell.strip()) for cell in row.group(1).split("|")]
        used = [float(getattr(kernels, f"{letter}{i}", 1.0)) for i in range(4)]
        assert stated == used
    logarithm = re.search(rf"L₁ … L₇ = ((?:{FLOAT} ?)+)", PAGE)
    assert logarithm
    stated = [float.fromhex(text) for text in logarithm.group(1).split()]
    assert stated == [float(getattr(kernels, f"L{i}")) for i in range(1, 8)]


def test_the_numbers_of_the_usual_cut_are_right() -> None:
    cut = slice_between(-2.0, 2.0)
    for name, value in (("above", cut.above), ("start", cut.end), ("W", cut.mass)):
        stated = re.search(rf"{name} = ({FLOAT})", PAGE)
        assert stated
        assert float.fromhex(stated.group(1)) == value
    assert float(re.search(r"÷ (0\.8796\d+)", PAGE).group(1)) == cut.deviation  # type: ignore[union-attr]


def test_the_words_are_right() -> None:
    rows = re.findall(r"^\| (\S+) \| `(\S+)` \| (\d+) \| ([0-9a-f ]{35}) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 4
    for seed, path, element, words in rows:
        number = 2**64 - 1 if seed == "2⁶⁴-1" else int(seed)
        assert first_words(number, path, int(element)) == words.split()


def test_the_values_are_right() -> None:
    rows = re.findall(rf"^\| `(\w+)`[^|]* \| ((?:{FLOAT} ?){{3}}) \| ([0-9a-f]{{64}}) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 6
    for scheme, first, digest in rows:
        (parameter,) = GOLDEN["cases"][f"scheme {scheme}"]["parameters"]
        assert [float.fromhex(text) for text in first.split()] == [float.fromhex(t) for t in parameter["first"][:3]]
        assert digest == parameter["sha256"]
