"""Other frameworks' arguments of their initialisers, as this service's parameters.

A scheme under a framework's prefix (`torch:xavier_uniform`), or by a name that only that framework spells so
(`xavier_uniform_`), takes that framework's own arguments and their values too, so that a call carries over word by
word. To add one, add a row to ARGUMENTS, or a function of several to COMPUTED.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

STD = {"std": "stddev"}
# Of each framework, by preset: their word for an argument, and this service's.
ARGUMENTS: dict[str, dict[str, dict[str, str]]] = {
    "torch": {
        "constant": {"val": "value"},
        "torch:normal": STD,
        "torch:uniform": {"a": "minval", "b": "maxval"},
        "torch:trunc_normal": {**STD, "a": "minval", "b": "maxval"},
        "torch:sparse": STD,
    },
    "timm": {
        "timm:trunc_normal": {**STD, "a": "minval", "b": "maxval"},
        "timm:trunc_normal_tf": {**STD, "a": "lower", "b": "upper"},
    },
    "jax": {
        "jax:uniform": {"scale": "maxval"},
        "jax:orthogonal": {"scale": "gain"},
        "jax:delta_orthogonal": {"scale": "gain"},
    },
}
OWN_SEED = {"seed": "the layer's own member, seed"}
# Of each framework: arguments that are no part of a scheme here, and what is instead; null leaves one out.
ELSEWHERE: dict[str, dict[str, str]] = {
    "keras": OWN_SEED,
    "tfjs": OWN_SEED,
    "torch": {"generator": OWN_SEED["seed"]},
    "jax": {"dtype": "the spec's own member, dtype"},
}
# TensorFlow.js's words for `mode`.
MODES = {"fanIn": "fan_in", "fanOut": "fan_out", "fanAvg": "fan_avg"}
# What the distribution `normal` is under a prefix; Keras's, and so the plain one, is truncated_normal.
NORMAL = {"jax": "untruncated_normal", "tfjs": "uncorrected_normal"}
LEAST_GAIN = 1e-150  # whose square is still a normal number
LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid")


def number(given: Mapping[str, Any], name: str, default: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e150:
        raise PydanticCustomError("argument", "{name} must be a number", {"name": name})
    return float(value)


def by_gain(given: Mapping[str, Any]) -> float:
    """Return the scale that is a gain squared; its root is that very gain again."""
    gain = number(given, "gain", 1.0)
    if gain < LEAST_GAIN:
        raise PydanticCustomError(
            "argument", "gain must be {least} or more; zeros gives 0 everywhere", {"least": LEAST_GAIN}
        )
    return gain * gain


def by_nonlinearity(given: Mapping[str, Any]) -> float:
    """Return the square of torch's calculate_gain(nonlinearity, a)."""
    slope, kind = number(given, "a", 0.0), given.get("nonlinearity", "leaky_relu")
    gains = {
        **dict.fromkeys(LINEAR, 1.0), "tanh": (5.0 / 3) ** 2, "relu": 2.0, "leaky_relu": 2.0 / (1 + slope**2),
        "selu": (3.0 / 4) ** 2,
    }  # fmt: skip
    if not isinstance(kind, str) or kind not in gains:
        names = ", ".join(gains)
        raise PydanticCustomError("argument", "nonlinearity must be one of {names}", {"names": names})
    return gains[kind]


# Of torch, by preset: (the arguments, and the scale that they come to).
GAIN, NONLINEARITY = (("gain",), by_gain), (("a", "nonlinearity"), by_nonlinearity)
COMPUTED: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], float]]] = {
    **dict.fromkeys(("torch:xavier_normal", "torch:xavier_uniform", "glorot_normal", "glorot_uniform"), GAIN),
    **dict.fromkeys(("torch:kaiming_normal", "torch:kaiming_uniform", "he_normal", "he_uniform"), NONLINEARITY),
}


def in_own_words(framework: str | None, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the preset `name`, with a framework's arguments and values as this service's own."""
    found = dict(given)
    if framework is None:
        return found
    for argument, instead in ELSEWHERE.get(framework, {}).items():
        if found.pop(argument, None) is not None:
            raise PydanticCustomError(
                "argument",
                "{name} is no part of a scheme here: it is {instead}",
                {"name": argument, "instead": instead},
            )
    if framework == "keras" and isinstance(found.get("distribution"), str):
        found["distribution"] = found["distribution"].lower()  # as Keras does
    if framework == "tfjs" and isinstance(found.get("mode"), str):
        found["mode"] = MODES.get(found["mode"], found["mode"])
    if found.get("distribution") == "normal":
        found["distribution"] = NORMAL.get(name.partition(":")[0], "normal")
    for theirs, ours in ARGUMENTS.get(framework, {}).get(name, {}).items():
        if theirs in found:
            put(found, ours, found.pop(theirs), theirs)
    if framework == "torch" and name in COMPUTED:
        arguments, scale = COMPUTED[name]
        if any(argument in found for argument in arguments):
            put(found, "scale", scale(found), " and ".join(arguments))
            for argument in arguments:
                found.pop(argument, None)
    return found


def put(found: dict[str, Any], name: str, value: Any, instead: str) -> None:
    if name in found:
        raise PydanticCustomError("argument", "{name} and {other} say the same", {"name": name, "other": instead})
    found[name] = value
