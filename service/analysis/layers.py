"""What a study asks of a layer beside its rule: which are norms, what its weights come of, how fast its sine is."""

from collections.abc import Mapping

from service.networks.asked import Source
from service.networks.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from service.networks.plan import PlannedLayer
from service.networks.schemes.scaling import Siren

NORMS = (BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm)


def frequency_of(activation: str, sources: Mapping[str, Source]) -> float:
    """Return what a sine layer's outputs are multiplied by before the sine: the omega that siren narrows weights by."""
    schemes = [source.choice.scheme for source in sources.values()]
    return next((one.omega for one in schemes if isinstance(one, Siren) and activation == "sin"), 1.0)


def sources_of(planned: PlannedLayer) -> Mapping[str, Source]:
    return planned.parameters[0].array.sources
