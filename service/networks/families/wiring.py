"""Wiring: the network that a family's modules make, written down layer after layer as a spec states it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from service.networks.families.settings import Settings
from service.networks.families.tree import Layer

STEPS = 32  # of a sequence, unless a spec says how long it is
FUNCTIONS = {  # activations, by the names that the transformers library has for them
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "relu2": "squared_relu",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu",
    "hardswish": "hard_swish",
    "mish": "mish",
    "sigmoid": "sigmoid",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
    "linear": "linear",
}


class Network(NamedTuple):
    """A network: the shapes of its inputs without the batch, and its layers in the order in which they are computed.

    A layer with weights has its name, what it takes and how it is computed; the rest of it is the tree's leaf of that
    name.
    """

    input_shape: Mapping[str, list[int]]
    layers: Sequence[Layer]


class Wiring:
    """A network that is being written down; whatever adds a layer returns its name."""

    def __init__(self, **inputs: Sequence[int]) -> None:
        """Begin with the shapes of the network's inputs, by name: `positions` are counted from 0."""
        self._inputs = {name: [*shape] for name, shape in inputs.items()}
        self._layers: list[Layer] = []

    @property
    def last(self) -> str:
        """The name of what was written down last."""
        return str(self._layers[-1]["name"])

    def weighted(self, name: str, *inputs: str, **structure: Any) -> str:
        """Add a layer of the tree, by its name there."""
        self._layers.append({"name": name, "inputs": [*inputs], **structure})
        return name

    def plain(self, kind: str, name: str, *inputs: str, **members: Any) -> str:
        """Add a layer without weights."""
        return self.weighted(name, *inputs, type=kind, **members)

    def add(self, name: str, *inputs: str) -> str:
        return self.plain("add", name, *inputs)

    def activation(self, name: str, x: str, function: str) -> str:
        """Add a function; `gelu_tanh` is gelu by its tanh formula."""
        tanh = {"approximate": True} if function == "gelu_tanh" else {}
        return self.plain("activation", name, x, activation="gelu" if tanh else function, **tanh)

    def reshape(self, name: str, x: str, *shape: int) -> str:
        return self.plain("reshape", name, x, shape=[*shape])

    def split(self, name: str, x: str, *sizes: int, axis: int = -1) -> list[str]:
        """Add a split, and return the names of its parts; one of the sizes may be -1."""
        self.plain("split", name, x, sizes=[*sizes], axis=axis)
        return [f"{name}:{part}" for part in range(len(sizes))]

    def place(self, name: str, x: str, width: int, last: bool = False) -> str:
        """Take the first place of a sequence, or the last: (steps, width) -> (width,)."""
        parts = self.split(f"{name}.split", x, *((-1, 1) if last else (1, -1)), axis=1)
        return self.reshape(name, parts[1 if last else 0], width)

    def attention(self, name: str, *parts: str, heads: int, **members: Any) -> str:
        """Add attention of heads to queries, keys, values and what is added to its logits, if anything."""
        return self.plain("dot_product_attention", name, *parts, heads=heads, **members)

    def tied(self, name: str, x: str, to: str, transposed: bool = False) -> str:
        """Add another layer once more; transposed, a table's way back to words."""
        return self.plain("tied", name, x, to=to, **({"transposed": True} if transposed else {}))

    def written(self) -> Network:
        return Network(self._inputs, self._layers)


def function(c: Settings, name: str) -> str:
    """Return the activation that a member of a config says."""
    return FUNCTIONS[c.text(name, *FUNCTIONS)]


def steps(c: Settings, longest: str) -> list[int]:
    """Return the shape of a sequence, no longer than the table of positions."""
    return [min(STEPS, c.size(longest))]
