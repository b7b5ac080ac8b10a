"""Makes a tree's arrays: each box that a device holds by itself, once, whatever the number of devices."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Sharding
from numpy.typing import NDArray

from initserve.arrays import Fillable
from initserve.jax.names import DTYPES, Leaf, Unusual, leaves_of, without_values
from initserve.lazy import LazyArray
from initserve.local import Local


def init(
    shapes: Any,
    seed: int = 0,
    sharding: Any = None,
    rules: Sequence[Mapping[str, Any]] = (),
    defaults: str | None = None,
    client: Fillable | None = None,
) -> Any:
    """Return the tree with an array for every jax.ShapeDtypeStruct in it, as of jax.eval_shape(model.init, …).

    `sharding` is a Sharding for all, or a tree of them that begins as `shapes` does; left out, each leaf's own. A
    device's part is made by itself, so that the values depend on no mesh. Integers begin as 0 and random keys as that
    of the seed; what is no array stays. `rules` and `defaults` are a spec's, `client` is `Local()` where it is left
    out.

    What a leaf could be otherwise than it is taken for is warned of (`Unusual`). Raises ValueError for values that
    cannot be drawn (complex ones), InitserveError for a spec that is refused.
    """
    leaves, structure, _ = leaves_of(shapes)
    placed = shardings(shapes, sharding, len(leaves))
    drawn = [leaf for leaf in leaves if leaf.name]
    arrays: Mapping[str, LazyArray] = {}
    if drawn:
        opened = (Local() if client is None else client).open(listing(shapes, seed, rules, defaults))
        for warning in opened.plan["warnings"]:
            if warning["pointer"].startswith("/tensors/"):
                warnings.warn(warning["detail"], Unusual, stacklevel=2)
        arrays = opened
    found = [
        made(leaf, arrays[leaf.name], place) if leaf.name else put(without_values(leaf, seed), place)
        for leaf, place in zip(leaves, placed, strict=True)
    ]
    return jax.tree_util.tree_unflatten(structure, found)


def listing(
    shapes: Any, seed: int = 0, rules: Sequence[Mapping[str, Any]] = (), defaults: str | None = None
) -> dict[str, Any]:
    """Return the spec that `init` asks for: /plan tells what it takes each leaf for, and other ways give its bytes."""
    leaves, _, layout = leaves_of(shapes)
    drawn = [leaf for leaf in leaves if leaf.name]
    for leaf in drawn:
        if str(leaf.struct.dtype) not in DTYPES:
            raise ValueError(f"{leaf.name} is {leaf.struct.dtype}; what can be drawn is {', '.join(sorted(DTYPES))}")
    spec = {"seed": seed, "layout": layout, "tensors": {leaf.name: leaf.entry for leaf in drawn}}
    spec |= {"rules": list(rules)} if rules else {}
    return spec | ({} if defaults is None else {"defaults": defaults})


def shardings(shapes: Any, sharding: Any, count: int) -> list[Sharding | None]:
    """Return each leaf's sharding, None where there is none."""
    if sharding is None:
        leaves = jax.tree_util.tree_leaves(shapes)
        return [each.sharding if isinstance(each, jax.ShapeDtypeStruct) else None for each in leaves]
    if isinstance(sharding, Sharding):
        return [sharding] * count
    places: list[Sharding | None] = []

    def spread(place: Sharding | None, part: Any) -> None:
        places.extend([place] * len(jax.tree_util.tree_leaves(part)))

    jax.tree_util.tree_map(spread, sharding, shapes, is_leaf=lambda each: each is None or isinstance(each, Sharding))
    return places


def made(leaf: Leaf, array: LazyArray, place: Sharding | None) -> jax.Array:
    """Return a leaf's array; of several devices that hold the same box, it is made for the first."""
    shape, dtype = tuple(leaf.struct.shape), leaf.struct.dtype
    if place is None:
        return jax.device_put(box_of(array, shape, tuple(slice(0, size) for size in shape), dtype))
    boxes: dict[tuple[tuple[int, int], ...], NDArray[Any]] = {}

    def part(index: tuple[slice, ...]) -> NDArray[Any]:
        bounds = tuple(each.indices(size)[:2] for each, size in zip(index, shape, strict=True))
        if bounds not in boxes:
            boxes[bounds] = box_of(array, shape, tuple(slice(*each) for each in bounds), dtype)
        return boxes[bounds]

    return jax.make_array_from_callback(shape, place, part)


def box_of(array: LazyArray, shape: tuple[int, ...], box: tuple[slice, ...], dtype: Any) -> NDArray[Any]:
    """Return a box of an array of a shape, which its listing may have without axes of one place."""
    sizes = [each.stop - each.start for each in box]
    taken = box if array.shape == shape else tuple(each for each, size in zip(box, shape, strict=True) if size > 1)
    out = np.empty([each.stop - each.start for each in taken], array.stored)
    array.read_into(out, taken)
    found: NDArray[Any] = out.view(dtype).reshape(sizes)
    return found


def put(value: Any, place: Sharding | None) -> Any:
    return jax.device_put(value, place) if isinstance(value, jax.Array) and place is not None else value
