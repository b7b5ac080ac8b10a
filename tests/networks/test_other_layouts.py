"""Layouts of other libraries: what stands where, by hand; the libraries themselves run in tests/frameworks/layouts."""

from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from service.api.entries import layer_example
from service.errors import UnsupportedCombination
from service.networks.layers import LAYERS
from service.networks.layouts import OTHER_LAYOUTS, SEPARATOR, Layout
from service.specs.spec import Spec

REFUSED = {("equinox", "simple_rnn"), ("haiku", "gru")}
RULES = [{"match": "*", "scheme": {"name": "random_normal", "mean": 0.5}}]


def arrays(layer: dict[str, Any], layout: str = "keras", **more: Any) -> dict[str, NDArray[Any]]:
    spec = {"seed": 3, "layout": layout, "rules": RULES, **more, "layers": [{**layer, "name": "x"}]}
    found = Spec.model_validate(spec).plan().parameters
    return {each.name: np.concatenate(list(each.blocks())).reshape(each.shape) for each in found}


@pytest.mark.parametrize("layout", OTHER_LAYOUTS)
@pytest.mark.parametrize("kind", LAYERS)
def test_every_parameter_of_a_layer_stands_in_every_layout(kind: str, layout: Layout) -> None:
    example = layer_example(kind)
    if (layout, kind) in REFUSED:
        with pytest.raises(UnsupportedCombination) as caught:
            Spec.model_validate({**example, "layout": layout}).plan()
        assert caught.value.pointer == "/layers/0/type"
        return
    plan = Spec.model_validate({**example, "layout": layout}).plan()
    (layer,) = Spec.model_validate(example).weighted
    if not plan.layers:
        assert not layer.parameters()
        return
    held = {name for each in plan.parameters for name in each.array.arrangement.sources()}
    second = {name for name in {each.name for each in layer.parameters()} if name.endswith("recurrent_bias")}
    assert held | second == {each.name for each in layer.parameters()}
    assert len({each.key for each in plan.parameters}) == len(plan.parameters)
    assert all(each.key.startswith(f"{kind}_0{SEPARATOR[layout]}") for each in plan.parameters)


def test_gates_stand_in_each_librarys_order() -> None:
    layer = {"type": "lstm", "shape": [3, 2], "bias": "random_normal"}
    keras = arrays(layer)
    i, f, c, o = np.split(keras["lstm_cell/kernel"], 4, 1)
    state = dict(zip("ifco", np.split(keras["lstm_cell/recurrent_kernel"], 4, 1), strict=True))
    assert np.array_equal(arrays(layer, "onnx")["W"], np.concatenate([i, o, f, c], 1).T[None])
    joined = np.concatenate([np.concatenate([i, c, f, o], 1), np.concatenate([state[x] for x in "icfo"], 1)])
    assert np.array_equal(arrays(layer, "tensorflow1")["basic_lstm_cell/kernel"], joined)
    assert np.array_equal(arrays(layer, "haiku")["linear/w"], joined)
    for layout, name in (("equinox", "weight_ih"), ("mlx", "Wx")):
        assert np.array_equal(arrays(layer, layout)[name], keras["lstm_cell/kernel"].T)


def test_onnx_has_both_directions_in_one_array() -> None:
    layer = {"type": "gru", "shape": [3, 2], "bidirectional": True}
    keras, onnx = arrays(layer), arrays(layer, "onnx")
    assert {name: array.shape for name, array in onnx.items()} == {"W": (2, 6, 3), "R": (2, 6, 2), "B": (2, 12)}
    for way, side in enumerate(("forward", "backward")):
        kernel, bias = (keras[f"{side}_gru/gru_cell/{name}"] for name in ("kernel", "bias"))
        assert np.array_equal(onnx["W"][way], kernel.T)
        assert np.array_equal(onnx["B"][way], bias.ravel())


def test_a_transposed_convolution_in_groups_in_equinox() -> None:
    layer = {"type": "conv1d_transpose", "shape": [3, 4, 6], "groups": 2}
    kernel, weight = arrays(layer)["kernel"], arrays(layer, "equinox")["weight"]
    for group in range(2):
        part = kernel[::-1, :, 2 * group : 2 * group + 2]  # (k, out / groups, in / groups), backwards
        assert np.array_equal(weight[3 * group : 3 * group + 3], part.transpose(1, 2, 0))
    with pytest.raises(UnsupportedCombination, match="no groups") as caught:
        arrays(layer, "mlx")
    assert (caught.value.pointer, caught.value.remedy) == ("/layers/0/groups", {"groups": 1})


@pytest.mark.parametrize(
    ("layer", "layout", "pointer"),
    [
        ({"type": "lstm", "shape": [3, 4], "projection": 2}, "mlx", "/layers/0/projection"),
        ({"type": "multi_head_attention", "shape": [4, 2, 2], "bias_kv": True}, "haiku", "/layers/0/bias_kv"),
        ({"type": "gru", "shape": [3, 4]}, "haiku", "/layers/0/type"),
    ],
)
def test_what_a_library_cannot_have_is_refused(client: httpx.Client, layer: Any, layout: str, pointer: str) -> None:
    answer = client.post("/plan", json={"layout": layout, "layers": [layer]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


SHIFTS = {"haiku": "subtract 1 from the third quarter of linear/b", "tensorflow1": "build it with forget_bias=0.0"}


@pytest.mark.parametrize("layout", ["keras", "pytorch", "flax", *OTHER_LAYOUTS])
def test_a_forget_gate_that_a_library_adds_to_itself_is_warned_of_once(layout: Layout) -> None:
    """Haiku's and TensorFlow's lstm add 1; no other layout's does, and no other layer."""
    lstms = [{"type": "lstm", "shape": [3, 2]}, {"type": "lstm", "shape": [2, 2], "bias": None, "cell": True}]
    warnings = Spec.model_validate({"layout": layout, "layers": lstms}).plan().warnings
    assert [(each.code, each.pointer) for each in warnings] == [("gate-shift", "/layout")] * (layout in SHIFTS)
    assert all(each.detail.endswith(SHIFTS[layout]) for each in warnings)
    others = [
        {"type": "dense", "shape": [3, 4]},
        *([] if layout == "equinox" else [{"type": "simple_rnn", "shape": [4, 2]}]),
    ]
    assert not Spec.model_validate({"layout": layout, "layers": others}).plan().warnings


@pytest.mark.parametrize(("layout", "name"), [("haiku", "linear/b"), ("tensorflow1", "basic_lstm_cell/bias")])
def test_the_third_quarter_of_a_bias_is_the_forget_gates(layout: str, name: str) -> None:
    lstm = {"type": "lstm", "shape": [3, 2], "bias": "unit_forget_bias"}
    assert arrays(lstm, layout, rules=[])[name].tolist() == [0, 0, 0, 0, 1, 1, 0, 0]


def test_a_frameworks_stream_is_answered_in_any_layout() -> None:
    layer = {"type": "dense", "shape": [3, 4]}
    torch = arrays(layer, "pytorch", algorithm="torch-cpu/1", rules=[])
    for layout in ("equinox", "mlx"):
        assert np.array_equal(arrays(layer, layout, algorithm="torch-cpu/1", rules=[])["weight"], torch["weight"])


def test_a_rule_speaks_of_arrays_by_their_names_there_and_is_told_of_names_elsewhere() -> None:
    layer = {"type": "dense", "shape": [3, 4]}
    rules = [{"match": "x.weight", "scheme": "ones"}]
    assert arrays(layer, "mlx", rules=rules)["weight"].tolist() == [[1.0] * 3] * 4
    spec = {"layout": "haiku", "rules": [{"match": "x.B", "scheme": "ones"}], "layers": [{**layer, "name": "x"}]}
    (warning,) = Spec.model_validate(spec).plan().warnings
    assert "only in the layout onnx" in warning.detail


@pytest.mark.parametrize(
    ("spelling", "layout"), [("eqx", "equinox"), ("hk", "haiku"), ("MLX", "mlx"), ("tf1", "tensorflow1")]
)
def test_spellings(spelling: str, layout: str) -> None:
    assert Spec.model_validate({"layout": spelling, "layers": [{"type": "dropout"}]}).layout == layout


@pytest.mark.parametrize("member", ["defaults", "fans"])
def test_defaults_and_fans_are_of_frameworks_that_have_schemes(client: httpx.Client, member: str) -> None:
    answer = client.post("/plan", json={member: "haiku", "layers": [{"type": "dense", "shape": [3, 4]}]})
    assert answer.status_code == 422
