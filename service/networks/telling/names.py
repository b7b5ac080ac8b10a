"""Names of tensors: their natural order, their numbers masked, the words that they are made of."""

import re

NUMBER = re.compile(r"(\d+)")
NUMBERED = re.compile(r"(?<![^./])\d+(?![^./])")  # a part that is a number, as in layers.11.mlp
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def masked(name: str) -> str:
    """Return a name with # for each part that is a number, so that the layers of a stack have one."""
    return NUMBERED.sub("#", name)


def in_natural_order(names: list[str]) -> list[str]:
    """Return names sorted as people do: layers.2 before layers.10."""

    def key(name: str) -> tuple[list[str | int], str]:
        parts: list[str | int] = list(NUMBER.split(name))  # a text, then a number and a text, again and again
        parts[1::2] = map(int, parts[1::2])
        return parts, name

    return sorted(names, key=key)


def own_name(path: str, separator: str) -> str:
    """Return the last part of a masked path that is no number: what a module in a list is called, too."""
    return next((part for part in reversed(path.split(separator)) if part != "#"), "")


def words_of(name: str) -> frozenset[str]:
    """Return the words of a name in small letters: those of qNorm_2 are q and norm."""
    return frozenset(word.lower() for word in WORDS.findall(name))
