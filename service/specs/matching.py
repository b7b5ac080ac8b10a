"""Matching: which rule each parameter gets, and which rules match nothing.

A rule speaks of a parameter by its canonical path, or by the names of the arrays in which the answer shows it. An
array may hold several parameters: all of them are meant. A parameter may stand in several arrays, a gate in each: it
has one scheme, so all of their names must match.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from service.errors import TooLarge
from service.networks.layouts import Layout, Placements, key_of
from service.networks.parameters import Parameter
from service.networks.plan import Caution
from service.specs.nearness import Nearest
from service.specs.rules import Rule, is_literal, matcher, price

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
                held = [f"{layer}/{parameter}" for parameter in placement.of.sources()]
                names.shown[name] += held
                names.arrays.update(held)
        return names

    def __iter__(self) -> Iterator[str]:
        yield from self.paths
        yield from self.shown

    def __len__(self) -> int:
        return len(self.paths) + len(self.shown)

    def matched_by(self, pattern: str) -> tuple[set[str], str]:
        """Return the paths of the parameters that a pattern means, and one of which it matches only a part, or ""."""
        if is_literal(pattern):
            found = [pattern] if pattern in self.paths or pattern in self.shown else []
        else:
            matches = matcher(pattern)
            found = [name for name in self if matches(name)]
        paths = {name for name in found if name in self.paths}
        seen = Counter(path for name in found if name in self.shown for path in self.shown[name])
        whole = {path for path, count in seen.items() if count == self.arrays[path]}
        return paths | whole, next((path for path in seen if path not in paths and path not in whole), "")


@dataclass(frozen=True, slots=True)
class Matches:
    """`winner` is the last rule that means a parameter, by path; `unused` are those that mean none.

    Of each of these: the parameter of which it matches only a part, "" where it matches nothing at all.
    """

    winner: Mapping[str, int]
    unused: Mapping[int, str]


def match(rules: Sequence[Rule], names: Names) -> Matches:
    """Return which rule each parameter gets; refuses more comparisons than one spec may ask for."""
    dear = sum(price(rule.match) for rule in rules if not is_literal(rule.match))
    if dear * len(names) > MOST_COMPARISONS:
        raise TooLarge(
            f"the patterns of {len(rules)} rules on {len(names):,} names of parameters are {dear * len(names):,} "
            f"comparisons; at most {MOST_COMPARISONS:,} are made: fewer rules, or fewer stars in them, will do",
            "/rules",
        )
    winner: dict[str, int] = {}
    unused = {}
    for index, rule in enumerate(rules):
        meant, part = names.matched_by(rule.match)
        winner |= dict.fromkeys(meant, index)
        if not meant:
            unused[index] = part
    return Matches(winner, unused)


def warn_of_unused(
    rules: Sequence[Rule], matches: Matches, names: Names, elsewhere: Mapping[Layout, Names]
) -> list[Caution]:
    """Warn of rules that no parameter gets its scheme by, with the name that may have been meant.

    `elsewhere` are the names in the layouts that were not asked for.
    """
    found: list[Caution] = []
    near = Nearest(names)
    for index, part in matches.unused.items():
        pattern = rules[index].match
        there = {layout: min(others.matched_by(pattern)[0], default="") for layout, others in elsewhere.items()}
        layout, named = next(((layout, path) for layout, path in there.items() if path), ("", ""))
        meant = part or named or near.to(pattern)
        if part:
            detail = f"this matches only a part of {part}, which has one scheme; match that"
        elif named:
            detail = f"only in the layout {layout} is a parameter called this; in every layout it is {named}"
        elif meant:
            detail = f"no parameter is called this; the nearest name is {meant}"
        else:
            detail = "there is no parameter that this could match"
        found.append(Caution("unused-rule", f"/rules/{index}/match", detail, {"match": meant} if meant else {}))
    return found
