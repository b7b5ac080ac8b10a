"""docs/structure.md: its networks run as they stand, start well, and are told as the page tells them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.errors import InitserveError
from service.networks.layers.structure import STRUCTURE
from service.specs.spec import Spec

PAGE = (Path(__file__).parents[1] / "docs" / "structure.md").read_text()
RESIDUAL, LENET, TRANSFORMER = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def diagnosed(spec: dict[str, Any]) -> dict[str, Any]:
    return Diagnosis(DiagnoseRequest.model_validate(spec), 2**36).answer()


@pytest.mark.parametrize("spec", [RESIDUAL, LENET, TRANSFORMER], ids=["residual", "lenet", "transformer"])
def test_each_network_starts_well(spec: dict[str, Any]) -> None:
    answer = diagnosed(spec)
    assert answer["verdict"] == "normal"
    assert [layer["name"] for layer in answer["layers"]] == [layer["name"] for layer in spec["layers"]]


def test_a_block_tells_its_stream_and_its_branch() -> None:
    (block,) = diagnosed(RESIDUAL)["blocks"]
    (branch,) = block["branches"]
    assert branch["at"] == "sum"
    assert set(branch["layers"]) >= {"up", "down"}
    silent = json.loads(json.dumps(RESIDUAL))
    silent["layers"][3]["scheme"] = "zeros"
    answer = diagnosed(silent)
    assert answer["verdict"] == "normal"
    assert answer["blocks"][0]["branches"][0]["share"] == 0.0


def test_what_does_not_fit_is_told_in_the_words_of_the_page() -> None:
    smaller = {**LENET, "input_shape": [28, 28, 1]}
    with pytest.raises(InitserveError) as refused:
        Spec.model_validate(smaller).plan()
    told = re.search(r"^> (.*)$", PAGE, re.MULTILINE)
    assert told is not None
    assert told[1] in str(refused.value)


def test_structure_changes_no_weight() -> None:
    for spec in (RESIDUAL, LENET, TRANSFORMER):
        kept = ("name", "type", "shape", "activation")
        bare = [
            {key: each[key] for key in kept if key in each} for each in spec["layers"] if each["type"] not in STRUCTURE
        ]
        plans = [Spec.model_validate(one).plan() for one in (spec, {"seed": spec["seed"], "layers": bare})]
        named = [[parameter.key for parameter in plan.parameters] for plan in plans]
        formulas = [[parameter.source.formula(parameter.dtype) for parameter in plan.parameters] for plan in plans]
        assert named[0] == named[1]
        assert formulas[0] == formulas[1]


def test_every_type_without_weights_has_its_row() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == {*STRUCTURE, "dropout"}
