"""CONTRIBUTING's examples work as they stand."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, create_model

from service.networks.description import Size
from service.networks.fans import Fans
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Placements, named
from service.networks.parameters import Parameter
from service.networks.schemes import scaled
from service.networks.schemes.scheme import Scheme
from service.networks.site import Site
from service.specs.spec import Spec
from service.stream.distributions import Distribution, Normal

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
ROW, FAMILY, LAYER = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NAMES: dict[str, Any] = {
    "__name__": __name__, "Annotated": Annotated, "Literal": Literal, "Field": Field, "Size": Size, "Normal": Normal,
    "Distribution": Distribution, "Fans": Fans, "LayerSpec": LayerSpec, "Placements": Placements, "named": named,
    "Parameter": Parameter, "scaled": scaled, "Scheme": Scheme, "Site": Site,
}  # fmt: skip


def test_a_named_scheme_is_one_row() -> None:
    preset = eval(ROW, dict(NAMES))
    assert preset.realise(Site((30, 10), Fans(30, 10))) == Normal(0.0, 20**-0.5)


def test_a_family_is_one_class() -> None:
    names = dict(NAMES)
    exec(FAMILY, names)
    made = names["Lecun1998"](name="lecun_1998").realise(Site((16, 4), Fans(16, 4)))
    assert made.deviation == 0.25


def test_a_layer_is_one_class() -> None:
    names = dict(NAMES)
    exec(LAYER, names)
    layer: Any = names["Highway"]
    extended: Any = create_model("Extended", __base__=Spec, layers=(list[layer], ...))
    spec = {"seed": 1, "layout": "pytorch", "layers": [{"name": "h", "type": "highway", "shape": [6]}]}
    (parameter,) = extended.model_validate(spec).plan().parameters
    assert (parameter.key, parameter.shape) == ("h.gate_weight", (6, 6))
    assert np.concatenate(list(parameter.blocks())).size == 36
