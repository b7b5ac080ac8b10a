"""PRESETS: every scheme that has a name, as values of the families.

To add one, add a row; a family's own name stands for its defaults. Where two frameworks mean different things by one
name, the plain name is Keras's; `torch:`, `timm:`, `jax:`, `keras:` or `tfjs:` before it picks theirs, which acts on
that framework's own array.
"""

from typing import Literal

from service.networks.schemes import biases, frameworks, linear, plain, scaling, tables
from service.networks.schemes.scheme import Scheme

Mode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]


def scaled(
    name: str, scale: float, mode: Mode, kind: str, family: type[scaling.VarianceScaling] = scaling.VarianceScaling
) -> scaling.VarianceScaling:
    return family.model_validate({"name": name, "scale": scale, "mode": mode, "distribution": kind})


KERAS, JAX = frameworks.KerasVarianceScaling, frameworks.JaxVarianceScaling

PRESETS: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        plain.ConstantScheme(name="zeros", value=0.0),
        plain.ConstantScheme(name="ones", value=1.0),
        plain.ConstantScheme(name="constant"),
        plain.RandomNormal(name="random_normal"),
        plain.RandomNormal(name="small_normal", mean=0.0, stddev=0.001),
        plain.RandomUniform(name="random_uniform"),
        plain.RandomUniform(name="small_uniform", minval=-0.001, maxval=0.001),
        plain.TruncatedNormal(name="truncated_normal"),
        plain.BoundedNormal(name="bounded_normal"),
        scaling.VarianceScaling(name="variance_scaling"),
        scaled("glorot_normal", 1.0, "fan_avg", "truncated_normal"),
        scaled("glorot_uniform", 1.0, "fan_avg", "uniform"),
        scaled("he_normal", 2.0, "fan_in", "truncated_normal"),
        scaled("he_uniform", 2.0, "fan_in", "uniform"),
        scaled("lecun_normal", 1.0, "fan_in", "truncated_normal"),
        scaled("lecun_uniform", 1.0, "fan_in", "uniform"),
        linear.OrthogonalScheme(name="orthogonal"),
        linear.IdentityScheme(name="identity"),
        linear.Dirac(name="dirac"),
        linear.DeltaOrthogonal(name="delta_orthogonal"),
        linear.Sparse(name="sparse"),
        linear.Reservoir(name="reservoir"),
        linear.Zero(name="zer_o"),
        scaling.Siren(name="siren"),
        scaling.ResidualNormal(name="residual_normal"),
        scaling.MupNormal(name="mup_normal"),
        tables.Stft(name="stft"),
        tables.BilinearUpsampling(name="bilinear"),
        tables.Icnr(name="icnr"),
        tables.RotaryTable(name="rope"),
        tables.SinusoidalTable(name="sinusoidal"),
        tables.Hippo(name="hippo"),
        tables.S4dReal(name="s4d_real"),
        biases.UnitForgetBias(name="unit_forget_bias"),
        biases.Chrono(name="chrono"),
        biases.StepBias(name="step_bias"),
        biases.PriorBias(name="prior_bias"),
        # torch.nn.init: normals are not truncated, defaults are wider, bounds absolute, the first axis is outputs.
        plain.RandomNormal(name="torch:normal", mean=0.0, stddev=1.0),
        plain.RandomUniform(name="torch:uniform", minval=0.0, maxval=1.0),
        plain.BoundedNormal(name="torch:trunc_normal"),
        scaled("torch:xavier_normal", 1.0, "fan_avg", "untruncated_normal"),
        scaled("torch:xavier_uniform", 1.0, "fan_avg", "uniform"),
        scaled("torch:kaiming_normal", 2.0, "fan_in", "untruncated_normal"),
        scaled("torch:kaiming_uniform", 2.0, "fan_in", "uniform"),
        linear.OrthogonalScheme(name="torch:orthogonal"),
        linear.Sparse(name="torch:sparse", columns="inputs"),
        linear.IdentityScheme(name="torch:eye"),
        linear.Dirac(name="torch:dirac"),
        # timm.layers: bounds absolute, as torch's, or counted in deviations, as TensorFlow's.
        plain.BoundedNormal(name="timm:trunc_normal"),
        plain.TruncatedNormal(name="timm:trunc_normal_tf", mean=0.0, stddev=1.0),
        # jax.nn.initializers: smaller defaults, uniform on one side of 0, axes.
        plain.RandomNormal(name="jax:normal", mean=0.0, stddev=0.01),
        plain.RandomUniform(name="jax:uniform", minval=0.0, maxval=0.01),
        plain.TruncatedNormal(name="jax:truncated_normal", mean=0.0, stddev=0.01),
        scaled("jax:variance_scaling", 1.0, "fan_in", "truncated_normal", JAX),
        scaled("jax:glorot_normal", 1.0, "fan_avg", "truncated_normal", JAX),
        scaled("jax:glorot_uniform", 1.0, "fan_avg", "uniform", JAX),
        scaled("jax:he_normal", 2.0, "fan_in", "truncated_normal", JAX),
        scaled("jax:he_uniform", 2.0, "fan_in", "uniform", JAX),
        scaled("jax:lecun_normal", 1.0, "fan_in", "truncated_normal", JAX),
        scaled("jax:lecun_uniform", 1.0, "fan_in", "uniform", JAX),
        frameworks.JaxOrthogonal(name="jax:orthogonal"),
        frameworks.JaxDeltaOrthogonal(name="jax:delta_orthogonal"),
        # Keras counts fans off the shape, and knows nothing of gates, groups or heads.
        scaled("keras:variance_scaling", 1.0, "fan_in", "truncated_normal", KERAS),
        scaled("keras:glorot_normal", 1.0, "fan_avg", "truncated_normal", KERAS),
        scaled("keras:glorot_uniform", 1.0, "fan_avg", "uniform", KERAS),
        scaled("keras:he_normal", 2.0, "fan_in", "truncated_normal", KERAS),
        scaled("keras:he_uniform", 2.0, "fan_in", "uniform", KERAS),
        scaled("keras:lecun_normal", 1.0, "fan_in", "truncated_normal", KERAS),
        scaled("keras:lecun_uniform", 1.0, "fan_in", "uniform", KERAS),
        linear.OrthogonalScheme(name="keras:orthogonal"),
        linear.IdentityScheme(name="keras:identity"),
        # TensorFlow.js: as Keras, but what is cut off a normal is not made up for.
        scaled("tfjs:variance_scaling", 1.0, "fan_in", "uncorrected_normal"),
        scaled("tfjs:glorot_normal", 1.0, "fan_avg", "uncorrected_normal"),
        scaled("tfjs:glorot_uniform", 1.0, "fan_avg", "uniform"),
        scaled("tfjs:he_normal", 2.0, "fan_in", "uncorrected_normal"),
        scaled("tfjs:he_uniform", 2.0, "fan_in", "uniform"),
        scaled("tfjs:lecun_normal", 1.0, "fan_in", "uncorrected_normal"),
        scaled("tfjs:lecun_uniform", 1.0, "fan_in", "uniform"),
        linear.OrthogonalScheme(name="tfjs:orthogonal"),
        linear.IdentityScheme(name="tfjs:identity"),
    )
}
