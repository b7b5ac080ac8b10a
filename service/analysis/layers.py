"""Which rule a layer runs by, and what else a study asks of its type."""

from collections.abc import Mapping

from service.analysis.rules import RULES, Rule
from service.errors import UnsupportedCombination
from service.networks.asked import Source
from service.networks.layers.layer import PlacedSpec
from service.networks.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from service.networks.plan import PlannedLayer
from service.networks.schemes.scaling import Siren

NORMS = (BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm)
# Members that change what a layer does beyond its rule.
BEYOND = ("projection", "key_width", "value_width", "bias_kv")


def rule_of(layer: PlacedSpec, at: str) -> Rule:
    for member in BEYOND:
        if getattr(layer, member, None):
            raise UnsupportedCombination(f"a layer with {member} has no rule to run by here", at)
    if layer.type in RULES:
        return RULES[layer.type]
    names = "dense, conv, separable and depthwise, embedding, norms, recurrent, attention"
    raise UnsupportedCombination(f"a layer of type {layer.type} has no rule to run by here; these have: {names}", at)


def frequency_of(activation: str, sources: Mapping[str, Source]) -> float:
    """Return what a sine layer's outputs are multiplied by before the sine: the omega that siren narrows weights by."""
    schemes = [source.choice.scheme for source in sources.values()]
    return next((one.omega for one in schemes if isinstance(one, Siren) and activation == "sin"), 1.0)


def sources_of(planned: PlannedLayer) -> Mapping[str, Source]:
    return planned.parameters[0].array.sources
