"""Which branches of a graph make up a block, and what the block is called."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import takewhile

from service.analysis.residuals.branches import Branch, branches_of
from service.analysis.residuals.ways import Site, Ways, ascending

NUMBERED = re.compile(r".*\d(?=[._/-]|$)")  # as much of a name as ends in a number


@dataclass(frozen=True, slots=True)
class Block:
    """Branches one after the other on one stream, from the place that it `enters` by to the one that it `leaves` by.

    `places` are those of the block, without the place that it enters by and those of blocks within its branches.
    """

    name: str
    enters: int
    leaves: int
    branches: tuple[Branch, ...]
    places: tuple[int, ...]


def blocks_of(sites: Sequence[Site]) -> list[Block]:
    """Return the blocks of a graph in order; one that lies within another's branch comes before it."""
    ways = Ways(sites)
    groups: list[list[Branch]] = []
    for branches in branches_of(ways):
        if groups and belongs(ways, groups[-1], branches):
            groups[-1] += branches
        else:
            groups.append(branches)
    origins = frozenset(branch.origin for group in groups for branch in group)
    blocks: list[Block] = []
    for group in groups:
        blocks.append(block_of(ways, group, blocks, origins))
    return [named_apart(block, blocks, sites) for block in blocks]


def belongs(ways: Ways, group: Sequence[Branch], branches: Sequence[Branch]) -> bool:
    """Whether a sum is of the block of those before it: the next one on the stream, under the same number.

    A block with attention reaches to the next one with it, whatever numbers its parts have: the parts of T5's
    (`block.0.layer.1`) make up one, each of Swin's (`layers.0.blocks.1`) is one.
    """
    before, here = names_of(ways, group), names_of(ways, branches)
    if branches[0].origin not in (group[-1].at, *ways.tail(group[-1].at)) or not number_of([*before, *here]):
        return False
    *earlier, attends = (
        any(ways.sites[place].kind == "attends" for place in branch.places) for branch in (*group, branches[0])
    )
    if any(earlier):
        return earlier[-1] or not attends
    return number_of(before) == number_of(here)


def names_of(ways: Ways, branches: Sequence[Branch]) -> list[str]:
    """Return the names of branches' layers with weights, of all of them where none has any."""
    sites = [ways.sites[place] for branch in branches for place in branch.places]
    weighted = [site.name for site in sites if site.kind in ("projects", "attends", "mixes", "norm")]
    return weighted or [site.name for site in sites]


def shared_name(names: Sequence[str]) -> str:
    """Return the words that names begin with alike, up to a point."""
    found = beginning_of(names)
    return found[: max(found.rfind("."), 0)]


def number_of(names: Sequence[str]) -> str:
    """Return what names begin with alike, as far as it ends in a number: `h.0`, `layer1.0`, `block3`."""
    found = beginning_of(names)
    whole = found[: max(found.rfind(mark) for mark in "._/-") + 1] if len(names) > 1 else names[0]
    numbered = NUMBERED.match(whole)
    return numbered.group() if numbered else ""


def beginning_of(names: Sequence[str]) -> str:
    """Return the letters that all names begin with, a point behind each."""
    first, last = (f"{name}." for name in (min(names), max(names)))
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def block_of(ways: Ways, group: Sequence[Branch], inner: Sequence[Block], origins: Set[int]) -> Block:
    """Return the block of its branches; `inner` are those before it, some of which may lie within."""
    names, enters = names_of(ways, group), group[0].origin
    name = number_of(names) or shared_name(names)
    leaves = (group[-1].at, *tail_of(ways, group[-1].at, name, inner, origins))[-1]
    elsewhere = sum(1 << place for block in inner for place in block.places)
    places = ascending(ways.between(enters, leaves) & ~elsewhere)
    return Block(name or ways.sites[group[-1].at].name, enters, leaves, tuple(group), places)


def tail_of(ways: Ways, at: int, name: str, before: Sequence[Block], origins: Set[int]) -> tuple[int, ...]:
    """Return what of a sum's tail is the block's: all of it where the next block leaves the stream behind it.

    Where the stream ends, a norm or an activation may be the network's own: the block's are those called like it, or
    as many of the same kinds as the block before has.
    """
    tail = ways.tail(at)
    if not tail or tail[-1] in origins:
        return tail
    called = tuple(place for place in tail if name and ways.sites[place].name.startswith(f"{name}."))
    if called or not before:
        return called
    tail_before = ways.between(before[-1].branches[-1].at, before[-1].leaves)
    kinds = [ways.sites[place].kind for place in ascending(tail_before)]
    return tail[: len(kinds)] if [ways.sites[place].kind for place in tail[: len(kinds)]] == kinds else ()


def named_apart(block: Block, blocks: Sequence[Block], sites: Sequence[Site]) -> Block:
    """Return a block under a name that no other one has: where two share one, each is called after its last sum."""
    shared = sum(one.name == block.name for one in blocks) > 1
    return replace(block, name=sites[block.branches[-1].at].name) if shared else block
