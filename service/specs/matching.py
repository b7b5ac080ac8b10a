"""Matching: which rule each parameter gets, and which rules match nothing.

A rule speaks of parameters by their canonical paths, the same in every layout. One that matches none of these speaks
of them by the names of the arrays in which the answer shows them: an array may hold several parameters, and all of
them are meant; a parameter may stand in several arrays, a gate in each, and has one scheme, so that all must match.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

from service import stopping
from service.errors import TooLarge
from service.networks.layouts import Arrangement, Cut, Flip, Join, Layout, Move, Placements, Reshape, Sum, behind
from service.networks.parameters import Parameter
from service.networks.plan import Caution
from service.once import once
from service.specs.nearness import Nearest
from service.specs.rules import Rule, is_literal, matcher, price
from service.specs.ties import Ties

# Of a piece of a pattern with a name, a microsecond or two: 10 patterns with a star each on 200,000 parameters, each
# with two names.
MOST_COMPARISONS = 2**22
OFTEN = 2048  # names between two looks whether somebody still waits

T = TypeVar("T")


RuleSet: TypeAlias = int  # a bit for each rule, the first rule's the lowest
Matched: TypeAlias = tuple[RuleSet, ...]  # the rules that mean each parameter of a layer


def bits(rules: Iterable[bool]) -> RuleSet:
    """Return the set of the rules of which something is true."""
    return sum(1 << index for index, true in enumerate(rules) if true)


def last(rules: RuleSet) -> int | None:
    """Return the place of the last rule of a set, None of an empty one."""
    return rules.bit_length() - 1 if rules else None


def giving_way(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and give way now and then: each takes a microsecond or some."""
    for count, item in enumerate(items):
        if not count % OFTEN:
            stopping.give_way()
        yield item


class Shown(NamedTuple):
    """An array's name behind its layer's, and the places of the parameters that it speaks for."""

    name: str
    speaks_for: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Kind:
    """The parameters of layers that are alike, and the arrays that each layout has of them."""

    parameters: tuple[Parameter, ...]
    placements: Placements

    @once
    def paths(self) -> list[str]:
        """The canonical paths behind a layer's name."""
        return [f"/{parameter.name}" for parameter in self.parameters]

    def shown(self, layout: Layout) -> list[Shown]:
        """Return the arrays in a layout, without those that have the path of a parameter: they speak of that alone."""
        places = {parameter.name: place for place, parameter in enumerate(self.parameters)}
        names = ((behind(placement.name, layout), placement.of) for placement in self.placements[layout])
        return [
            Shown(name, tuple(places[parameter] for parameter in spoken_for(of)))
            for name, of in names
            if name not in self.paths
        ]


class Names:
    """The names of a network's parameters: `paths` are canonical, `shown` are those of arrays.

    A parameter is told by its place among all. An array has the place of its layer's first parameter, and those of the
    parameters that it speaks for, counted from there. `arrays` says how many names of `shown` a parameter has.
    """

    def __init__(self, layers: Iterable[tuple[str, Kind]], layout: Layout) -> None:
        self.paths: dict[str, int] = {}
        self.shown: dict[str, tuple[int, tuple[int, ...]]] = {}
        self.arrays: list[int] = []
        known: dict[Kind, tuple[list[Shown], list[int]]] = {}
        for layer, kind in giving_way(layers):
            if kind not in known:
                shown = kind.shown(layout)
                counts = Counter(place for each in shown for place in each.speaks_for)
                known[kind] = shown, [counts[place] for place in range(len(kind.paths))]
            shown, arrays = known[kind]
            first = len(self.arrays)
            self.arrays += arrays
            for place, path in enumerate(kind.paths, first):
                self.paths[layer + path] = place
            for name, speaks_for in shown:
                self.shown[layer + name if layer else name[1:]] = first, speaks_for

    def __iter__(self) -> Iterator[str]:
        yield from self.paths
        yield from self.shown

    def __len__(self) -> int:
        return len(self.paths) + len(self.shown)

    def matched_by(self, pattern: str) -> "Match":
        stopping.give_way()
        if is_literal(pattern):
            paths = {self.paths[pattern]} if pattern in self.paths else set()
            shown = [self.shown[pattern]] if pattern in self.shown else []
        else:
            matches = matcher(pattern)
            paths = {place for path, place in giving_way(self.paths.items()) if matches(path)}
            shown = [array for name, array in giving_way(self.shown.items()) if matches(name)]
        seen = Counter(first + place for first, speaks_for in shown for place in speaks_for)
        whole = {place for place, count in seen.items() if count == self.arrays[place]}
        if paths:
            return Match(paths, "", self.least(whole - paths))
        return Match(whole, self.least(seen.keys() - whole), "")

    def least(self, places: Set[int]) -> str:
        """Return the path of one of these parameters, the first in the order of letters; "" where there is none."""
        paths = list(self.paths) if places else []
        return min((paths[place] for place in places), default="")


@dataclass(frozen=True, slots=True)
class Match:
    """The places of the parameters that a pattern means.

    `part` is the path of one of which it matches only a part, `other` of one that it matches only as it is shown, while
    it means those that it matches by their paths; "" where there is none.
    """

    meant: Set[int]
    part: str
    other: str


def spoken_for(arrangement: Arrangement) -> tuple[str, ...]:
    """Return the parameters that an array's name speaks for: of a sum the first, of arrays joined all."""
    match arrangement:
        case Sum(parts):
            return spoken_for(parts[0])
        case Join(parts):
            return tuple(dict.fromkeys(name for part in parts for name in spoken_for(part)))
        case Cut(of) | Move(of) | Reshape(of) | Flip(of):
            return spoken_for(of)
        case _:
            return arrangement.sources()


@dataclass(frozen=True, slots=True)
class Matches:
    """`rules` are those that mean a parameter, by its place; `of` says of each rule what it matches."""

    rules: Sequence[RuleSet]
    of: Sequence[Match]

    @property
    def doubtful(self) -> bool:
        """Whether any rule is to be warned of."""
        return any(not each.meant or each.other for each in self.of)


def refuse_comparisons(rules: Sequence[Rule], names: int) -> None:
    """Refuse more comparisons of patterns with so many names than one spec may ask for."""
    asked = names * sum(price(rule.match) for rule in rules if not is_literal(rule.match))
    if asked > MOST_COMPARISONS:
        raise TooLarge(
            f"the patterns of {len(rules)} rules on {names:,} names of parameters are {asked:,} comparisons; at most "
            f"{MOST_COMPARISONS:,} are made: fewer rules, or fewer stars in them, will do",
            "/rules",
        )


def match(rules: Sequence[Rule], names: Names) -> Matches:
    """Return which rules mean each parameter."""
    refuse_comparisons(rules, len(names))
    found = [names.matched_by(rule.match) for rule in rules]
    matched = [0] * len(names.paths)
    for index, each in enumerate(found):
        for place in each.meant:
            matched[place] |= 1 << index
    return Matches(matched, found)


def warn_of_rules(
    rules: Sequence[Rule], matches: Matches, names: Names, elsewhere: Mapping[Layout, Names]
) -> Iterator[Caution]:
    """Warn of rules that no parameter gets its scheme by, with the name that may have been meant.

    `elsewhere` are the names in the layouts that were not asked for.
    """
    near = Nearest(names)
    for index, found in enumerate(matches.of):
        pointer, pattern = f"/rules/{index}/match", rules[index].match
        if found.other:
            detail = f"this matches paths in Keras's names; {found.other}, which only its shown name fits, is left out"
            yield Caution("partly-used-rule", pointer, detail, {})
        if found.meant:
            continue
        layout, there = next(
            (
                (layout, others.least(one))
                for layout, others in elsewhere.items()
                if (one := others.matched_by(pattern).meant)
            ),
            ("", ""),
        )
        meant = found.part or there or near.to(pattern)
        if found.part:
            detail = f"this matches only a part of {meant}, which has one scheme; match that"
        elif there:
            detail = f"only in the layout {layout} is a parameter called this; in every layout it is {meant}"
        elif meant:
            detail = f"no parameter is called this; the nearest name is {meant}"
        else:
            detail = "there is no parameter that this could match"
        yield Caution("unused-rule", pointer, detail, {"match": meant} if meant else {})


def warn_of_tied(matches: Matches, names: Names, ties: Ties) -> Iterator[Caution]:
    """Warn of rules that mean nothing but parameters that are others of a published model."""
    sources = {
        names.paths[f"{layer}/{parameter}"]: (f"{layer}/{parameter}", source)
        for layer, tied in (ties.parameters.items() if matches.of else ())
        for parameter, source in tied.items()
    }
    for index, found in enumerate(matches.of):
        if found.meant and found.meant <= sources.keys():
            path, source = sources[min(found.meant)]
            detail = f"{path} is {source} here, and starts as that does: match that"
            yield Caution("unused-rule", f"/rules/{index}/match", detail, {"match": source})
