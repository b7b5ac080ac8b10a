"""A parameter as its layer states it, and the schemes that a layer without one of its own gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal, TypeAlias

from service.networks.activations import ACTIVATIONS
from service.networks.fans import Fans
from service.networks.schemes import PRESETS, Scheme, scaled
from service.networks.schemes.plain import RandomNormal, RandomUniform
from service.networks.site import Axes, Site
from service.stream.views import Shape

Defaults: TypeAlias = Literal["recommended", "keras", "pytorch", "flax"]
FanRule: TypeAlias = Literal["true", "keras", "pytorch", "flax"]
Role: TypeAlias = Literal["weights", "recurrent", "bias", "embedding", "scale", "shift", "slope"]


@dataclass(frozen=True)
class Parameter:
    """What a layer says of one of its parameters; `shape` and `name` are canonical (Keras's).

    `fans` are true connectivity, `framework_fans` what a framework's own initialiser would take where it differs.
    `defaults` are a framework's own initial values where the role's do not hold for this layer. `axes` say what each
    axis of the shape connects; left out: outputs last, inputs before, then a window, as Keras reads a bare shape.
    """

    name: str
    shape: Shape
    fans: Fans
    role: Role
    member: str | None  # the member of the layer spec that sets its scheme; None: only a rule can
    framework_fans: Mapping[str, Fans] = field(default_factory=dict)
    defaults: Mapping[str, Scheme] = field(default_factory=dict)
    axes: Axes | None = None
    heads: bool = False  # of a projection to or from heads: an einsum in Keras, a matrix to Flax's initialisers
    gates: int = 1
    groups: int = 1
    zero_row: int | None = None  # a row that is 0 whatever the scheme

    @property
    def elements(self) -> int:
        return prod(self.shape)

    def site(self, rule: FanRule) -> Site:
        fans = self.fans if rule == "true" else self.framework_fans.get(rule, self.fans)
        return Site(self.shape, fans, self.axes, self.gates, self.groups)


@dataclass(frozen=True, slots=True)
class Choice:
    """A scheme, why it was chosen, by which rule its fans are counted, and whose default it is, if one's."""

    scheme: Scheme
    reason: str
    fans: FanRule = "true"
    of: Defaults | None = None


AS_ASKED = "as asked"
ZEROS, ONES = PRESETS["zeros"], PRESETS["ones"]
# torch: kaiming_uniform_(a=sqrt(5)) is uniform with variance 1 / (3 fan_in), for weights and biases alike.
TORCH = scaled("variance_scaling", 1.0 / 3.0, "fan_in", "uniform")

# What each framework's own layers get when nothing is said (keras 3.15, torch 2.13, flax 0.12).
FRAMEWORK_DEFAULTS: dict[Defaults, dict[Role, Scheme]] = {
    "keras": {
        "weights": PRESETS["glorot_uniform"],
        "recurrent": PRESETS["keras:orthogonal"],
        "bias": ZEROS,
        "embedding": RandomUniform(name="random_uniform", minval=-0.05, maxval=0.05),
        "scale": ONES,
        "shift": ZEROS,
        "slope": ZEROS,
    },
    "pytorch": {
        "weights": TORCH,
        "recurrent": TORCH,
        "bias": TORCH,
        "embedding": RandomNormal(name="random_normal", mean=0.0, stddev=1.0),
        "scale": ONES,
        "shift": ZEROS,
        "slope": PRESETS["constant"].model_copy(update={"value": 0.25}),
    },
    "flax": {
        "weights": PRESETS["lecun_normal"],
        "recurrent": PRESETS["orthogonal"],
        "bias": ZEROS,
        "embedding": scaled("variance_scaling", 1.0, "fan_out", "untruncated_normal"),
        "scale": ONES,
        "shift": ZEROS,
        "slope": PRESETS["constant"].model_copy(update={"value": 0.01}),
    },
}

EMBEDDING = Choice(
    RandomNormal(name="random_normal", mean=0.0, stddev=0.02),
    "embedding: rows are looked up, not summed; as in BERT (Devlin et al. 2018)",
)
# What is recommended for roles that no activation decides.
RECOMMENDED: dict[Role, Choice] = {
    "recurrent": Choice(PRESETS["orthogonal"], "recurrent: keeps the state's length step after step; Saxe et al. 2014"),
    "bias": Choice(ZEROS, "bias: nothing to tell apart, so it starts at 0"),
    "embedding": EMBEDDING,
    "scale": Choice(ONES, "scale of a normalisation: begins as if it were not there"),
    "shift": Choice(ZEROS, "shift of a normalisation: begins as if it were not there"),
    "slope": Choice(PRESETS["constant"].model_copy(update={"value": 0.25}), "slope of prelu: He et al. 2015"),
}


def recommended(parameter: Parameter, activation: str, gain: float | None = None) -> Choice:
    """Return the scheme that keeps magnitudes stable through a layer with this activation, with its reason.

    A `gain` of the spec's own takes the place of the activation's, in the same distribution by the same fan.
    """
    if "recommended" in parameter.defaults:
        return Choice(parameter.defaults["recommended"], f"{parameter.name}: the usual start of this layer")
    if parameter.role in RECOMMENDED:
        return RECOMMENDED[parameter.role]
    row = ACTIVATIONS[activation]
    scheme = PRESETS[row.scheme]
    if gain is None:
        return Choice(scheme, f"{activation}: {row.because}")
    scaled_by = scheme.model_copy(update={"name": "variance_scaling", "scale": gain * gain})
    return Choice(scaled_by, f"{activation}, with the gain {gain:g} as asked")


def by_default(parameter: Parameter, activation: str, defaults: Defaults, gain: float | None) -> Choice:
    """Return what a parameter gets whose layer spec names no scheme for it."""
    if defaults == "recommended" or (gain is not None and parameter.role == "weights"):
        return recommended(parameter, activation, gain)
    scheme = parameter.defaults.get(defaults, FRAMEWORK_DEFAULTS[defaults][parameter.role])
    return Choice(scheme, f"the default of {defaults}", defaults, defaults)
