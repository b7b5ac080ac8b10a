"""docs/diagnosis.md: its requests are answered as the page says, and it names what an answer has."""

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.trainable import TrainRequest
from service.analysis.training import answer, train
from service.api.diagnosed import (
    AcrossAnswer,
    AttentionAnswer,
    BlockAnswer,
    BranchAnswer,
    DiagnoseAnswer,
    OutputAnswer,
    StreamAnswer,
)

PAGE = (Path(__file__).parents[1] / "docs" / "diagnosis.md").read_text()
ACROSS, STEPS, TRAINING = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def diagnosed(spec: dict[str, Any]) -> dict[str, Any]:
    return Diagnosis(DiagnoseRequest.model_validate(spec), 2**36).answer()


def test_outputs_grow_with_the_width_where_no_scheme_knows_of_it() -> None:
    across = diagnosed(ACROSS)["across"]
    assert across["verdict"] == "growing"
    hidden = next(layer for layer in across["layers"] if layer["name"] == "hidden")
    assert 0.3 < hidden["slope"]["forward"] < 0.7


def test_steps_that_are_too_long_are_told_to_explode() -> None:
    found = diagnosed(STEPS)
    assert found["verdict"] == "normal"
    assert found["steps"]["verdict"] == "explodes"
    assert found["steps"]["at"] <= 8


def test_convolutions_learn_the_digits() -> None:
    asked = TrainRequest.model_validate(TRAINING)
    [run] = answer(asked, train(asked))["runs"]
    assert run["learnt"]


def test_every_member_of_an_answer_is_told_of() -> None:
    told = diagnosed(STEPS)
    parts: list[type[BaseModel]] = [
        DiagnoseAnswer,
        BlockAnswer,
        BranchAnswer,
        StreamAnswer,
        AttentionAnswer,
        OutputAnswer,
        AcrossAnswer,
    ]
    members = {field.alias or name for part in parts for name, field in part.model_fields.items()}
    assert members >= told.keys()
    known = {
        "rms",
        "algorithm",
        "seed",
        "summary",
        "layers",
        "layer",
        "name",
        "first",
        "last",
        "out",
        "heads",
        "by",
        "sizes",
    }
    assert [member for member in sorted(members - known) if not re.search(rf"[`\"]{member}\b|, {member}`", PAGE)] == []
