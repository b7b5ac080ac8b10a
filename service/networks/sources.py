"""What draws a layer's canonical parameters in initserve's own stream.

Most schemes draw a parameter by itself. Under a framework's prefix, a scheme in which it matters where a value stands
(orthogonal, sparse, dirac, …) makes that framework's array instead, whose elements keep the words that they have in
the canonical parameters; these are then read off it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod

from service.errors import InitserveError, UnsupportedCombination
from service.networks.asked import Asked, Decided, Draw, Made, Source
from service.networks.fans import Fans
from service.networks.frameworks import BY_RULE, FRAMEWORKS, Framework, FrameworkArray, arrays_of, holding
from service.networks.inversion import inverted
from service.networks.layouts import Placement, Take, as_they_are
from service.networks.schemes.scaling import VarianceScaling
from service.networks.site import Site
from service.stream.chance import Own, Woven
from service.stream.distributions import Distribution
from service.stream.draws import Addressed, MadeOf
from service.stream.matrices import MadeAsWhole, WithZeroRow
from service.stream.streams import Streams
from service.stream.views import Form


def made(layer: Asked) -> Made:
    """Return what draws a layer and those that are like it.

    Raises InitserveError, with the pointer to what says so, for what cannot be.
    """
    known = Arrays(layer, {})
    found: dict[str, Source] = {}
    forms: dict[str, Form] = {}
    arrays: dict[str, Draw] = {}
    read_off: dict[str, list[str]] = {}
    for name, decided in layer.choices.items():
        site = replace(known.site(decided), name=f"{layer.name}/{name}")
        distribution = realised(decided, site, layer)
        stated = decided.stated
        if known.stands_otherwise(decided):
            assert decided.choice.scheme.framework is not None
            read_off.setdefault(decided.choice.scheme.framework, []).append(name)
        else:
            if stated.zero_row is not None:
                distribution = WithZeroRow(distribution, stated.zero_row, *stated.shape)
            forms |= as_they_are({name: stated.shape})
            arrays[name] = partial(addressed, distribution, decided, stated.elements)
        found[name] = Source(stated, decided.choice, fans_told(decided, site), distribution)
    for framework, names in read_off.items():
        placements = []
        for array in known.of(FRAMEWORKS[framework]):
            if not set(names) & set(array.placement.of.sources()):
                continue
            key = f"{framework}:{array.placement.name}"
            placements.append(Placement(key, array.placement.of))
            arrays[key] = drawn(array, layer)
        forms |= inverted(placements, {name: layer.choices[name].stated.shape for name in names})
    return Made(found, forms, arrays)


def addressed(distribution: Distribution, decided: Decided, elements: int, streams: Streams) -> Addressed:
    """Return what draws so many elements in the stream of a parameter."""
    return Addressed(distribution, streams.of(decided.stated.name, decided.seed), elements)


@dataclass(frozen=True, slots=True)
class Arrays:
    """A layer's arrays in each framework that its schemes name, looked up once."""

    layer: Asked
    known: dict[str, list[FrameworkArray]]

    def of(self, framework: Framework) -> list[FrameworkArray]:
        if framework.name not in self.known:
            self.known[framework.name] = arrays_of(
                self.layer.spec, self.layer.parameters, self.layer.placements, framework
            )
        return self.known[framework.name]

    def site(self, decided: Decided) -> Site:
        """Return where a parameter's scheme is applied: on itself, or on the framework's array that it stands in."""
        stated, choice = decided.stated, decided.choice
        if choice.scheme.framework is not None:
            return holding(self.of(FRAMEWORKS[choice.scheme.framework]))[stated.name].site(stated)
        own = stated.site(choice.fans)
        counted_by = choice.scheme.counted_by
        # As that framework's initialisers count, not its defaults.
        if counted_by is not None or (choice.of is None and choice.fans != "true"):
            framework = BY_RULE[choice.fans] if counted_by is None else FRAMEWORKS[counted_by]
            return replace(own, counted=holding(self.of(framework))[stated.name].fans, rule=framework.name)
        return own

    def stands_otherwise(self, decided: Decided) -> bool:
        """Whether a parameter is to be read off a framework's array in which its elements stand in another order."""
        scheme, name = decided.choice.scheme, decided.stated.name
        if not scheme.positional or scheme.framework is None:
            return False
        return holding(self.of(FRAMEWORKS[scheme.framework]))[name].placement.of != Take(name)


def fans_told(decided: Decided, site: Site) -> Fans:
    """Return the fans that an answer shows: by the axes that a scheme names, or the site's, or the true ones."""
    scheme = decided.choice.scheme
    if isinstance(scheme, VarianceScaling) and scheme.by_axes:
        fans = scheme.fans(site)
        return Fans(round(fans.fan_in), round(fans.fan_out))
    return site.counted or decided.stated.fans


def realised(decided: Decided, site: Site, layer: Asked) -> Distribution:
    scheme = decided.choice.scheme
    try:
        return scheme.realise(site)
    except InitserveError as error:
        raised = error.at(layer.pointer_to(decided.said_by))
        counted = decided.choice.fans in ("true", "keras")  # of one axis too, without the prefix
        if counted and site.counted is None and scheme.framework is not None and isinstance(scheme, VarianceScaling):
            plain = scheme.model_dump(include={"scale", "mode", "distribution"}) | {"name": "variance_scaling"}
            raised.remedy = {decided.said_by.pointer.rpartition("/")[2]: plain}  # counts what the layer connects
        raise raised from None


def drawn(array: FrameworkArray, layer: Asked) -> Draw:
    """Return what draws a framework's array; raises UnsupportedCombination where its parts have several schemes."""
    parts: Mapping[str, Decided] = {name: layer.choices[name] for name in array.placement.of.sources()}
    first = next(iter(parts.values()))
    for other in parts.values():
        if other.choice.scheme != first.choice.scheme:
            raise UnsupportedCombination(
                f"{other.stated.name} and {first.stated.name} are one array in {array.framework.name}, "
                f"{array.placement.name}, which has one scheme; state the same for both",
                layer.pointer_to(other.said_by),
            )
    site = replace(array.site(first.stated), name=f"{layer.name}/{first.stated.name}")
    distribution, elements = realised(first, site, layer), prod(array.shape)
    if not isinstance(distribution, MadeAsWhole):  # there is no chance in it
        return partial(addressed, distribution, first, elements)
    form = array.placement.of.form(as_they_are({part.stated.name: part.stated.shape for part in parts.values()}))

    def woven(streams: Streams) -> MadeOf:
        own = {name: (Own(streams.of(name, part.seed)), part.stated.elements) for name, part in parts.items()}
        return MadeOf(distribution, Woven(form, own), elements)

    return woven
