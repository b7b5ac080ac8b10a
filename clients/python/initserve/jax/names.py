"""What a tree's leaves are called in a listing: paths as Flax has them, and Haiku's and Equinox's told in its words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import tree_util

# Collections of Flax's variables: a module's parameters and statistics stand under one path within them.
COLLECTIONS = {"params", "batch_stats"}
# Haiku's own names, as Flax says them.
HAIKU = {"w": "kernel", "b": "bias", "offset": "bias", "embeddings": "embedding"}
AVERAGES = {"hidden", "average"}  # what Haiku's moving averages keep: nothing yet
SEPARATOR = {"flax": "/", "pytorch": "."}
DTYPES = {"float32", "float64", "float16", "bfloat16"}


class Unusual(UserWarning):
    """What is legal, and what its user will want to know: a leaf that could be of two kinds."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a tree. `name` and `shape` are the listing's; those of what is not drawn have no name."""

    name: str
    shape: tuple[int, ...]
    struct: Any

    @property
    def entry(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "dtype": str(self.struct.dtype)}


def leaves_of(shapes: Any) -> tuple[list[Leaf], Any, str]:
    """Return a tree's leaves in its order, its structure, and the layout in which a listing has them."""
    pairs, structure = tree_util.tree_flatten_with_path(shapes)
    paths = [(parts_of(path), struct) for path, struct in pairs]
    drawn = [parts for parts, struct in paths if is_drawn(parts, struct)]
    lasts = {parts[-1] for parts in drawn if parts}
    layout = "pytorch" if "weight" in lasts else "flax"
    haiku = layout == "flax" and "kernel" not in lasts and bool(lasts & HAIKU.keys())
    outer = outer_of(drawn, haiku)
    leaves = []
    for parts, struct in paths:
        if not is_drawn(parts, struct):
            leaves.append(Leaf("", (), struct))
            continue
        told = parts[1:] if parts[0] in outer and len(parts) > 1 else parts
        told = in_words_of_flax(told) if haiku else told
        leaves.append(Leaf(SEPARATOR[layout].join(told), plain(told[-1], struct), struct))
    return leaves, structure, layout


def parts_of(path: Iterable[Any]) -> list[str]:
    """Return the names that lead to a leaf, without the boxes around values (nnx.Param, nn.Partitioned)."""
    keys = list(path)
    while len(keys) > 1 and isinstance(keys[-1], tree_util.GetAttrKey) and keys[-1].name == "value":
        keys.pop()
    parts = [part for key in keys for part in text_of(key).split("/") if part != "~"]
    return parts or ["value"]


def text_of(key: Any) -> str:
    for member in ("key", "name", "idx"):
        if hasattr(key, member):
            return str(getattr(key, member))
    return str(key)


def is_drawn(parts: Sequence[str], struct: Any) -> bool:
    """Whether values are drawn for a leaf: it has some, which are no integers, keys, or averages of nothing."""
    if not hasattr(struct, "dtype") or not hasattr(struct, "shape") or 0 in struct.shape:
        return False
    return jnp.issubdtype(struct.dtype, jnp.inexact) and not is_average(parts)


def is_average(parts: Sequence[str]) -> bool:
    return len(parts) > 1 and parts[-1] in AVERAGES and parts[-2].endswith("_ema")


def outer_of(drawn: Sequence[Sequence[str]], haiku: bool) -> set[str]:
    """Return the names that stand around all modules: Flax's collections, or Haiku's parameters and state."""
    firsts = {parts[0] for parts in drawn}
    if "params" in firsts and firsts <= COLLECTIONS:
        return COLLECTIONS
    return {"0", "1"} if haiku and firsts <= {"0", "1"} else set()


def in_words_of_flax(parts: Sequence[str]) -> list[str]:
    return [*parts[:-1], HAIKU.get(parts[-1], parts[-1])]


def plain(name: str, struct: Any) -> tuple[int, ...]:
    """Return the shape that a listing has: a vector's, where axes of one place make it fit others (1, 1, n)."""
    shape = tuple(struct.shape)
    longest = [size for size in shape if size > 1]
    vector = name in ("bias", "scale", "mean", "var") and len(longest) == 1 and len(shape) > 1
    return tuple(longest) if vector else shape


def without_values(leaf: Leaf, seed: int) -> Any:
    """Return what a leaf begins as that is not drawn: 0, a key of the seed, or what it is already."""
    struct = leaf.struct
    if not isinstance(struct, jax.ShapeDtypeStruct):
        return struct
    if jnp.issubdtype(struct.dtype, jax.dtypes.prng_key):
        return jnp.broadcast_to(jax.random.key(seed), struct.shape)
    return jnp.zeros(struct.shape, struct.dtype)
