"""The arrays of many layers with what the plan tells of each: asked for by as many layers as an address holds."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from initserve.errors import InitserveError
from initserve.lazy import Arrays, LazyArray
from initserve.specs import Spec

OWN = "initserve/1"
LAYERS_AT_ONCE = 64  # of a spec, so that an address holds it
SEPARATOR = {"pytorch": ".", "keras": "/", "flax": "/"}
Layer = dict[str, Any]


class Fillable(Protocol):
    """What arrays are fetched of: `Local`, `Client`."""

    def open(self, spec: Spec) -> Arrays[LazyArray]: ...


class Told(NamedTuple):
    """An array that is not here yet, and what the plan tells of it."""

    array: LazyArray
    scheme: str
    formula: str
    reason: str
    dtype: str


def arrays_of(source: Fillable, spec: Spec, layers: Sequence[Layer]) -> dict[str, Told]:
    """Return the arrays of a spec with these layers, by their names in its layout; nothing is drawn yet.

    Under a framework's stream, where bytes depend on all layers before, it is one spec.
    """
    count = LAYERS_AT_ONCE if spec.get("algorithm", OWN) == OWN else len(layers)
    separator = SEPARATOR[spec["layout"]]
    found: dict[str, Told] = {}
    for arrays in opened(source, spec, layers, count):
        found |= told_of(arrays, separator)
    return found


def told_of(arrays: Arrays[LazyArray], separator: str) -> dict[str, Told]:
    """Return arrays by name, each with what their plan tells of it."""
    found = {}
    for layer in arrays.plan["layers"]:
        for told in layer["parameters"]:
            key = f"{layer['name']}{separator}{told['name']}" if told["name"] else layer["name"]
            found[key] = Told(arrays[key], told["scheme"]["name"], told["formula"], told["reason"], told["dtype"])
    return found


def opened(source: Fillable, spec: Spec, layers: Sequence[Layer], count: int) -> Iterator[Arrays[LazyArray]]:
    for first in range(0, len(layers), count):
        several = list(layers[first : first + count])
        try:
            yield source.open({**spec, "layers": several})
        except InitserveError as error:
            if error.code != "no-address" or count == 1 or spec.get("algorithm", OWN) != OWN:
                raise
            yield from opened(source, spec, several, -(-count // 2))
