"""Schemes: names, parameters, what they are distributed as, what they refuse."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.errors import InvalidSpec
from service.networks.fans import Fans, by_keras_rule
from service.networks.schemes import ALIASES, FAMILIES, PRESETS, AnyScheme
from service.networks.site import Site
from service.specs.faults import faults_of
from service.specs.spec import Spec
from service.stream.distributions import Constant, Normal, Uniform
from service.stream.matrices import Diagonal, Orthogonal
from service.stream.stacks import Stack

SCHEME: TypeAdapter[Any] = TypeAdapter(AnyScheme)
FANS = Fans(300, 100)
MATRIX = Stack.one(300, 100)
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
    "glorot_uniform": "xavier_uniform XavierUniform glorotUniform",
    "glorot_normal": "xavier_normal XavierNormal glorotNormal",
    "he_uniform": "kaiming_uniform KaimingUniform heUniform",
    "he_normal": "kaiming_normal KaimingNormal heNormal",
    "lecun_normal": "leCunNormal LeCunNormal",
    "lecun_uniform": "leCunUniform LeCunUniform",
    "identity": "eye",
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


# torch.nn.init's functions, which no other framework spells so.
TORCH = {
    "zeros": "zeros_",
    "ones": "ones_",
    "constant": "constant_",
    **{f"torch:{name}": f"{name}_" for name in ["normal", "uniform", "trunc_normal"]},
    **{f"torch:{who}_{kind}": f"{who}_{kind}_" for who in ("xavier", "kaiming") for kind in ("normal", "uniform")},
    **{f"torch:{name}": f"{name}_" for name in ["orthogonal", "sparse", "dirac", "eye"]},
}
# TensorFlow.js's identifiers, and their classes.
TFJS = {
    "zeros": "zeros Zeros",
    "ones": "ones Ones",
    "constant": "constant Constant",
    "random_normal": "randomNormal RandomNormal",
    "random_uniform": "randomUniform RandomUniform",
    "truncated_normal": "truncatedNormal TruncatedNormal",
    "tfjs:variance_scaling": "varianceScaling VarianceScaling",
    "tfjs:glorot_normal": "glorotNormal GlorotNormal",
    "tfjs:glorot_uniform": "glorotUniform GlorotUniform",
    "tfjs:he_normal": "heNormal HeNormal",
    "tfjs:he_uniform": "heUniform HeUniform",
    "tfjs:lecun_normal": "leCunNormal LeCunNormal",
    "tfjs:lecun_uniform": "leCunUniform LeCunUniform",
    "tfjs:identity": "identity Identity",
    "tfjs:orthogonal": "orthogonal Orthogonal",
}
JAX = {
    "zeros": "zeros zeros_init",
    "ones": "ones ones_init",
    "constant": "constant",
    "jax:glorot_normal": "glorot_normal xavier_normal",
    "jax:glorot_uniform": "glorot_uniform xavier_uniform",
    "jax:he_normal": "he_normal kaiming_normal",
    "jax:he_uniform": "he_uniform kaiming_uniform",
    **{f"jax:{name}": name for name in ["normal", "uniform", "truncated_normal", "variance_scaling"]},
    **{f"jax:{name}": name for name in ["lecun_normal", "lecun_uniform", "orthogonal", "delta_orthogonal"]},
}
OF_KERAS = {f"keras:{name}" if f"keras:{name}" in PRESETS else name: text for name, text in KERAS.items()}
PREFIXED = {"torch": TORCH, "tfjs": TFJS, "jax": JAX, "keras": OF_KERAS | {"stft": "STFT stft STFTInitializer"}}


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        (f"{prefix}:{spelling}", name)
        for prefix, table in PREFIXED.items()
        for name, text in table.items()
        for spelling in text.split()
    ],
)
def test_every_spelling_of_a_framework_is_understood_under_its_prefix(spelling: str, name: str) -> None:
    assert scheme(spelling) == PRESETS[name]


@pytest.mark.parametrize(
    ("spelling", "same"),
    [
        ("torch.nn.init.kaiming_normal_", "torch:kaiming_normal"),
        ("nn.init.zeros_", "zeros"),
        ("keras.initializers.HeNormal", "keras:he_normal"),
        ("tf.keras.initializers.VarianceScaling", "keras:variance_scaling"),
        ("jax.nn.initializers.he_normal", "jax:he_normal"),
        ("flax.linen.initializers.lecun_normal", "jax:lecun_normal"),
    ],
)
def test_a_package_before_a_name_is_its_frameworks_prefix(spelling: str, same: str) -> None:
    assert scheme(spelling) == scheme({"name": spelling}) == PRESETS[same]


def test_a_class_of_keras_takes_what_its_configuration_says() -> None:
    assert scheme({"name": "HeNormal", "seed": None}) == PRESETS["he_normal"]
    assert scheme({"name": "VarianceScaling", "distribution": "Uniform"}).distribution == "uniform"
    with pytest.raises(ValidationError, match="the layer's own member, seed"):
        scheme({"name": "HeNormal", "seed": 3})


def test_a_name_with_its_package_takes_its_frameworks_arguments() -> None:
    assert scheme({"name": "torch.nn.init.normal_", "std": 3.0}) == scheme({"name": "torch:normal", "stddev": 3.0})


@pytest.mark.parametrize(("name", "spelling"), TORCH.items())
def test_an_underscore_at_the_end_is_torchs_alone(name: str, spelling: str) -> None:
    assert scheme(spelling) == scheme(f"torch:{spelling}") == scheme(f"torch:{spelling[:-1]}") == PRESETS[name]


def test_torchs_plain_functions_mean_what_they_mean_there() -> None:
    site = Site((300, 100), FANS)
    assert scheme("normal_").realise(site) == Normal(0.0, 1.0)
    assert scheme("uniform_").realise(site) == Uniform(0.0, 1.0)
    assert scheme("kaiming_normal_").realise(site) == Normal(0.0, math.sqrt(2.0 / 300))
    assert scheme("xavier_normal_").realise(site) == Normal(0.0, math.sqrt(2.0 / 400))


@pytest.mark.parametrize(
    ("name", "fan", "scale"), [("leCunNormal", 300, 1), ("HeNormal", 300, 2), ("glorotNormal", 200, 1)]
)
def test_tensorflow_js_makes_up_for_nothing_that_it_cuts(name: str, fan: int, scale: int) -> None:
    assert scheme(f"tfjs:{name}").realise(Site((300, 100), FANS)) == Normal(0.0, math.sqrt(scale / fan), -2.0, 2.0)


def test_every_family_has_a_name_and_every_name_a_family() -> None:
    assert set(FAMILIES) - {"array"} == {preset.family for preset in PRESETS.values()}
    for name, preset in PRESETS.items():
        assert type(scheme(name)) is FAMILIES[preset.family]


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
        ({"name": "orthogonal", "gain": 2.0}, Orthogonal(MATRIX, 2.0)),
        ("identity", Diagonal(MATRIX, 1.0)),
    ],
)  # fmt: skip
def test_schemes_are_what_keras_means_by_them(asked: object, expected: object) -> None:
    found = scheme(asked).realise(Site((300, 100), FANS))
    assert type(found) is type(expected)
    for field, value in vars(expected).items():
        if value is None:
            continue
        close = value if isinstance(value, Stack) else pytest.approx(value, rel=1e-15)
        assert getattr(found, field) == close, field


@pytest.mark.parametrize("name", ["glorot_normal", "he_normal", "lecun_normal"])
def test_truncation_inside_variance_scaling_keeps_the_variance(name: str) -> None:
    preset: Any = PRESETS[name]
    fan = 200.0 if preset.mode == "fan_avg" else 300.0
    assert preset.realise(Site((300, 100), FANS)).deviation == pytest.approx(math.sqrt(preset.scale / fan), rel=1e-14)


def test_truncation_by_itself_does_not() -> None:
    assert PRESETS["truncated_normal"].realise(Site((3, 1), FANS)).deviation == pytest.approx(0.05 * C)


def refusal(asked: object) -> tuple[str, str]:
    """Return where a scheme is refused, below its own pointer, and in what words."""
    document = {"layers": [{"type": "tensor", "shape": [4, 4], "scheme": asked}]}
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate(document)
    (fault,) = faults_of(caught.value, document, Spec)
    return fault.pointer.removeprefix("/layers/0/scheme"), fault.detail


@pytest.mark.parametrize(
    ("bad", "pointer", "words"),
    [
        ("he_nromal", "", "did you mean 'he_normal'"),
        ("", "", "no scheme has this name"),
        ({"name": "he_normal", "gain": 1.0}, "/gain", "there is no such field here"),
        ({"name": "random_normal", "stddev": -1.0}, "/stddev", "this must be 0.0 or more, not -1"),
        ({"name": "random_normal", "stddev": "0.1"}, "/stddev", "a number is needed here, not a string"),
        ({"name": "random_normal", "mean": True}, "/mean", "a number is needed here, not true or false"),
        ({"name": "random_normal", "mean": math.nan}, "/mean", "a finite number is needed here"),
        ({"name": "random_normal", "mean": math.inf}, "/mean", "a finite number is needed here"),
        ({"name": "random_uniform", "minval": 1.0, "maxval": 1.0}, "", "minval and maxval must be in order"),
        ({"name": "truncated_normal", "lower": 2.0, "upper": -2.0}, "", "lower and upper must be in order"),
        ({"name": "truncated_normal", "lower": 9.0, "upper": 10.0}, "", "standard deviations of the mean"),
        ({"name": "variance_scaling", "scale": 0.0}, "/scale", "this must be more than 0.0, not 0"),
        ({"name": "variance_scaling", "scale": -1.0}, "/scale", "this must be more than 0.0, not -1"),
        ({"name": "variance_scaling", "mode": "fanin"}, "/mode", "did you mean fan_in?"),
        ({"name": "auto", "scale": 1.0}, "/scale", "there is no such field here"),
        ({"value": 1.0}, "/name", "a scheme is a name, or an object with a name"),
        (5, "", "a scheme is a name, or an object with a name"),
        (["zeros"], "", "a scheme is a name, or an object with a name"),
    ],
)
def test_what_cannot_be_is_refused(bad: object, pointer: str, words: str) -> None:
    found, detail = refusal(bad)
    assert found == pointer
    assert words in detail


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
        ({"name": "jax:orthogonal", "scale": 0.5}, {"name": "jax:orthogonal", "gain": 0.5}),
        ({"name": "jax:delta_orthogonal", "scale": 0.5}, {"name": "jax:delta_orthogonal", "gain": 0.5}),
        (
            {"name": "jax:variance_scaling", "distribution": "normal"},
            {"name": "jax:variance_scaling", "distribution": "untruncated_normal"},
        ),
        (
            {"name": "keras:VarianceScaling", "distribution": "normal"},
            {"name": "keras:variance_scaling", "distribution": "truncated_normal"},
        ),
        (
            {"name": "tfjs:varianceScaling", "mode": "fanAvg", "distribution": "normal"},
            {"name": "tfjs:variance_scaling", "mode": "fan_avg", "distribution": "uncorrected_normal"},
        ),
        ({"name": "varianceScaling", "mode": "fanOut"}, {"name": "variance_scaling", "mode": "fan_out"}),
        ({"name": "normal_", "std": 0.02}, {"name": "torch:normal", "stddev": 0.02}),
        ({"name": "uniform_", "a": -1.0, "b": 2.0}, {"name": "torch:uniform", "minval": -1.0, "maxval": 2.0}),
        (
            {"name": "trunc_normal_", "std": 0.02, "a": -0.04, "b": 0.04},
            {"name": "torch:trunc_normal", "stddev": 0.02, "minval": -0.04, "maxval": 0.04},
        ),
        ({"name": "constant_", "val": 3.0}, {"name": "constant", "value": 3.0}),
        ({"name": "torch:constant", "val": 3.0}, {"name": "constant", "value": 3.0}),
        ({"name": "sparse_", "std": 0.5, "sparsity": 0.1}, {"name": "torch:sparse", "stddev": 0.5, "sparsity": 0.1}),
        ({"name": "xavier_normal_", "gain": 2.0}, {"name": "torch:xavier_normal", "scale": 4.0}),
        ({"name": "xavier_normal", "gain": 2.0}, {"name": "glorot_normal", "scale": 4.0}),
        (
            {"name": "kaiming_normal_", "mode": "fan_out", "nonlinearity": "selu"},
            {"name": "torch:kaiming_normal", "mode": "fan_out", "scale": 0.5625},
        ),
        ({"name": "kaiming_uniform", "a": 1.0}, {"name": "he_uniform", "scale": 1.0}),
        ({"name": "dirac_", "groups": 2}, {"name": "torch:dirac", "groups": 2}),
    ],
)
def test_a_frameworks_own_arguments_are_taken(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    assert scheme(theirs) == scheme(ours)


@pytest.mark.parametrize(
    ("wrong", "pointer", "words"),
    [
        ({"name": "torch:xavier_normal", "gain": -1.0}, "/gain", "gain must be 1e-150 or more"),
        ({"name": "torch:xavier_normal", "gain": 1.0, "scale": 1.0}, "", "scale and gain say the same"),
        ({"name": "torch:kaiming_normal", "nonlinearity": "gelu"}, "/nonlinearity", "must be one of linear"),
        ({"name": "torch:kaiming_normal", "a": "2"}, "/a", "a must be a number"),
        # Keras's names have no such arguments.
        ({"name": "he_normal", "nonlinearity": "relu"}, "/nonlinearity", "there is no such field here"),
        ({"name": "random_normal", "std": 1.0}, "/std", "did you mean stddev?"),
        ({"name": "tfjs:variance_scaling", "mode": "fanin"}, "/mode", "did you mean fan_in?"),
        ({"name": "jax:variance_scaling", "in_axis": 40}, "/in_axis", "this must be 31 or less, not 40"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(wrong: dict[str, Any], pointer: str, words: str) -> None:
    found, detail = refusal(wrong)
    assert found == pointer
    assert words in detail
