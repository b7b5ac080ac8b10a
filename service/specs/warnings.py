"""Warnings: what a spec may say and its author will regret."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.networks.activations import ACTIVATIONS
from service.networks.asked import Asked, Source
from service.networks.layers.recurrent import Lstm
from service.networks.layouts import Layout
from service.networks.others import OTHERS
from service.networks.parameters import AS_ASKED, recommended
from service.networks.plan import Caution
from service.networks.schemes.scaling import Siren
from service.stream.distributions import Constant, Independent

WEIGHTS = ("weights", "recurrent", "embedding")
# A factor on the variance, forth or back: beyond it ten layers change magnitudes a thousandfold.
FAR = 4.0


def warn_of_config(misspelt: Mapping[str, str]) -> Iterator[Caution]:
    """Warn of members of a config from which nothing is read, which nearly have the name of one from which it is."""
    for name, meant in misspelt.items():
        at = name.replace("~", "~0").replace("/", "~1")
        yield Caution("unread-setting", f"/config/{at}", f"nothing is read from this; did you mean {meant}?", {})


def warn_of_shifted_gates(layers: Iterable[Asked], layout: Layout) -> Iterator[Caution]:
    """Warn, once, of lstms in a layout whose framework adds to their forget gate what others keep in the bias."""
    shift = OTHERS[layout].forget_shift if layout in OTHERS else None
    if shift is not None and any(isinstance(layer.spec, Lstm) for layer in layers):
        yield Caution("gate-shift", "/layout", shift, {})


def warn(source: Source, activation: str, pointer: str) -> list[Caution]:
    """Return the warnings of one canonical parameter."""
    stated = source.stated
    if stated.role not in WEIGHTS or len(stated.shape) < 2 or stated.member is None:
        return []
    if source.choice.reason != AS_ASKED:  # a default, or somebody's own reason
        return []
    remedy: dict[str, Any] = {pointer.rpartition("/")[2]: recommended(stated, activation).scheme.name}
    if isinstance(source.distribution, Constant):
        return [Caution("symmetric-weights", pointer, constant_detail(source.distribution.value), remedy)]
    if stated.role != "weights":
        return []
    return [*misfit(source, activation, pointer, remedy), *scale(source, activation, pointer, remedy)]


def constant_detail(value: float) -> str:
    """Return what equal weights do in most stacks; /diagnose knows whether they do so in this one."""
    if value == 0.0:
        passes = "outputs are 0, and no derivative goes back through this layer before a step has moved it"
        return (
            f"all weights start at 0: {passes}; with two such layers in a row, or a relu after one, nothing is learnt"
        )
    alike = "every unit computes the same, and is changed alike wherever the next layer's weights are alike too"
    return f"all weights start at {value:g}: {alike}"


def misfit(source: Source, activation: str, pointer: str, remedy: dict[str, Any]) -> list[Caution]:
    """Warn of a scheme made for other activations: He before a saturating one, Glorot before a rectifier."""
    asked, best = source.choice.scheme.name.split("_")[0], ACTIVATIONS[activation].scheme.split("_")[0]
    if {asked, best} <= {"he", "glorot", "lecun"} and asked != best and activation != "linear":
        detail = f"{source.choice.scheme.name} is not made for {activation}; {ACTIVATIONS[activation].because}"
        return [Caution("scheme-activation-mismatch", pointer, detail, remedy)]
    return []


def scale(source: Source, activation: str, pointer: str, remedy: dict[str, Any]) -> list[Caution]:
    """Warn of a deviation that makes the layer's outputs far larger or smaller than its inputs."""
    if not isinstance(source.distribution, Independent):
        return []
    # Narrow by omega, which the sine after them multiplies by; a SIREN's last layer has them before no activation.
    if isinstance(source.choice.scheme, Siren) and activation in ("sin", "linear"):
        return []
    gain = ACTIVATIONS[activation].gain
    deviation = source.distribution.deviation
    factor = deviation * deviation * source.stated.fans.fan_in * gain**-2
    if 1.0 / FAR <= factor <= FAR:
        return []
    word = "larger" if factor > 1.0 else "smaller"
    ratio = max(factor, 1.0 / factor) if factor else float("inf")
    detail = f"the variance of this layer's outputs is {ratio:.3g} times {word} than keeps magnitudes stable"
    return [Caution("unstable-scale", pointer, detail, remedy)]


def may_repeat(source: Source) -> bool:
    """Whether weights are drawn without chance, so that others may be the same; those that are constant are told of."""
    if source.stated.role not in WEIGHTS or len(source.stated.shape) < 2 or source.choice.reason != AS_ASKED:
        return False
    return source.distribution.deterministic and not isinstance(source.distribution, Constant)


def warn_of_twins(sources: list[tuple[str, Source]]) -> list[Caution]:
    """Warn of weights that are the same array: of those that may repeat, which come of the same parameters."""
    seen: dict[Any, str] = {}
    found = []
    for pointer, source in sources:
        key = (source.distribution, source.stated.shape)
        if key in seen:
            detail = f"the same values as at {seen[key]}: nothing tells the two apart"
            found.append(Caution("identical-parameters", pointer, detail, {"scheme": "auto"}))
        seen.setdefault(key, pointer)
    return found
