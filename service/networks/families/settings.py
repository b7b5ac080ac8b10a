"""Settings: a published model's config.json as its family reads it, with the library's defaults for the rest."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from service.errors import InvalidSpec

MOST_BLOCKS = 4096  # that one member may ask for: of published models the deepest have some hundred
MOST_PARTS = 4096  # among which one that divides is looked for
LARGEST = 2**53 - 1
LONGEST_SHOWN = 64


class Settings:
    """Members of a config, each checked when it is read; what is wrong is an InvalidSpec that points at it."""

    def __init__(self, given: Mapping[str, Any], defaults: Mapping[str, Any], pointer: str = "/config") -> None:
        self._given, self._defaults, self._pointer = given, defaults, pointer

    def __contains__(self, name: str) -> bool:
        """Whether a member is stated, and not as null."""
        return self.stated(name) is not None

    def stated(self, name: str) -> Any:
        """Return what a member is, whatever it is; None where neither the config nor the library states it."""
        return self._given[name] if name in self._given else self._defaults.get(name)

    def size(self, name: str) -> int:
        """Return a number of rows, columns, heads: 1 or more."""
        value = self.stated(name)
        if not is_integer(value) or not 1 <= value <= LARGEST:
            self.refuse(name, "an integer from 1")
        return int(value)

    def whole(self, name: str) -> int:
        """Return an integer of any sign."""
        value = self.stated(name)
        if not is_integer(value) or abs(value) > LARGEST:
            self.refuse(name, "an integer")
        return int(value)

    def optional_size(self, name: str) -> int | None:
        return self.size(name) if name in self else None

    def index(self, name: str, below: int) -> int | None:
        """Return the index of one of so many rows, None for none; a negative one counts from the end, as torch's do."""
        value = self.stated(name)
        if value is None:
            return None
        if not is_integer(value) or not -below <= value < below:
            self.refuse(name, f"null or an integer from 0 below {below}")
        return int(value) % below

    def depth(self, name: str) -> int:
        """Return a number of blocks."""
        value = self.stated(name)
        if not is_integer(value) or not 0 <= value <= MOST_BLOCKS:
            self.refuse(name, f"an integer from 0 to {MOST_BLOCKS}")
        return int(value)

    def depths(self, name: str) -> tuple[int, ...]:
        """Return the numbers of blocks of several stages."""
        value = self.stated(name)
        if not is_list(value) or not all(is_integer(each) and each >= 0 for each in value) or sum(value) > MOST_BLOCKS:
            self.refuse(name, f"a list of integers, of {MOST_BLOCKS} in all at most")
        return tuple(value)

    def sizes(self, name: str) -> tuple[int, ...]:
        value = self.stated(name)
        if not is_list(value) or not all(is_integer(each) and 1 <= each <= LARGEST for each in value):
            self.refuse(name, "a list of integers from 1")
        return tuple(value)

    def indices(self, name: str) -> frozenset[int]:
        """Return places in a list, of blocks say; none where it is null."""
        value = self.stated(name)
        if value is not None and not (is_list(value) and all(is_integer(each) for each in value)):
            self.refuse(name, "null or a list of integers")
        return frozenset(value or ())

    def number(self, name: str) -> float:
        value = self.stated(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.refuse(name, "a number")
        return float(value)

    def deviation(self, name: str) -> float:
        """Return a standard deviation, or a factor of some: 0 or more."""
        value = self.number(name)
        if not 0.0 <= value <= 1e30:
            self.refuse(name, "a number from 0")
        return value

    def flag(self, name: str) -> bool:
        value = self.stated(name)
        if not isinstance(value, bool):
            self.refuse(name, "true or false")
        return bool(value)

    def text(self, name: str, *known: str) -> str:
        """Return one of the words that the family knows; any, where none are told."""
        value = self.stated(name)
        if not isinstance(value, str) or (known and value not in known):
            self.refuse(name, f"one of {', '.join(known)}" if known else "a text")
        return str(value)

    def inner(self, name: str, defaults: Mapping[str, Any]) -> "Settings":
        """Return the config of a part of the model."""
        value = self.stated(name)
        if value is not None and not isinstance(value, Mapping):
            self.refuse(name, "an object")
        return Settings(value or {}, defaults, f"{self._pointer}/{name}")

    def divided(self, name: str, by: str) -> int:
        """Return a size divided by another; refuses what does not divide."""
        whole, parts = self.size(name), self.size(by)
        if whole % parts:
            nearest = next(each for each in range(min(parts, MOST_PARTS), 0, -1) if whole % each == 0)
            self.refuse(by, f"a divisor of {name}, {whole}", nearest)
        return whole // parts

    def refuse(self, name: str, needed: str, remedy: int | None = None) -> NoReturn:
        """Refuse what a member is; unless a remedy is stated, the library's default may be one."""
        found, usual = self.stated(name), self._defaults.get(name) if remedy is None else remedy
        parts = "this object" if isinstance(found, Mapping) else "this list" if isinstance(found, list) else None
        shown = parts or json.dumps(found)[:LONGEST_SHOWN]
        proposed = None if usual is None or usual == found else {name: usual}
        raise InvalidSpec(f"{name} is {needed} here, not {shown}", f"{self._pointer}/{name}", proposed)


def is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
