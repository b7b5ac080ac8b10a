"""A parameter as its layer states it, and the schemes that a layer without one of its own gets."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.weights.activations import ACTIVATIONS
from service.weights.description import Shape
from service.weights.fans import Fans
from service.weights.layouts import Placements
from service.weights.schemes import PRESETS, RandomNormal, RandomUniform, Scheme, scaled

Defaults: TypeAlias = Literal["recommended", "keras", "pytorch", "flax"]
Role: TypeAlias = Literal["weights", "bias", "embedding"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a layer says of one of its parameters; `shape` and `name` are canonical (Keras's)."""

    name: str
    shape: Shape
    fans: Fans
    role: Role
    placements: Placements
    field: Literal["scheme", "bias"]  # the member of the layer spec that sets it


@dataclass(frozen=True, slots=True)
class Choice:
    """A scheme and why it was chosen."""

    scheme: Scheme
    reason: str


ZEROS = PRESETS["zeros"]
# torch: kaiming_uniform_(a=sqrt(5)) is uniform with variance 1 / (3 fan_in), for weights and biases alike.
TORCH = scaled("variance_scaling", 1.0 / 3.0, "fan_in", "uniform")

# What each framework's own layers get when nothing is said (keras 3.15, torch 2.13, flax 0.12).
FRAMEWORK_DEFAULTS: dict[Defaults, dict[Role, Scheme]] = {
    "keras": {
        "weights": PRESETS["glorot_uniform"],
        "bias": ZEROS,
        "embedding": RandomUniform(name="random_uniform", minval=-0.05, maxval=0.05),
    },
    "pytorch": {
        "weights": TORCH,
        "bias": TORCH,
        "embedding": RandomNormal(name="random_normal", mean=0.0, stddev=1.0),
    },
    "flax": {
        "weights": PRESETS["lecun_normal"],
        "bias": ZEROS,
        "embedding": scaled("variance_scaling", 1.0, "fan_out", "untruncated_normal"),
    },
}


def recommended(parameter: Parameter, activation: str) -> Choice:
    """Return the scheme that keeps magnitudes stable through a layer with this activation, with its reason."""
    if parameter.role == "bias":
        return Choice(ZEROS, "bias: nothing to tell apart, so it starts at 0")
    if parameter.role == "embedding":
        scheme = RandomNormal(name="random_normal", mean=0.0, stddev=0.02)
        return Choice(scheme, "embedding: rows are looked up, not summed; as in BERT (Devlin et al. 2018)")
    row = ACTIVATIONS[activation]
    return Choice(PRESETS[row.scheme], f"{activation}: {row.because}")


def by_default(parameter: Parameter, activation: str, defaults: Defaults) -> Choice:
    """Return what a parameter gets whose layer spec names no scheme for it."""
    if defaults == "recommended":
        return recommended(parameter, activation)
    return Choice(FRAMEWORK_DEFAULTS[defaults][parameter.role], f"the default of {defaults}")
