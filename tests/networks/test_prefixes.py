"""A scheme under a framework's prefix acts on that framework's array, in every layout; and the numbers of formulas."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from service.errors import InitserveError, InvalidSpec, UnsupportedCombination
from service.networks.fans import Fans
from service.networks.schemes import AnyScheme
from service.networks.site import Site
from service.specs.spec import Spec
from service.stream.distributions import Normal, Uniform

Array = NDArray[Any]
SCHEME: TypeAdapter[Any] = TypeAdapter(AnyScheme)


def arrays(layer: dict[str, Any], **more: Any) -> dict[str, Array]:
    plan = Spec.model_validate({"seed": 1, "dtype": "float64", **more, "layers": [layer]}).plan()
    return {p.name: np.concatenate(list(p.blocks())).reshape(p.shape) for p in plan.parameters}


def orthonormal(matrix: Array) -> bool:
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    return bool(np.abs(gram - np.eye(gram.shape[0])).max() < 1e-6)


def test_orthogonal_flattens_a_convolution_by_its_first_axis_as_torch_has_it() -> None:
    layer = {"type": "conv2d", "shape": [8, 8, 4, 32], "bias": None, "scheme": "torch:orthogonal"}
    weight = arrays(layer, layout="pytorch")["weight"]
    assert orthonormal(weight.reshape(32, -1))
    assert np.array_equal(arrays(layer)["kernel"], weight.transpose(2, 3, 1, 0))


def test_torchs_queries_keys_and_values_are_one_matrix() -> None:
    layer = {"type": "multi_head_attention", "shape": [12, 3, 4], "bias": None, "scheme": "torch:orthogonal"}
    whole = arrays(layer, layout="pytorch")["in_proj_weight"]
    assert orthonormal(whole)
    assert not orthonormal(whole[:12])
    apart = arrays(layer)
    rows = [apart[f"{name}/kernel"].reshape(12, 12).T for name in ("query", "key", "value")]
    assert np.array_equal(np.concatenate(rows), whole)
    rules = [{"match": "*/key/kernel", "scheme": "zeros"}]
    with pytest.raises(UnsupportedCombination, match="in_proj_weight, which has one scheme"):
        arrays(layer, rules=rules)


def test_a_gate_is_read_off_the_whole_that_a_framework_makes() -> None:
    layer = {"type": "gru", "shape": [5, 5], "recurrent_scheme": "torch:eye"}
    torch = arrays(layer, layout="pytorch")["weight_hh_l0"]
    assert np.array_equal(torch, np.eye(15, 5))
    keras = arrays(layer)["gru_cell/recurrent_kernel"]  # torch's first gate is Keras's second: reset
    assert np.array_equal(keras, np.hstack([np.zeros((5, 5)), np.eye(5), np.zeros((5, 5))]))
    whole = arrays({"type": "lstm", "shape": [5, 5], "recurrent_scheme": "keras:identity"})
    assert np.array_equal(whole["lstm_cell/recurrent_kernel"], np.eye(5, 20))


@pytest.mark.parametrize(
    ("scheme", "layer", "fans"),
    [
        ("torch:kaiming_uniform", {"type": "tensor", "shape": [256, 784]}, (784, 256)),
        ("torch:he_normal", {"type": "embedding", "shape": [10, 4]}, (4, 10)),
        ("torch:xavier_normal", {"type": "lstm", "shape": [3, 5]}, (3, 20)),
        ("keras:he_normal", {"type": "depthwise_conv2d", "shape": [3, 3, 8, 2]}, (72, 18)),
        ("keras:he_normal", {"type": "lstm", "shape": [3, 5]}, (3, 20)),
        ("keras:he_normal", {"type": "tensor", "shape": [5]}, (5, 5)),
        ("jax:he_normal", {"type": "lstm", "shape": [3, 5]}, (3, 5)),
        ("jax:he_normal", {"type": "multi_head_attention", "shape": [12, 3, 4]}, (12, 12)),
        ("tfjs:heNormal", {"type": "tensor", "shape": [9]}, (3, 3)),
        ("he_normal", {"type": "depthwise_conv2d", "shape": [3, 3, 8, 2]}, (9, 18)),
    ],
)
def test_fans_are_counted_as_the_framework_does(scheme: str, layer: dict[str, Any], fans: tuple[int, int]) -> None:
    source = Spec.model_validate({"layers": [{**layer, "scheme": scheme}]}).plan().parameters[0].source
    assert (source.fans.fan_in, source.fans.fan_out) == fans


@pytest.mark.parametrize("shape", [[], [5]])
@pytest.mark.parametrize("scheme", ["torch:kaiming_uniform", "kaiming_normal_", "torch:xavier_normal", "jax:he_normal"])
def test_what_has_no_fans_is_refused_with_what_would_work(shape: list[int], scheme: str) -> None:
    layer: dict[str, Any] = {"type": "tensor", "shape": shape, "scheme": scheme}
    with pytest.raises(InvalidSpec, match="counts fans off two axes or more") as caught:
        arrays(layer)
    assert caught.value.pointer == "/layers/0/scheme"
    assert caught.value.remedy is not None
    assert arrays({**layer, **caught.value.remedy})
    assert arrays({**layer, "fan_in": 3, "fan_out": 4})


@pytest.mark.parametrize("scheme", ["torch:kaiming_uniform", "torch:orthogonal", "torch:eye", "orthogonal"])
def test_a_refused_shape_is_said_with_its_parameter_which_a_rule_does_not_tell(scheme: str) -> None:
    layers = [{"name": "fc", "type": "dense", "shape": [4, 4]}, {"name": "ln", "type": "layer_norm", "shape": [4]}]
    rules = [{"match": "fc/kernel", "scheme": scheme}, {"match": "*/gamma", "scheme": scheme}]
    with pytest.raises(InvalidSpec, match=r"not (off )?the shape \[4\] of ln/gamma") as caught:
        Spec.model_validate({"layers": layers, "rules": rules}).plan()
    assert caught.value.pointer == "/rules/1/scheme"


@pytest.mark.parametrize("rule", ["flax", "pytorch"])
def test_nothing_is_proposed_that_the_rule_of_fans_of_the_spec_refuses(rule: str) -> None:
    layer = {"type": "tensor", "shape": [5], "scheme": "torch:kaiming_uniform"}
    with pytest.raises(InvalidSpec, match="counts fans off two axes or more") as caught:
        arrays(layer, fans=rule)
    assert caught.value.remedy is None


def test_a_frameworks_fans_of_a_whole_spec_are_its_initialisers() -> None:
    layer = {"type": "tensor", "shape": [5], "scheme": "he_normal"}
    with pytest.raises(InvalidSpec, match="torch counts fans off two axes or more"):
        arrays(layer, fans="pytorch")
    assert arrays({**layer, "scheme": "zeros"}, fans="pytorch")["value"].tolist() == [0.0] * 5
    with pytest.raises(InitserveError, match="torch counts fans"):
        arrays({"type": "dense", "shape": [3, 4], "bias": "he_uniform"}, fans="pytorch")


def axes_of(in_axis: Any, out_axis: Any, batch_axis: Any = ()) -> Normal:
    asked = {"name": "jax:variance_scaling", "in_axis": in_axis, "out_axis": out_axis, "batch_axis": list(batch_axis)}
    found: Normal = SCHEME.validate_python({**asked, "distribution": "normal"}).realise(Site((2, 3, 5, 7), Fans(1, 1)))
    return found


def test_jaxs_axes_say_what_is_connected() -> None:
    assert axes_of(0, 1) == Normal(0.0, math.sqrt(1.0 / (2 * 35)))  # the rest is a convolution's window
    assert axes_of([0, 1], 3, [2]) == Normal(0.0, math.sqrt(1.0 / 6))
    with pytest.raises(InvalidSpec, match="has no axis 4"):
        axes_of(4, 1)


def test_kerass_axes_say_what_is_connected() -> None:
    asked = {"name": "keras:variance_scaling", "input_axes": [0, 2], "output_axes": [3], "distribution": "uniform"}
    bound = math.sqrt(3.0 * (1.0 / 10))
    assert SCHEME.validate_python(asked).realise(Site((2, 3, 5, 7), Fans(1, 1))) == Uniform(-bound, bound)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("siren", Uniform(-math.sqrt(6.0 / 64) / 30, math.sqrt(6.0 / 64) / 30)),
        ({"name": "siren", "omega": 5.0}, Uniform(-math.sqrt(6.0 / 64) / 5, math.sqrt(6.0 / 64) / 5)),
        ({"name": "siren", "first": True}, Uniform(-1.0 / 64, 1.0 / 64)),
        ("mup_normal", Normal(0.0, 0.02 * 2.0)),
        ({"name": "mup_normal", "output": True}, Normal(0.0, 0.02 * 4.0)),
        ({"name": "mup_normal", "base": 16, "stddev": 0.1}, Normal(0.0, 0.05)),
        ({"name": "residual_normal", "layers": 8}, Normal(0.0, 0.005)),
    ],
)
def test_scales_are_those_of_the_papers(scheme: Any, expected: Any) -> None:
    found = SCHEME.validate_python(scheme).realise(Site((64, 10), Fans(64, 10)))
    assert type(found) is type(expected)
    for name, value in vars(expected).items():
        assert getattr(found, name) == (value if value is None else pytest.approx(value, rel=1e-14))


def test_an_unscaled_stft_is_the_window_times_the_wave() -> None:
    asked = {"name": "stft", "scaling": None}
    found = arrays({"type": "tensor", "shape": [16, 1, 9], "scheme": asked})["value"]
    time, bin_ = np.arange(16)[:, None], np.arange(9)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / 15)
    assert np.abs(found[:, 0] - window * np.cos(2 * np.pi * time * bin_ / 16)).max() < 1e-14
