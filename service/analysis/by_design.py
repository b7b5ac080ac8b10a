"""Units that are alike by design: one constant before them, and another behind them, which no step tells apart."""

from collections.abc import Mapping

from service.analysis.layers import sources_of
from service.analysis.network import Network
from service.analysis.reach import Ahead, ahead, is_norm
from service.networks.graph.graph import Place
from service.networks.layers.structure import Add, Multiply
from service.networks.plan import PlannedLayer
from service.stream.distributions import Constant

Constants = Mapping[int, bool]  # of the places with weights, whether these hold one value throughout


def alike_by_design(network: Network) -> list[bool]:
    """Return of each layer with weights whether its units are alike, and stay so.

    Norms treat every unit alike, unless their scale and shift are drawn. The last layers have nothing behind them; of
    one with a norm alone behind it, the loss asks for something else at each unit, through the norm too.
    Where another layer's outputs, whose units differ, are added to units that are alike, the layer behind sees them
    differ, and its first step tells them apart.
    """
    constant = {number: is_constant(one) for number, one in enumerate(network.planned) if one is not None}
    same = same_features(network, constant)
    found = dict.fromkeys(network.weighted, False)
    for number in network.weighted:
        if is_norm(network.graph.places[number]):
            continue
        next_ = ahead(network.graph, number)
        if not next_.weighted:
            found[number] = constant[number] and not next_.norms
        elif all(constant.get(one, False) for one in (number, *next_.weighted, *next_.norms)) and unmixed(next_, same):
            found |= dict.fromkeys((number, *next_.norms), True)
    return [found[number] for number in network.weighted]


def unmixed(next_: Ahead, same: list[bool]) -> bool:
    return all(same[one] for one in next_.mixed)


def same_features(network: Network, constant: Constants) -> list[bool]:
    """Return of each place whether all the features that it gives are one and the same."""
    found: list[bool] = []
    for number, place in enumerate(network.graph.places):
        came = [one.place is not None and found[one.place] for one in place.takes]
        if is_norm(place):
            found.append(constant[number] and all(came))
        elif number in constant:
            found.append(constant[number])
        elif place.tied is not None:
            found.append(constant[place.tied])
        else:
            found.append(bool(came) and all(came) and keeps_alike(place))
    return found


def keeps_alike(place: Place) -> bool:
    """Whether a place without weights gives equal features where it takes them: what joins several may not."""
    return len(place.takes) == 1 or isinstance(place.layer, Add | Multiply)


def is_constant(planned: PlannedLayer) -> bool:
    """Whether each of a layer's parameters holds one value throughout."""
    return bool(planned.parameters) and all(
        isinstance(source.distribution, Constant) for source in sources_of(planned).values()
    )
