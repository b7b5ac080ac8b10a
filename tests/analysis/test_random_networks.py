"""Any network gets an answer or a refusal that says where: nothing else comes of any graph of any layers."""

import warnings
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.errors import InitserveError
from service.formats.description import dumps
from tests.analysis.networks import network

ASKED: list[dict[str, Any]] = [{}, {}, {}, {"forecast_only": True}, {"tune": "lsuv"}, {"tune": "gains"}]


@pytest.mark.parametrize("count", [250, pytest.param(6000, marks=pytest.mark.long)])
def test_every_network_is_diagnosed_or_refused(count: int) -> None:
    answered = 0
    for number in range(count):
        draw = Random(number)
        asked = {**network(draw), "batch": 4, **draw.choice(ASKED)}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                found = Diagnosis(DiagnoseRequest.model_validate(asked), 2**28).answer()
            except (InitserveError, ValidationError):
                continue
        answered += 1
        assert dumps(found)
        if found["try"] is not None:
            assert Diagnosis(DiagnoseRequest.model_validate(found["try"]), 2**28).answer()["verdict"] == "normal"
    assert answered > count // 50  # or nothing is tried
