"""Every name that a spec can give a scheme: PRESETS (named values of the families) and ALIASES (other spellings).

To add a named scheme, add a row to PRESETS: a family's own name stands for its defaults. Another framework's spelling
is a row of ALIASES. Where two frameworks mean different things by one name, the plain name is Keras's, and `torch:` or
`jax:` before it picks theirs.
"""

import difflib
from collections.abc import Mapping
from typing import Literal

from pydantic_core import PydanticCustomError

from service.networks.schemes.biases import Chrono, PriorBias, StepBias, UnitForgetBias
from service.networks.schemes.linear import (
    DeltaOrthogonal,
    Dirac,
    IdentityScheme,
    OrthogonalScheme,
    Reservoir,
    Sparse,
    Zero,
)
from service.networks.schemes.plain import BoundedNormal, ConstantScheme, RandomNormal, RandomUniform, TruncatedNormal
from service.networks.schemes.scaling import MupNormal, ResidualNormal, Siren, VarianceScaling
from service.networks.schemes.scheme import Scheme
from service.networks.schemes.spelling import in_own_words
from service.networks.schemes.tables import (
    Bilinear,
    Hippo,
    Icnr,
    RotaryTable,
    S4dReal,
    SinusoidalTable,
    Stft,
)

Mode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]


def scaled(name: str, scale: float, mode: Mode, kind: str) -> VarianceScaling:
    return VarianceScaling.model_validate({"name": name, "scale": scale, "mode": mode, "distribution": kind})


PRESETS: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        ConstantScheme(name="zeros", value=0.0),
        ConstantScheme(name="ones", value=1.0),
        ConstantScheme(name="constant"),
        RandomNormal(name="random_normal"),
        RandomNormal(name="small_normal", mean=0.0, stddev=0.001),
        RandomUniform(name="random_uniform"),
        RandomUniform(name="small_uniform", minval=-0.001, maxval=0.001),
        TruncatedNormal(name="truncated_normal"),
        BoundedNormal(name="bounded_normal"),
        VarianceScaling(name="variance_scaling"),
        scaled("glorot_normal", 1.0, "fan_avg", "truncated_normal"),
        scaled("glorot_uniform", 1.0, "fan_avg", "uniform"),
        scaled("he_normal", 2.0, "fan_in", "truncated_normal"),
        scaled("he_uniform", 2.0, "fan_in", "uniform"),
        scaled("lecun_normal", 1.0, "fan_in", "truncated_normal"),
        scaled("lecun_uniform", 1.0, "fan_in", "uniform"),
        OrthogonalScheme(name="orthogonal"),
        IdentityScheme(name="identity"),
        Dirac(name="dirac"),
        DeltaOrthogonal(name="delta_orthogonal"),
        Sparse(name="sparse"),
        Reservoir(name="reservoir"),
        Zero(name="zer_o"),
        Siren(name="siren"),
        ResidualNormal(name="residual_normal"),
        MupNormal(name="mup_normal"),
        Stft(name="stft"),
        Bilinear(name="bilinear"),
        Icnr(name="icnr"),
        RotaryTable(name="rope"),
        SinusoidalTable(name="sinusoidal"),
        Hippo(name="hippo"),
        S4dReal(name="s4d_real"),
        UnitForgetBias(name="unit_forget_bias"),
        Chrono(name="chrono"),
        StepBias(name="step_bias"),
        PriorBias(name="prior_bias"),
        # torch.nn.init: normals are not truncated, defaults are wider, bounds absolute, flattening the other way.
        RandomNormal(name="torch:normal", mean=0.0, stddev=1.0),
        RandomUniform(name="torch:uniform", minval=0.0, maxval=1.0),
        BoundedNormal(name="torch:trunc_normal"),
        scaled("torch:xavier_normal", 1.0, "fan_avg", "untruncated_normal"),
        scaled("torch:xavier_uniform", 1.0, "fan_avg", "uniform"),
        scaled("torch:kaiming_normal", 2.0, "fan_in", "untruncated_normal"),
        scaled("torch:kaiming_uniform", 2.0, "fan_in", "uniform"),
        OrthogonalScheme(name="torch:orthogonal", flatten="torch"),
        Sparse(name="torch:sparse", columns="inputs"),
        # jax.nn.initializers: smaller defaults, uniform on one side of 0.
        RandomNormal(name="jax:normal", mean=0.0, stddev=0.01),
        RandomUniform(name="jax:uniform", minval=0.0, maxval=0.01),
        TruncatedNormal(name="jax:truncated_normal", mean=0.0, stddev=0.01),
        # Keras's orthogonal knows nothing of gates or heads.
        OrthogonalScheme(name="keras:orthogonal", flatten="keras"),
    )
}

ALIASES: dict[str, str] = {
    "zero": "zeros",
    "Zeros": "zeros",
    "zeros_": "zeros",
    "one": "ones",
    "Ones": "ones",
    "ones_": "ones",
    "Constant": "constant",
    "constant_": "constant",
    "normal": "random_normal",
    "RandomNormal": "random_normal",
    "randomNormal": "random_normal",
    "uniform": "random_uniform",
    "RandomUniform": "random_uniform",
    "randomUniform": "random_uniform",
    "TruncatedNormal": "truncated_normal",
    "truncatedNormal": "truncated_normal",
    "VarianceScaling": "variance_scaling",
    "varianceScaling": "variance_scaling",
    "GlorotNormal": "glorot_normal",
    "glorotNormal": "glorot_normal",
    "xavier_normal": "glorot_normal",
    "XavierNormal": "glorot_normal",
    "xavier_normal_": "glorot_normal",
    "GlorotUniform": "glorot_uniform",
    "glorotUniform": "glorot_uniform",
    "xavier_uniform": "glorot_uniform",
    "XavierUniform": "glorot_uniform",
    "xavier_uniform_": "glorot_uniform",
    "HeNormal": "he_normal",
    "heNormal": "he_normal",
    "kaiming_normal": "he_normal",
    "KaimingNormal": "he_normal",
    "kaiming_normal_": "he_normal",
    "HeUniform": "he_uniform",
    "heUniform": "he_uniform",
    "kaiming_uniform": "he_uniform",
    "KaimingUniform": "he_uniform",
    "kaiming_uniform_": "he_uniform",
    "LecunNormal": "lecun_normal",
    "leCunNormal": "lecun_normal",
    "LecunUniform": "lecun_uniform",
    "leCunUniform": "lecun_uniform",
    "Orthogonal": "orthogonal",
    "OrthogonalInitializer": "orthogonal",
    "orthogonal_": "orthogonal",
    "Identity": "identity",
    "IdentityInitializer": "identity",
    "eye": "identity",
    "eye_": "identity",
    "dirac_": "dirac",
    "Dirac": "dirac",
    "DeltaOrthogonal": "delta_orthogonal",
    "sparse_": "torch:sparse",
    "STFT": "stft",
    "STFTInitializer": "stft",
    "ZerO": "zer_o",
    "trunc_normal": "torch:trunc_normal",
    "trunc_normal_": "torch:trunc_normal",
    # Flux and Lux
    "zeros32": "zeros",
    "ones32": "ones",
    "rand32": "torch:uniform",
    "randn32": "torch:normal",
    "sparse_init": "sparse",
    "identity_init": "identity",
    # A prefix where the frameworks agree with the plain name
    "keras:zeros": "zeros",
    "keras:ones": "ones",
    "keras:constant": "constant",
    "keras:identity": "identity",
    "keras:stft": "stft",
    "keras:random_normal": "random_normal",
    "keras:random_uniform": "random_uniform",
    "keras:truncated_normal": "truncated_normal",
    "keras:variance_scaling": "variance_scaling",
    "keras:glorot_normal": "glorot_normal",
    "keras:glorot_uniform": "glorot_uniform",
    "keras:he_normal": "he_normal",
    "keras:he_uniform": "he_uniform",
    "keras:lecun_normal": "lecun_normal",
    "keras:lecun_uniform": "lecun_uniform",
    "torch:normal_": "torch:normal",
    "torch:uniform_": "torch:uniform",
    "torch:trunc_normal_": "torch:trunc_normal",
    "torch:xavier_normal_": "torch:xavier_normal",
    "torch:xavier_uniform_": "torch:xavier_uniform",
    "torch:kaiming_normal_": "torch:kaiming_normal",
    "torch:kaiming_uniform_": "torch:kaiming_uniform",
    "torch:he_normal": "torch:kaiming_normal",
    "torch:he_uniform": "torch:kaiming_uniform",
    "torch:glorot_normal": "torch:xavier_normal",
    "torch:glorot_uniform": "torch:xavier_uniform",
    "torch:orthogonal_": "torch:orthogonal",
    "torch:sparse_": "torch:sparse",
    "torch:zeros": "zeros",
    "torch:zeros_": "zeros",
    "torch:ones": "ones",
    "torch:ones_": "ones",
    "torch:constant": "constant",
    "torch:constant_": "constant",
    "torch:eye": "identity",
    "torch:eye_": "identity",
    "torch:dirac": "dirac",
    "torch:dirac_": "dirac",
    "jax:zeros": "zeros",
    "jax:ones": "ones",
    "jax:constant": "constant",
    "jax:variance_scaling": "variance_scaling",
    "jax:glorot_normal": "glorot_normal",
    "jax:glorot_uniform": "glorot_uniform",
    "jax:xavier_normal": "glorot_normal",
    "jax:xavier_uniform": "glorot_uniform",
    "jax:he_normal": "he_normal",
    "jax:he_uniform": "he_uniform",
    "jax:kaiming_normal": "he_normal",
    "jax:kaiming_uniform": "he_uniform",
    "jax:lecun_normal": "lecun_normal",
    "jax:lecun_uniform": "lecun_uniform",
    "jax:orthogonal": "keras:orthogonal",
    "jax:delta_orthogonal": "delta_orthogonal",
}


def canonical_name(name: str) -> str:
    """Return the name that `name`, or what it is an alias of, has in PRESETS."""
    found = ALIASES.get(name, name)
    if found not in PRESETS and found != "array":
        near = difflib.get_close_matches(name[:64], [*PRESETS, *ALIASES], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose auto or one of {', '.join(PRESETS)}"
        raise PydanticCustomError("scheme_name", "no scheme has this name; {hint}", {"hint": hint})
    return found


def spelt_out(value: object) -> object:
    """Turn a name, or an object with a name and some parameters, into an object with every parameter."""
    if isinstance(value, str):
        value = {"name": value}
    if value == {"name": "auto"}:
        return value
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        name = canonical_name(value["name"])
        preset = PRESETS[name].model_dump() if name in PRESETS else {}
        return {**preset, **in_own_words(name, value), "name": name}
    return value


def family_of(value: object) -> str | None:
    name = value.get("name") if isinstance(value, Mapping) else getattr(value, "name", None)
    if name in ("auto", "array"):  # they have no preset: one leaves all to the layer, the other states all
        return str(name)
    return PRESETS[name].family if isinstance(name, str) and name in PRESETS else None
