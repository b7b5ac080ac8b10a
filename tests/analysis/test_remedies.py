"""What is to be tried: a spec near the one that was posted, with its structure, recipe or listing, that starts well."""

from typing import Any

import numpy as np
import pytest

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.network import Network
from service.errors import UnsupportedCombination
from service.specs.spec import Spec
from tests.analysis.literature.drawing import constant
from tests.analysis.literature.residual import gated, plain, resnet, unet

PLENTY = 2**36
GPT2 = {
    "recipe": "gpt2",
    "config": {"n_layer": 1, "n_embd": 8, "n_head": 2, "vocab_size": 10, "n_positions": 4},
    "batch": 16,
}
ZEROS = {"match": "*", "scheme": "zeros"}
STRUCTURE = ("name", "type", "inputs", "shape", "activation", "strides", "padding", "window", "axis", "factor")


def tried(body: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be tried, which starts well."""
    found = Diagnosis(DiagnoseRequest.model_validate({"seed": 1, **body}), PLENTY)
    remedy = found.remedy(found.study(found.spec))
    assert remedy is not None
    again = Diagnosis(DiagnoseRequest.model_validate({**remedy, "batch": 64}), PLENTY)
    assert again.study(again.spec).verdict == "normal"
    return remedy


@pytest.mark.parametrize(
    ("layers", "shape", "at_0"),
    [
        (plain(20, "he_normal"), [16], 3),
        (gated(20, "ones"), [16], 2),
        (resnet(1, stem="zeros"), [8, 8, 3], None),
        (unet(constant(0.1)), [8, 8, 3], None),
    ],
    ids=["residual without norms", "ReZero of 1", "a stem of zeros", "U-Net of tenths"],
)
def test_a_remedy_keeps_the_networks_structure(
    layers: list[dict[str, Any]], shape: list[int], at_0: int | None
) -> None:
    remedy = tried({"layers": layers, "input_shape": shape, "batch": 16})
    for before, after in zip(layers, remedy["layers"], strict=True):
        assert {key: before.get(key) for key in STRUCTURE} == {key: after.get(key) for key in STRUCTURE}
    assert remedy["input_shape"] == {"input": shape}
    # Where branches make a stream too large, they start at 0: the scale of each, or its last layer.
    assert at_0 is None or remedy["layers"][at_0]["scheme"] == "zeros"


def test_a_recipe_stays_one_without_the_rules_that_spoil_it() -> None:
    harmless = {"match": "*bias", "scheme": "zeros"}
    remedy = tried({**GPT2, "rules": [harmless, ZEROS]})
    assert (remedy["recipe"], remedy["config"]) == ("gpt2", GPT2["config"])
    assert [rule["match"] for rule in remedy["rules"]] == ["*bias"]
    assert "rules" not in tried({**GPT2, "rules": [ZEROS]})


LISTING = {"tensors": {"fc1.weight": [16, 8], "fc2.weight": [4, 16]}, "layout": "pytorch"}


def test_a_listing_stays_one_without_the_rules_that_spoil_it() -> None:
    remedy = tried({**LISTING, "rules": [ZEROS]})
    assert remedy["tensors"] == LISTING["tensors"]
    assert "rules" not in remedy


def test_gains_of_a_listing_have_no_layers_to_be_written_to() -> None:
    with pytest.raises(UnsupportedCombination, match="states none") as caught:
        Diagnosis(DiagnoseRequest.model_validate({"seed": 1, **LISTING, "tune": "lsuv"}), PLENTY).answer()
    assert (caught.value.pointer, caught.value.remedy) == ("/tune", {"tune": None})


@pytest.mark.parametrize("kind", ["lsuv", "gains"])
def test_tuned_gains_give_every_layer_of_a_graph_variance_one(kind: str) -> None:
    # Mishkin and Matas 2016: what each layer gives before its activation, with all others as they are tuned.
    asked = {"seed": 1, "layers": unet("he_normal"), "input_shape": [8, 8, 3], "batch": 16, "tune": kind}
    tuned = Diagnosis(DiagnoseRequest.model_validate(asked), PLENTY).answer()["tuned"]
    again = Diagnosis(DiagnoseRequest.model_validate({**tuned, "batch": 16}), PLENTY)
    stages = Network(Spec.model_validate(tuned), PLENTY).run(again.inputs)
    assert [float(np.std(stage.fed.value)) for stage in stages if stage.weights] == pytest.approx([1.0] * 7, abs=1e-5)
