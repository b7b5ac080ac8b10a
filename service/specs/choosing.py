"""Choosing: what each layer is called, and the scheme that each of its parameters gets."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, Protocol

from service import stopping
from service.errors import InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.asked import SPECS_DTYPE, Asked, Decided, Decisions, Member
from service.networks.layers.layer import LayerSpec, PlacedSpec
from service.networks.layouts import LAYOUTS, OTHER_LAYOUTS, Layout
from service.networks.others import EveryLayout
from service.networks.parameters import AS_ASKED, Choice, Defaults, FanRule, Parameter, by_default, recommended
from service.networks.plan import Caution
from service.networks.schemes import Auto, Scheme
from service.replay import Replay
from service.specs.matching import (
    Kind,
    Matched,
    Names,
    RuleSet,
    bits,
    last,
    match,
    refuse_comparisons,
    warn_of_rules,
    warn_of_tied,
)
from service.specs.recipes import Expanded
from service.specs.rules import STATED, Rule
from service.specs.tensors import Listing
from service.specs.ties import Ties
from service.stream.dtypes import DtypeName

MOST_PARAMETERS = 2**18  # of a spec: a stacked recurrent layer alone can have hundreds
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
    def spoken(self) -> Layout: ...
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
    def tensors(self) -> Listing | None: ...
    @property
    def layers(self) -> Sequence[PlacedSpec]: ...
    @property
    def rules(self) -> Sequence[Rule]: ...
    @property
    def all_rules(self) -> Sequence[Rule]: ...


class Chosen(NamedTuple):
    """The layers, with the scheme that each of their parameters gets; `unused` warns of rules without effect."""

    layers: list[Asked]
    ties: Ties
    unused: list[Caution]


def choose(spec: Wanted, replay: Replay | None) -> Chosen:
    """Return what each layer gets.

    What a pointer leads to is the whole spec, a recipe's layers and rules in it. What is decided of a layer is decided
    of all that are alike and that the same rules match.
    """
    every = names_of(spec.layers, replay)
    places = weighted(spec.layers)
    names = [every[index] for index, _ in places]
    kinds = kinds_of(places, spec.layout)
    rules = spec.all_rules
    refuse_comparisons(rules, sum(len(kind.parameters) for kind in kinds))
    named = list(zip(names, kinds, strict=True)) if rules else []
    known = Names(named, spec.spoken)
    matches = match(rules, known)
    choosing = Choosing(spec, replay, rules)
    decided: dict[tuple[Kind, Matched], Decisions] = {}
    asked = []
    place = 0
    for (index, layer), name, kind in zip(places, names, kinds, strict=True):
        at, count = f"/layers/{index}", len(kind.parameters)
        matched = tuple(matches.rules[place : place + count]) if rules else (0,) * count
        place += count
        if (kind, matched) not in decided:
            stopping.give_way()
            decided[kind, matched] = choosing.decide(layer, kind, matched, at)
        asked.append(Asked(name, layer, at, decided[kind, matched]))
    ties = Ties.of(((layer.name, layer.placements) for layer in asked), spec.expanded.tied, spec.layout)
    unused = [*warn_of_tied(matches, known, ties)]
    if matches.doubtful:
        elsewhere = {}
        for layout in (*LAYOUTS, *OTHER_LAYOUTS):
            with suppress(UnsupportedCombination):  # that layout has no such layers
                if layout != spec.spoken:
                    elsewhere[layout] = Names(named, layout)
        unused += warn_of_rules(rules, matches, known, elsewhere)
    return Chosen(asked, ties, unused)


def weighted(layers: Sequence[PlacedSpec]) -> list[tuple[int, LayerSpec]]:
    """Return the layers that have weights, or a place in a framework's order, with where they stand."""
    return [(index, layer) for index, layer in enumerate(layers) if isinstance(layer, LayerSpec)]


class Naming:
    """What a layer is called that has no name: by its type and place, or as the framework counts those of its kind.

    Places count layers with weights alone, so that structure between them changes no name.
    """

    def __init__(self, replay: Replay | None) -> None:
        self._kind = None if replay is None else replay.kind_of
        self._counts: dict[str, int] = {}
        self._place = 0

    def usual(self, layer: LayerSpec) -> str:
        """Return the name of a layer behind those that were counted."""
        if self._kind is None:
            return f"{layer.type}_{self._place}"
        kind = self._kind(layer)
        return f"{kind}_{self._counts.get(kind, 0)}"

    def count(self, layer: LayerSpec, named: bool) -> None:
        """Count a layer; among those of its kind where it has no name of its own."""
        if self._kind is None:
            self._place += 1
        elif not named:
            kind = self._kind(layer)
            self._counts[kind] = self._counts.get(kind, 0) + 1


def names_of(layers: Sequence[PlacedSpec], replay: Replay | None) -> list[str]:
    """Return each layer's name, its own or the usual one; refuses one that stands twice."""
    naming = Naming(replay)
    names: dict[str, None] = {}
    for index, layer in enumerate(layers):
        if isinstance(layer, LayerSpec):
            name = naming.usual(layer) if layer.name is None else layer.name
            naming.count(layer, named=layer.name is not None)
        else:
            name = f"{layer.type}_{index}" if layer.name is None else layer.name
        if name in names:
            detail = f"two layers are called {name!r}; every layer needs a name of its own"
            raise InvalidSpec(detail, f"/layers/{index}/name")
        names[name] = None
    return list(names)


def kinds_of(places: Sequence[tuple[int, LayerSpec]], layout: Layout) -> list[Kind]:
    """Return what each layer consists of, one for all that are alike; refuses more parameters than there may be.

    Refuses a layer that the layout cannot have, too.
    """
    known: dict[str, Kind] = {}
    found, count = [], 0
    for index, layer in places:
        likeness = layer.likeness
        kind = known.get(likeness)
        if kind is None:
            stopping.give_way()
            kind = known[likeness] = Kind(layer.parameters(), EveryLayout(layer))
            try:
                kind.placements[layout]
            except UnsupportedCombination as error:
                raise error.at(f"/layers/{index}") from None
        count += len(kind.parameters)
        if count > MOST_PARAMETERS:
            raise TooLarge(f"the spec has more than {MOST_PARAMETERS:,} parameters", f"/layers/{index}")
        found.append(kind)
    return found


class Choosing:
    """What decides a scheme or a dtype: the last rule that matches, the layer's own member, then what is usual."""

    def __init__(self, spec: Wanted, replay: Replay | None, rules: Sequence[Rule]) -> None:
        self.spec = spec
        self.replay = replay
        self.rules = rules
        self.stating = {member: bits(getattr(rule, member) is not None for rule in rules) for member in STATED}

    def decide(self, layer: LayerSpec, kind: Kind, matched: Matched, at: str) -> Decisions:
        """Return what each parameter of a layer gets, and which members say so; `at` is the layer's pointer."""
        choices = {}
        for parameter, rules in zip(kind.parameters, matched, strict=True):
            if parameter.elements > MOST_ELEMENTS:
                detail = f"{parameter.name} has more elements than 64 bits can count; no address reaches them"
                raise TooLarge(detail, f"{at}/shape")
            scheme, dtype = self.choose(layer, parameter, rules), self.dtype(layer, parameter, rules)
            choices[parameter.name] = Decided(parameter, *scheme, *dtype, self.seed(rules))
        return Decisions(choices, kind.placements)

    def choose(self, layer: LayerSpec, parameter: Parameter, matched: RuleSet) -> tuple[Choice, Member]:
        ruled = last(matched & self.stating["scheme"])
        asked: Scheme | Auto | None
        if ruled is not None:
            rule = self.rules[ruled]
            asked, because, member = rule.scheme, rule.because, Member(f"/rules/{ruled}/scheme")
        elif parameter.member is not None:
            asked, member = getattr(layer, parameter.member), Member(f"/{parameter.member}", of_layer=True)
            because = self.spec.expanded.because if layer.listed is None else layer.listed.because
        else:
            asked, because, member = None, None, Member("", of_layer=True)
        if asked is None:
            return self.usual(layer, parameter), member
        if isinstance(asked, Auto):
            return self.in_kind(recommended(parameter, layer.activation, layer.gain)), member
        return Choice(asked, because or AS_ASKED, self.spec.fans), member

    def dtype(self, layer: LayerSpec, parameter: Parameter, matched: RuleSet) -> tuple[DtypeName, Member]:
        ruled = last(matched & self.stating["dtype"])
        asked = layer.dtype_of(parameter.name) if ruled is None else self.rules[ruled].dtype
        if asked is None:
            return self.spec.dtype, SPECS_DTYPE
        return asked, Member("/dtype", of_layer=True) if ruled is None else Member(f"/rules/{ruled}/dtype")

    def seed(self, matched: RuleSet) -> int | None:
        """Return the seed that a rule gives a parameter, None where none does."""
        ruled = last(matched & self.stating["seed"])
        if ruled is None:
            return None
        if self.replay is not None:
            raise UnsupportedCombination(
                f"{self.replay.name} draws layer by layer, and a layer may have a seed; a rule of a parameter may not",
                f"/rules/{ruled}/seed",
            )
        return self.rules[ruled].seed

    def usual(self, layer: LayerSpec, parameter: Parameter) -> Choice:
        """Return what a parameter gets of which nothing is said."""
        choice = by_default(parameter, layer.activation, self.spec.defaults, layer.gain)
        return choice if choice.of else self.in_kind(choice)

    def in_kind(self, choice: Choice) -> Choice:
        """Return what is recommended as the framework has it whose stream is replayed."""
        return choice if self.replay is None else replace(choice, scheme=self.replay.in_kind(choice.scheme))
