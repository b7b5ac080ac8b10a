"""Choosing: what each layer is called, and the scheme that each of its parameters gets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from service.errors import InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.asked import Asked, Decided
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import LAYOUTS, Layout
from service.networks.parameters import AS_ASKED, Choice, Defaults, FanRule, Parameter, by_default, recommended
from service.networks.plan import Caution
from service.networks.schemes import Auto, Scheme
from service.replay import Replay
from service.specs.matching import Matches, Names, match, refuse_comparisons, warn_of_rules
from service.specs.recipes import Expanded
from service.specs.rules import Rule
from service.stream.dtypes import DtypeName

MOST_PARAMETERS = 8192  # of a spec: a stacked recurrent layer alone can have hundreds
MOST_ELEMENTS = 2**63 - 1  # of a parameter


class Wanted(Protocol):
    """What planning reads of a spec; a recipe's layers are its `layers`, and `all_rules` begin with the recipe's."""

    @property
    def algorithm(self) -> str: ...
    @property
    def exact(self) -> bool: ...
    @property
    def seed(self) -> int | None: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def dtype(self) -> DtypeName: ...
    @property
    def defaults(self) -> Defaults: ...
    @property
    def fans(self) -> FanRule: ...
    @property
    def recipe(self) -> str | None: ...
    @property
    def expanded(self) -> Expanded: ...
    @property
    def select(self) -> str | None: ...
    @property
    def layers(self) -> Sequence[LayerSpec]: ...
    @property
    def rules(self) -> Sequence[Rule]: ...
    @property
    def all_rules(self) -> Sequence[Rule]: ...


def choose(spec: Wanted, replay: Replay | None) -> tuple[list[Asked], list[Caution]]:
    """Return the layers by name, with the scheme that each of their parameters gets, and rules without effect.

    What a pointer leads to is the whole spec, a recipe's layers and rules in it.
    """
    layers = list(zip(names_of(spec.layers, replay), counted(spec.layers), strict=True))
    rules = spec.all_rules
    refuse_comparisons(rules, sum(len(parameters) for _, parameters in layers))
    placed = [layer.placements() for layer in spec.layers]
    names = Names.of(layers, placed, spec.layout) if rules else Names()
    matches = match(rules, names)
    choosing = Choosing(spec, replay, rules, matches)
    asked = []
    for index, (name, parameters) in enumerate(layers):
        layer, at = spec.layers[index], f"/layers/{index}"
        choices = {each.name: choosing.decide(layer, each, f"{name}/{each.name}", at) for each in parameters}
        asked.append(Asked(name, layer, at, choices, placed[index]))
    if not matches.doubtful:
        return asked, []
    elsewhere = {layout: Names.of(layers, placed, layout) for layout in LAYOUTS if layout != spec.layout}
    return asked, list(warn_of_rules(rules, matches, names, elsewhere))


class Naming:
    """What a layer is called that has no name: by its type and place, or as the framework counts those of its kind."""

    def __init__(self, replay: Replay | None) -> None:
        self._kind = None if replay is None else replay.kind_of
        self._counts: dict[str, int] = {}

    def usual(self, index: int, layer: LayerSpec) -> str:
        """Return the name of a layer at this place, behind those that were counted."""
        if self._kind is None:
            return f"{layer.type}_{index}"
        kind = self._kind(layer)
        return f"{kind}_{self._counts.get(kind, 0)}"

    def next(self, index: int, layer: LayerSpec) -> str:
        """Return the usual name of a layer that has none of its own, and count it."""
        name = self.usual(index, layer)
        if self._kind is not None:
            kind = self._kind(layer)
            self._counts[kind] = self._counts.get(kind, 0) + 1
        return name


def names_of(layers: Sequence[LayerSpec], replay: Replay | None) -> list[str]:
    """Return each layer's name, its own or the usual one; refuses one that stands twice."""
    naming = Naming(replay)
    names: dict[str, None] = {}
    for index, layer in enumerate(layers):
        name = naming.next(index, layer) if layer.name is None else layer.name
        if name in names:
            detail = f"two layers are called {name!r}; every layer needs a name of its own"
            raise InvalidSpec(detail, f"/layers/{index}/name")
        names[name] = None
    return list(names)


def counted(layers: Sequence[LayerSpec]) -> list[tuple[Parameter, ...]]:
    """Return the parameters of each layer; refuses more than there may be before anything is done for each of them."""
    found, count = [], 0
    for index, layer in enumerate(layers):
        parameters = layer.parameters()
        count += len(parameters)
        if count > MOST_PARAMETERS:
            raise TooLarge(f"the spec has more than {MOST_PARAMETERS:,} parameters", f"/layers/{index}")
        found.append(parameters)
    return found


class Choosing:
    """What decides a scheme or a dtype: the last rule that matches, the layer's own member, then what is usual."""

    def __init__(self, spec: Wanted, replay: Replay | None, rules: Sequence[Rule], matches: Matches) -> None:
        self.spec = spec
        self.replay = replay
        self.rules = rules
        self.matches = matches

    def decide(self, layer: LayerSpec, parameter: Parameter, path: str, at: str) -> Decided:
        """Return a parameter's scheme and dtype, each with the pointer to the member that says so."""
        choice, pointer = self.choose(layer, parameter, path, at)
        if parameter.elements > MOST_ELEMENTS:
            detail = f"{parameter.name} has more elements than 64 bits can count; no address reaches them"
            raise TooLarge(detail, f"{at}/shape")
        return Decided(parameter, choice, pointer, *self.dtype(layer, path, at), self.seed(path))

    def seed(self, path: str) -> int | None:
        """Return the seed that a rule gives a parameter, None where none does."""
        ruled = self.matches.winners["seed"].get(path)
        if ruled is None:
            return None
        if self.replay is not None:
            raise UnsupportedCombination(
                f"{self.replay.name} draws layer by layer, and a layer may have a seed; a rule of a parameter may not",
                f"/rules/{ruled}/seed",
            )
        return self.rules[ruled].seed

    def choose(self, layer: LayerSpec, parameter: Parameter, path: str, at: str) -> tuple[Choice, str]:
        ruled = self.matches.winners["scheme"].get(path)
        asked: Scheme | Auto | None
        if ruled is not None:
            rule = self.rules[ruled]
            asked, because, pointer = rule.scheme, rule.because, f"/rules/{ruled}/scheme"
        elif parameter.member is not None:
            asked, pointer = getattr(layer, parameter.member), f"{at}/{parameter.member}"
            because = self.spec.expanded.because
        else:
            asked, because, pointer = None, None, at
        if asked is None:
            return self.usual(layer, parameter), pointer
        if isinstance(asked, Auto):
            return self.in_kind(recommended(parameter, layer.activation, layer.gain)), pointer
        return Choice(asked, because or AS_ASKED, self.spec.fans), pointer

    def dtype(self, layer: LayerSpec, path: str, at: str) -> tuple[DtypeName, str]:
        ruled = self.matches.winners["dtype"].get(path)
        asked = layer.dtype if ruled is None else self.rules[ruled].dtype
        if asked is None:
            return self.spec.dtype, "/dtype"
        return asked, f"{at if ruled is None else f'/rules/{ruled}'}/dtype"

    def usual(self, layer: LayerSpec, parameter: Parameter) -> Choice:
        """Return what a parameter gets of which nothing is said."""
        choice = by_default(parameter, layer.activation, self.spec.defaults, layer.gain)
        return choice if choice.of else self.in_kind(choice)

    def in_kind(self, choice: Choice) -> Choice:
        """Return what is recommended as the framework has it whose stream is replayed."""
        return choice if self.replay is None else replace(choice, scheme=self.replay.in_kind(choice.scheme))
