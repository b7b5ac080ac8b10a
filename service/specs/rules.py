"""Rules: schemes and dtypes by pattern on the names of parameters, for whole models."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Description
from service.networks.layers.layer import Seed
from service.networks.schemes import AnyScheme
from service.networks.vocabulary import AnyDtype

# The members of which each is said by the last rule that matches and states it.
STATED = ("scheme", "seed", "dtype")
NOTHING = "a rule states a scheme, a seed, a dtype, or several of these"


class Rule(Description):
    """What every parameter gets whose canonical path matches, or else the name that the answer shows it by."""

    match: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        description="On layer/parameter in Keras's names; where that matches nothing, on the names of the layout. "
        "`*` stands for any characters, `?` for one; the rest for itself.",
        examples=["*/bias", "block_?.*", "*.bn2.weight"],
    )
    scheme: AnyScheme | None = Field(None, description="A name, an object with parameters, or auto.")
    seed: Seed | None = Field(None, description="Of these parameters alone, instead of their layers' and the spec's.")
    dtype: AnyDtype | None = Field(None, description="Of these parameters, instead of their layer's or the spec's.")
    because: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        None, description="Why: the answer's reason. What has a reason of its own is not warned of."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, member) is None for member in STATED):
            empty = [f"{member} is null" for member in STATED if member in self.model_fields_set]
            detail = f"a rule that says nothing: {', '.join(empty)}" if empty else NOTHING
            raise PydanticCustomError("rule", "{detail}", {"detail": detail})
        return self


def is_literal(pattern: str) -> bool:
    return "*" not in pattern and "?" not in pattern


def price(pattern: str) -> int:
    """Return what comparing a pattern with one name may take, in comparisons of one piece of it.

    A piece between two stars is looked for; with a `?` in it, each of its characters may be compared everywhere.
    """
    between = pattern.split("*")[1:-1]
    return 1 + sum(len(piece) if "?" in piece else 1 for piece in between)


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Callable[[str], object]:
    """Return what says whether a pattern matches; it takes each piece where it first fits, and never goes back."""
    first, *rest = ("".join("." if c == "?" else re.escape(c) for c in piece) for piece in pattern.split("*"))
    if not rest:
        return re.compile(rf"{first}\Z", re.DOTALL).match
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    return re.compile(rf"{first}{middle}.*{rest[-1]}\Z", re.DOTALL).match
