"""Other frameworks' arguments of their initialisers, as this service's parameters.

A scheme under a framework's prefix (`torch:xavier_uniform`) takes that framework's own arguments too, so that a call
carries over word by word. To add one, add a row to ARGUMENTS, or a function of several to COMPUTED.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

ARGUMENTS: dict[str, dict[str, str]] = {
    "torch:normal": {"std": "stddev"},
    "torch:uniform": {"a": "minval", "b": "maxval"},
    "torch:trunc_normal": {"std": "stddev", "a": "minval", "b": "maxval"},
    "torch:sparse": {"std": "stddev"},
    "jax:uniform": {"scale": "maxval"},
}
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
        raise PydanticCustomError("argument", "gain must be {least} or more", {"least": LEAST_GAIN})
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


# (the arguments, and the scale that they come to)
COMPUTED: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], float]]] = {
    "torch:xavier_normal": (("gain",), by_gain),
    "torch:xavier_uniform": (("gain",), by_gain),
    "torch:kaiming_normal": (("a", "nonlinearity"), by_nonlinearity),
    "torch:kaiming_uniform": (("a", "nonlinearity"), by_nonlinearity),
}


def in_own_words(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scheme's parameters with a framework's own arguments turned into this service's."""
    found = dict(given)
    for theirs, ours in ARGUMENTS.get(name, {}).items():
        if theirs in found:
            put(found, ours, found.pop(theirs), theirs)
    arguments, scale = COMPUTED.get(name, ((), by_gain))
    if any(argument in found for argument in arguments):
        put(found, "scale", scale(found), " and ".join(arguments))
        for argument in arguments:
            found.pop(argument, None)
    return found


def put(found: dict[str, Any], name: str, value: Any, instead: str) -> None:
    if name in found:
        raise PydanticCustomError("argument", "{name} and {other} say the same", {"name": name, "other": instead})
    found[name] = value
