"""Names of tensors: their natural order, their numbers masked, the words that they are made of."""

import re
from collections.abc import Iterable
from itertools import chain

from service.networks.layouts import Layout
from service.ordering import in_order

NUMBER = re.compile(r"(\d+)")
NUMBERED = re.compile(r"(?<![^./])\d+(?![^./])")  # a part that is a number, as in layers.11.mlp
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def masked(name: str) -> str:
    """Return a name with # for each part that is a number, so that the layers of a stack have one."""
    return NUMBERED.sub("#", name)


def in_natural_order(names: Iterable[str], separator: str) -> list[str]:
    """Return names sorted by their parts as people sort them: layers.2 before layers.10."""
    parts = {name: name.split(separator) for name in names}
    ranks = {part: rank for rank, part in enumerate(in_order(set(chain.from_iterable(parts.values())), natural))}
    return in_order(parts, lambda name: [ranks[part] for part in parts[name]])


def natural(part: str) -> tuple[list[str | int], str]:
    found: list[str | int] = list(NUMBER.split(part))  # a text, then a number and a text, again and again
    found[1::2] = map(int, found[1::2])
    return found, part


def own_name(path: str, separator: str) -> str:
    """Return the last part of a masked path that is no number: what a module in a list is called, too."""
    return next((part for part in reversed(path.split(separator)) if part != "#"), "")


def words_of(name: str) -> frozenset[str]:
    """Return the words of a name in small letters: those of qNorm_2 are q and norm."""
    return frozenset(word.lower() for word in WORDS.findall(name))


def layout_of(names: Iterable[str]) -> Layout:
    """Return whose names these are, as far as they tell: PyTorch's parts are parted by dots."""
    names = list(names)
    if sum("/" in name for name in names) * 2 <= len(names):
        return "pytorch"
    own = {name.rpartition("/")[2].removesuffix(":0") for name in names}
    return "keras" if own & {"gamma", "beta", "embeddings", "moving_mean", "recurrent_kernel"} else "flax"
