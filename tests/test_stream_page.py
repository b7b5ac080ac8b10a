"""docs/stream.md states the constants that the code uses, every name there is, and values that come out.

tests/standard compares all the rest: a program written from the page with the service.
"""

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.networks.activations import ACTIVATIONS
from service.networks.layers import LAYERS
from service.networks.layers.structure import STRUCTURE
from service.networks.layouts import LAYOUTS
from service.networks.parameters import RECOMMENDED
from service.networks.schemes import FAMILIES, PRESETS
from service.specs.spec import Spec
from service.stream import elementary, kernels
from service.stream.gaussian import slice_between
from tests import reference
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


def section(number: int) -> str:
    """Return the text of a section of the page."""
    found = re.search(rf"^## {number}\..*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found.group()


def test_the_elementary_functions_are_those_of_the_page() -> None:
    stated = {float.fromhex(text) for text in re.findall(FLOAT, section(6))}
    used = {
        elementary.LN2_HIGH, elementary.LN2_LOW, 1.0 / elementary.LN2, 2.0 / math.pi, elementary.QUARTER_HIGH,
        elementary.QUARTER_MIDDLE, elementary.QUARTER_LOW, 2.0 * math.pi,
    }  # fmt: skip
    assert used <= stated
    values = dict(re.findall(rf"(\w+\(\d+\)) = ({FLOAT})", section(6)))
    sine, cosine = elementary.sine_and_cosine(np.array([100.0]))
    made = {
        "exp(1)": elementary.exp(np.array([1.0])), "ln(10)": elementary.log(np.array([10.0])), "sin(100)": sine,
        "cos(100)": cosine,
    }  # fmt: skip
    assert {name: float.fromhex(text) for name, text in values.items()} == {
        name: float(v[0]) for name, v in made.items()
    }


SCALED = [f"{author}_{kind}" for author in ("glorot", "he", "lecun") for kind in ("normal", "uniform")]
TOLD_AS_ONE = {f"{prefix}:{name}" for prefix in ("keras", "jax", "tfjs") for name in ["variance_scaling", *SCALED]}


@pytest.mark.parametrize(
    ("number", "names"),
    [
        (8, ACTIVATIONS.keys() - {name for name, row in ACTIVATIONS.items() if row.scheme == "glorot_uniform"}),
        (8, RECOMMENDED.keys()),
        (9, PRESETS.keys() - TOLD_AS_ONE),
        (9, {family.rpartition(":")[2] for family in FAMILIES}),
        (10, LAYERS.keys() - {"conv2d_transpose"}),
    ],
)
def test_every_name_has_its_place(number: int, names: set[str]) -> None:
    words = set(re.findall(r"[\w:]+", section(number)))
    assert names <= words


def test_the_example_is_right_step_by_step() -> None:
    rows = dict(re.findall(r"^\| ([^|]*(?:\\\|[^|]*)*) \| \d+ \| (.*) \|$", section(12), re.MULTILINE))
    word = reference.words(42, "golden/value", 0, 4)
    cut = slice_between(-2.0, 2.0)
    deviation = math.sqrt(2.0 / 23.0) / reference.TWO_SIGMA
    whole, fraction, step, anchor = reference.line(cut.start, cut.end, cut.mass)
    first = word[:1]
    offset = reference.offset(first, whole, fraction)
    q = anchor + offset * step
    p = (first.astype(np.float32) + np.float32(0.5)) * step + np.float32(cut.below)
    x = q * q - np.float32(0.180625)
    z = reference.quantile(q, p)

    def written(*values: Any) -> str:
        return ", ".join(float(value).hex() for value in values)

    assert list(rows.values()) == [
        "`" + " ".join(f"{each:08x}" for each in reference.stream(42, "golden/value")) + "`",
        "`" + " ".join(f"{each:08x}" for each in word.tolist()) + "`",
        "23",
        written(2.0 / 23.0),
        written(deviation),
        f"{whole}, {anchor:.0f}",
        written(fraction, step),
        f"{(int(first[0]) >> 16) - (whole >> 16)}, {(int(first[0]) & 0xFFFF) - (whole & 0xFFFF)}",
        written(offset[0]),
        written(q[0]),
        written(p[0]),
        written(x[0]),
        written(reference.horner(x, reference.CENTRE_ABOVE)[0], reference.horner(x, reference.CENTRE_BELOW)[0]),
        written(z[0]),
        written(np.float32(deviation)),
        written(reference.normal(first, 0.0, deviation, -2.0, 2.0)[0]),
    ]


def test_the_layers_digests_are_right() -> None:
    rows = re.findall(r"^\| `(\{.*\})` \| (\w{16}) \| (\w{16}) \| (\w{16}) \|$", section(12), re.MULTILINE)
    assert len(rows) == 7
    for written, *digests in rows:
        layer = {"name": "golden", **json.loads(written)}
        for layout, digest in zip(LAYOUTS, digests, strict=True):
            plan = Spec.model_validate({"seed": 42, "layout": layout, "layers": [layer]}).plan()
            made = b"".join(block.tobytes() for each in plan.parameters for block in each.blocks())
            assert hashlib.sha256(made).hexdigest()[:16] == digest


def test_structure_is_named_whole() -> None:
    listed = re.search(r"are joined \(([^)]*)\)", PAGE)
    assert listed
    assert re.findall(r"`(\w+)`", listed.group(1)) == sorted(STRUCTURE)
