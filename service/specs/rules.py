"""Rules: schemes by pattern on a parameter's canonical path, for whole models."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from service.networks.description import Description
from service.networks.schemes import AnyScheme


class Rule(Description):
    """A scheme for every parameter whose canonical path (layer/parameter, Keras's names) matches."""

    match: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        description="`*` stands for any characters, `?` for one; the rest for itself.", examples=["*/bias", "block_?.*"]
    )
    scheme: AnyScheme = Field(description="A name, an object with parameters, or auto.")
    because: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        None, description="Why: the answer's reason. What has a reason of its own is not warned of."
    )


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a glob pattern as a regular expression that takes each part where it first fits, and never goes back."""
    first, *rest = ("".join("." if c == "?" else re.escape(c) for c in part) for part in pattern.split("*"))
    if not rest:
        return re.compile(rf"{first}\Z", re.DOTALL)
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1])
    return re.compile(rf"{first}{middle}.*{rest[-1]}\Z", re.DOTALL)


def choose_by_rule(rules: Sequence[Rule], path: str) -> int | None:
    """Return the index of the last rule that matches, None where none does."""
    return next((index for index in reversed(range(len(rules))) if compiled(rules[index].match).match(path)), None)
