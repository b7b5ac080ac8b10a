"""Vocabulary: the words that a member takes, other spellings of them, and what to say of any other.

To add a spelling whose meaning is certain, add a row to `aliases`; one that may mean several things is a row of
`perhaps`, which is only proposed. Both are looked up in lower case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from service.stream.dtypes import DTYPES, DtypeName

LONGEST = 64  # characters of a word that are compared


@dataclass(frozen=True)
class Vocabulary:
    """The words that one member takes; `prefixes` are packages in which other frameworks keep theirs."""

    words: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    perhaps: Mapping[str, str] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """Return the word that is meant; whatever is no string at all is left to the type."""
        if not isinstance(value, str) or value in self.words:
            return value
        plain = value[:LONGEST].strip().lower()
        package, _, last = plain.rpartition(".")
        if package in self.prefixes and self.aliases.get(plain) is None:
            plain = last
        if plain in self.words:
            return plain
        if plain in self.aliases:
            return self.aliases[plain]
        raise self.no_such(plain)

    def no_such(self, word: str) -> PydanticCustomError:
        """Return the error for a word that is none of these, with the one that may have been meant."""
        near = self.perhaps.get(word) or self.nearest(word[:LONGEST].lower())
        listed = ", ".join(self.words)
        few = near is None or len(listed) <= LONGEST
        detail = f"this is one of {listed}" if few else "this is none of the known words"
        meant = "" if near is None else f"; did you mean {near}?"
        return PydanticCustomError("no_such_word", "{detail}", {"detail": detail + meant, "try": near or self.words[0]})

    def nearest(self, word: str) -> str | None:
        found = get_close_matches(word, [*self.words, *self.aliases], n=1)
        return self.aliases.get(found[0], found[0]) if found else None

    @property
    def validator(self) -> BeforeValidator:
        return BeforeValidator(self.read)


DTYPE = Vocabulary(
    tuple(DTYPES),
    {
        **dict.fromkeys(("f32", "fp32", "<f4", "f4", "single", "torch.float"), "float32"),
        **dict.fromkeys(
            ("f64", "fp64", "<f8", "f8", "double", "np.float", "np.float_", "numpy.float", "numpy.float_"), "float64"
        ),
        **dict.fromkeys(("f16", "fp16", "<f2", "f2", "half"), "float16"),
        **dict.fromkeys(("bf16", "bfloat"), "bfloat16"),
    },
    # torch's `float` has 32 bits, NumPy's 64; a policy of mixed precision keeps its variables in float32.
    {
        "float": "float32",
        "mixed_float16": "float32",
        "mixed_bfloat16": "float32",
        **dict.fromkeys(("float8", "fp8", "f8e4m3"), "bfloat16"),
        "float128": "float64",
    },
    ("torch", "np", "numpy", "jnp", "jax.numpy", "tf", "tensorflow", "tf.dtypes", "mx", "mlx.core", "ml_dtypes", "nn"),
)
AnyDtype: TypeAlias = Annotated[DtypeName, DTYPE.validator]
