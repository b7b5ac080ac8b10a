"""Schemes: names, parameters, what they are distributed as, what they refuse."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.errors import InvalidSpec
from service.networks.fans import Fans, by_keras_rule
from service.networks.schemes import ALIASES, PRESETS, AnyScheme
from service.networks.site import Site
from service.stream.distributions import Constant, Normal, Uniform
from service.stream.matrices import Diagonal, Orthogonal

SCHEME: TypeAdapter[Any] = TypeAdapter(AnyScheme)
FANS = Fans(300, 100)
C = 0.87962566103423978

# Every identifier that keras.initializers.get knew in Keras 3.15 (but STFT), and what it must become here.
KERAS = {
    "zeros": "Zeros zeros zero",
    "ones": "Ones ones one",
    "constant": "Constant constant",
    "identity": "Identity identity IdentityInitializer",
    "random_normal": "RandomNormal random_normal normal",
    "random_uniform": "RandomUniform random_uniform uniform",
    "truncated_normal": "TruncatedNormal truncated_normal",
    "variance_scaling": "VarianceScaling variance_scaling",
    "glorot_uniform": "GlorotUniform glorot_uniform",
    "glorot_normal": "GlorotNormal glorot_normal",
    "lecun_uniform": "LecunUniform lecun_uniform",
    "lecun_normal": "LecunNormal lecun_normal",
    "he_uniform": "HeUniform he_uniform",
    "he_normal": "HeNormal he_normal",
    "orthogonal": "Orthogonal orthogonal OrthogonalInitializer",
}
OTHERS = {
    "glorot_uniform": "xavier_uniform xavier_uniform_ XavierUniform glorotUniform",
    "glorot_normal": "xavier_normal xavier_normal_ XavierNormal glorotNormal",
    "he_uniform": "kaiming_uniform kaiming_uniform_ KaimingUniform heUniform",
    "he_normal": "kaiming_normal kaiming_normal_ KaimingNormal heNormal",
    "lecun_normal": "leCunNormal",
    "identity": "eye eye_",
}


def scheme(value: object) -> Any:
    return SCHEME.validate_python(value)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [(spelling, name) for table in (KERAS, OTHERS) for name, text in table.items() for spelling in text.split()],
)
def test_every_spelling_is_understood(spelling: str, name: str) -> None:
    assert scheme(spelling) == PRESETS[name]
    assert scheme({"name": spelling}).name == name


def test_aliases_lead_to_presets_and_hide_none() -> None:
    assert set(ALIASES.values()) <= PRESETS.keys()
    assert not ALIASES.keys() & PRESETS.keys()


@pytest.mark.parametrize("name", PRESETS)
def test_what_an_answer_says_can_be_asked_for(name: str) -> None:
    assert scheme(PRESETS[name].model_dump()) == PRESETS[name]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("zeros", Constant(0.0)),
        ("ones", Constant(1.0)),
        ({"name": "constant", "value": 5.0}, Constant(5.0)),
        ("random_normal", Normal(0.0, 0.05)),
        ("random_uniform", Uniform(-0.05, 0.05)),
        ("truncated_normal", Normal(0.0, 0.05, -2.0, 2.0)),
        ("small_normal", Normal(0.0, 0.001)),
        ("small_uniform", Uniform(-0.001, 0.001)),
        ("glorot_uniform", Uniform(-math.sqrt(6 / 400), math.sqrt(6 / 400))),
        ("glorot_normal", Normal(0.0, math.sqrt(2 / 400) / C, -2.0, 2.0)),
        ("he_uniform", Uniform(-math.sqrt(6 / 300), math.sqrt(6 / 300))),
        ("he_normal", Normal(0.0, math.sqrt(2 / 300) / C, -2.0, 2.0)),
        ("lecun_uniform", Uniform(-math.sqrt(3 / 300), math.sqrt(3 / 300))),
        ("lecun_normal", Normal(0.0, math.sqrt(1 / 300) / C, -2.0, 2.0)),
        ({"name": "variance_scaling", "scale": 3, "mode": "fan_out", "distribution": "untruncated_normal"},
         Normal(0.0, math.sqrt(3 / 100))),
        ({"name": "variance_scaling", "distribution": "normal"}, Normal(0.0, math.sqrt(1 / 300) / C, -2.0, 2.0)),
        ({"name": "orthogonal", "gain": 2.0}, Orthogonal(300, 100, 2.0)),
        ("identity", Diagonal(300, 100, 1.0)),
    ],
)  # fmt: skip
def test_schemes_are_what_keras_means_by_them(asked: object, expected: object) -> None:
    found = scheme(asked).realise(Site((300, 100), FANS))
    assert type(found) is type(expected)
    for field, value in vars(expected).items():
        if value is None:
            continue
        assert getattr(found, field) == pytest.approx(value, rel=1e-15), field


@pytest.mark.parametrize("name", ["glorot_normal", "he_normal", "lecun_normal"])
def test_truncation_inside_variance_scaling_keeps_the_variance(name: str) -> None:
    preset: Any = PRESETS[name]
    fan = 200.0 if preset.mode == "fan_avg" else 300.0
    assert preset.realise(Site((300, 100), FANS)).deviation == pytest.approx(math.sqrt(preset.scale / fan), rel=1e-14)


def test_truncation_by_itself_does_not() -> None:
    assert PRESETS["truncated_normal"].realise(Site((3, 1), FANS)).deviation == pytest.approx(0.05 * C)


@pytest.mark.parametrize(
    "bad",
    [
        "he_nromal",
        "",
        {"name": "he_normal", "gain": 1.0},
        {"name": "random_normal", "stddev": -1.0},
        {"name": "random_normal", "stddev": "0.1"},
        {"name": "random_normal", "mean": True},
        {"name": "random_normal", "mean": math.nan},
        {"name": "random_normal", "mean": math.inf},
        {"name": "random_uniform", "minval": 1.0, "maxval": 1.0},
        {"name": "truncated_normal", "lower": 2.0, "upper": -2.0},
        {"name": "truncated_normal", "lower": 9.0, "upper": 10.0},
        {"name": "variance_scaling", "scale": 0.0},
        {"name": "variance_scaling", "scale": -1.0},
        {"name": "variance_scaling", "mode": "fanin"},
        {"name": "auto", "scale": 1.0},
        {"value": 1.0},
        5,
        None,
        ["zeros"],
    ],
)
def test_what_cannot_be_is_refused(bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        scheme(bad)
    assert len(caught.value.errors()) == 1


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match="did you mean 'he_normal'"):
        scheme("he_nromal")


@pytest.mark.parametrize(("name", "shape"), [("orthogonal", (5,)), ("identity", (5,)), ("identity", (3, 3, 1, 1))])
def test_matrices_need_their_axes(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidSpec, match="axes"):
        PRESETS[name].realise(Site(shape, FANS))


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 5), (3, 5)), ((3, 3, 16, 32), (144, 288)), ((2, 3, 4), (6, 8))],
)
def test_bare_shapes_have_keras_fans(shape: tuple[int, ...], fans: tuple[int, int]) -> None:
    assert by_keras_rule(shape) == Fans(*fans)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"name": "torch:xavier_normal", "gain": 5.0 / 3}, {"name": "torch:xavier_normal", "scale": (5.0 / 3) ** 2}),
        (
            {"name": "torch:kaiming_uniform", "a": 5.0**0.5},
            {"name": "torch:kaiming_uniform", "scale": 2.0 / (1 + (5.0**0.5) ** 2)},
        ),
        (
            {"name": "torch:kaiming_normal", "nonlinearity": "tanh"},
            {"name": "torch:kaiming_normal", "scale": (5.0 / 3) ** 2},
        ),
        ({"name": "torch:uniform", "a": -1.0, "b": 2.0}, {"name": "torch:uniform", "minval": -1.0, "maxval": 2.0}),
        ({"name": "jax:uniform", "scale": 0.5}, {"name": "jax:uniform", "maxval": 0.5}),
    ],
)
def test_a_frameworks_own_arguments_are_taken(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    assert scheme(theirs) == scheme(ours)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "torch:xavier_normal", "gain": -1.0},
        {"name": "torch:xavier_normal", "gain": 1.0, "scale": 1.0},
        {"name": "torch:kaiming_normal", "nonlinearity": "gelu"},
        {"name": "torch:kaiming_normal", "a": "2"},
        {"name": "kaiming_normal_", "nonlinearity": "relu"},  # the plain alias is Keras's he_normal
    ],
)
def test_arguments_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        scheme(wrong)
