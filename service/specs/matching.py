"""Matching: which rule each parameter gets, and which rules match nothing.

A rule speaks of parameters by their canonical paths, the same in every layout. One that matches none of these speaks
of them by the names of the arrays in which the answer shows them: an array may hold several parameters, and all of
them are meant; a parameter may stand in several arrays, a gate in each, and has one scheme, so that all must match.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from service.errors import TooLarge
from service.networks.layouts import Arrangement, Cut, Flip, Join, Layout, Move, Placements, Reshape, Sum, key_of
from service.networks.parameters import Parameter
from service.networks.plan import Caution
from service.specs.nearness import Nearest
from service.specs.rules import STATED, Rule, is_literal, matcher, price

# Of a piece of a pattern with a name: 64 patterns with one star each on 8,192 parameters, each with two names.
MOST_COMPARISONS = 2**20


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a network's parameters: `paths` are canonical, `shown` are those of arrays with what is in them."""

    paths: dict[str, None] = field(default_factory=dict)  # in order, each once
    shown: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    arrays: Counter[str] = field(default_factory=Counter)  # of a path: how many names of `shown` it has

    @classmethod
    def of(
        cls,
        layers: Iterable[tuple[str, Sequence[Parameter]]],
        placed: Iterable[Placements],
        layout: Layout,
    ) -> "Names":
        """Return the names of the parameters of layers, by the layers' names, and of their arrays in a layout."""
        names = cls()
        for (layer, parameters), placements in zip(layers, placed, strict=True):
            own = dict.fromkeys(f"{layer}/{parameter.name}" for parameter in parameters)
            names.paths.update(own)
            for placement in placements[layout]:
                name = key_of(layer, placement.name, layout)
                if name in own:  # it speaks of that parameter alone
                    continue
                held = [f"{layer}/{parameter}" for parameter in spoken_for(placement.of)]
                names.shown[name] += held
                names.arrays.update(held)
        return names

    def __iter__(self) -> Iterator[str]:
        yield from self.paths
        yield from self.shown

    def __len__(self) -> int:
        return len(self.paths) + len(self.shown)

    def matched_by(self, pattern: str) -> "Match":
        if is_literal(pattern):
            found = [pattern] if pattern in self.paths or pattern in self.shown else []
        else:
            matches = matcher(pattern)
            found = [name for name in self if matches(name)]
        paths = {name for name in found if name in self.paths}
        seen = Counter(path for name in found if name in self.shown for path in self.shown[name])
        whole = {path for path, count in seen.items() if count == self.arrays[path]}
        if paths:
            return Match(paths, "", min(whole - paths, default=""))
        return Match(whole, min(seen.keys() - whole, default=""), "")


@dataclass(frozen=True, slots=True)
class Match:
    """The paths of the parameters that a pattern means.

    `part` is one of which it matches only a part, `other` one that it matches only as it is shown, while it means
    those that it matches by their paths; "" where there is none.
    """

    meant: Set[str]
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
    """`winners` are, by member, the last rule that means a parameter and states it, by path.

    `of` says of each rule what it matches.
    """

    winners: Mapping[str, Mapping[str, int]]
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
    """Return which rules each parameter gets."""
    refuse_comparisons(rules, len(names))
    found = [names.matched_by(rule.match) for rule in rules]
    winners = {member: winners_of(member, rules, found) for member in STATED}
    return Matches(winners, found)


def winners_of(member: str, rules: Sequence[Rule], found: Sequence[Match]) -> dict[str, int]:
    """Return the last rule that means a parameter and states a member, by path."""
    stating = (index for index, rule in enumerate(rules) if getattr(rule, member) is not None)
    return {path: index for index in stating for path in found[index].meant}


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
            ((layout, min(one)) for layout, others in elsewhere.items() if (one := others.matched_by(pattern).meant)),
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
