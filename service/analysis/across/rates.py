"""The learning rates that go with µP's start, for the optimiser that is used (Yang et al. 2022, table 3).

| arrays                     | Adam          | SGD           |
|----------------------------|---------------|---------------|
| hidden kernels             | base / fan_in | 1             |
| the output layer's kernel  | base / fan_in | base / fan_in |
| all others                 | 1             | width / base  |

Others are those that do not grow in both directions: embeddings, biases, scales and shifts of norms.
"""

from collections.abc import Mapping
from statistics import median

from service.analysis.layers import sources_of
from service.analysis.network import Network
from service.analysis.optimizers import OptimizerName
from service.networks.asked import Source
from service.networks.schemes.scaling import MupNormal


def rates_of(network: Network, optimizer: OptimizerName) -> dict[str, float]:
    """Return the factor on the rate of each array, under LAYER/ARRAY; none where no kernel starts as µP has it."""
    sources = {
        f"{place.name}/{name}": source
        for place, planned in zip(network.graph.places, network.planned, strict=True)
        if planned is not None and planned.parameters
        for name, source in sources_of(planned).items()
    }
    growth = {path: grown for path, source in sources.items() if (grown := growth_of(source)) is not None}
    if not growth:
        return {}
    others = 1.0 if optimizer == "adam" else median(growth.values())
    return {
        path: others if path not in growth else factor(source, growth, path, optimizer)
        for path, source in sources.items()
    }


def growth_of(source: Source) -> float | None:
    """Return how many times as wide as its narrow model a kernel is that starts as µP has it."""
    scheme = source.choice.scheme
    return source.fans.fan_in / scheme.base if isinstance(scheme, MupNormal) else None


def factor(source: Source, growth: Mapping[str, float], path: str, optimizer: OptimizerName) -> float:
    scheme = source.choice.scheme
    assert isinstance(scheme, MupNormal)
    return 1.0 / growth[path] if optimizer == "adam" or scheme.output else 1.0
