"""A published model as a tree of modules, as torch registers them: what a family's file is written in.

Children stand in the order in which they are registered, which is that of a state_dict: parameters of a module's own
before its submodules.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from service.networks.schemes import PRESETS, Scheme
from service.networks.schemes.plain import BoundedNormal, ConstantScheme, RandomNormal, RandomUniform
from service.stream.dtypes import DtypeName

Layer: TypeAlias = dict[str, Any]


class Fill(NamedTuple):
    """A parameter, by its canonical name, of the leaf at a path below a module ("" for itself), gets a scheme.

    `lost` says that the draw moves the generator, and that its values do not stay: they are overwritten otherwise.
    `lengths_of` is the path of a bare parameter the lengths of whose columns torch puts here; the scheme is what these
    are about, for a stream in which a parameter knows no other. `inexact` says why torch's own last bit may be another.
    """

    path: str
    parameter: str
    scheme: Scheme
    lost: bool = False
    lengths_of: str = ""
    inexact: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """A module: a leaf, whose `layer` is a spec's without its name, or one of children.

    `kind` is what the family's initialisation knows it by. `construction` names children, or paths to modules below
    them, in the order in which constructors run, where that is not the order in which they are registered; those that
    it leaves out come after. `drawn` is what the constructor draws itself once its children are there, None for what
    torch draws for a leaf's layer. `initialise` is there where the
    module is a model by itself, a PreTrainedModel: its constructor ends with it, on all below that has not had its own.
    `ties` lead from arrays that are another one to that, by the names that both have below here.
    """

    name: str
    children: tuple["Module", ...] = ()
    layer: Layer | None = None
    kind: str = ""
    construction: tuple[str, ...] = ()
    drawn: tuple[Fill, ...] | None = None
    initialise: "Initialise | None" = None
    ties: Mapping[str, str] = field(default_factory=dict)

    def child(self, name: str) -> "Module | None":
        return next((each for each in self.children if each.name == name), None)

    def at(self, path: str) -> "Module | None":
        """Return the module at a path below this one."""
        name, _, rest = path.partition(".")
        found = self.child(name)
        return found.at(rest) if found and rest else found


# What a model does with each of its modules once their children are done: `_init_weights` of the transformers library.
Initialise: TypeAlias = Callable[[Module], Iterable[Fill]]


def module(name: str, *children: Module | None, kind: str = "", construction: tuple[str, ...] = ()) -> Module:
    """Return a module of others; None stands for one that this config does not have."""
    return Module(name, tuple(each for each in children if each), kind=kind, construction=construction)


def numbered(name: str, children: Iterable[Module]) -> Module:
    """Return a ModuleList, or a Sequential: its children are called by their places."""
    return Module(name, tuple(replace(each, name=str(place)) for place, each in enumerate(children)))


def model(name: str, initialise: Initialise, *children: Module | None, **more: Any) -> Module:
    """Return a PreTrainedModel; `ties` are by names below it, `kind` and `construction` as of any module."""
    return Module(name, tuple(each for each in children if each), initialise=initialise, **more)


def linear(name: str, inputs: int, outputs: int, bias: bool = True, kind: str = "") -> Module:
    return Module(name, layer=without_bias({"type": "dense", "shape": [inputs, outputs]}, bias), kind=kind)


def embedding(name: str, rows: int, width: int, padding: int | None = None, kind: str = "") -> Module:
    """Return an Embedding; the row of the padding index starts at 0."""
    padded = {} if padding is None else {"padding_index": padding}
    return Module(name, layer={"type": "embedding", "shape": [rows, width], **padded}, kind=kind)


def convolution(
    name: str, window: tuple[int, ...], inputs: int, outputs: int, bias: bool = True, groups: int = 1, kind: str = ""
) -> Module:
    """Return a Conv1d, Conv2d or Conv3d; `inputs` are all channels, whatever the groups."""
    grouped = {} if groups == 1 else {"groups": groups}
    shape = [*window, inputs, outputs]
    layer = {"type": f"conv{len(window)}d", "shape": shape, **grouped}
    return Module(name, layer=without_bias(layer, bias), kind=kind)


def layer_norm(name: str, width: int, bias: bool = True, kind: str = "") -> Module:
    return Module(name, layer=without_bias({"type": "layer_norm", "shape": [width]}, bias), kind=kind)


def rms_norm(name: str, width: int, kind: str = "") -> Module:
    return Module(name, layer={"type": "rms_norm", "shape": [width]}, kind=kind)


def group_norm(name: str, width: int, kind: str = "") -> Module:
    return Module(name, layer={"type": "group_norm", "shape": [width]}, kind=kind)


def batch_norm(name: str, width: int, kind: str = "") -> Module:
    return Module(name, layer={"type": "batch_norm", "shape": [width]}, kind=kind)


def parameter(
    name: str,
    shape: Iterable[int],
    drawn: Scheme | None = None,
    fans: tuple[int, int] | None = None,
    dtype: DtypeName | None = None,
) -> Module:
    """Return a bare parameter; `drawn` is what makes it in the constructor, None for what takes no chance.

    Whatever takes no chance starts at 0 unless an initialisation says otherwise. `dtype` is its own, whatever the
    model's is.
    """
    known: Layer = {} if fans is None else {"fan_in": fans[0], "fan_out": fans[1]}
    known |= {} if dtype is None else {"dtype": dtype}
    made = (Fill("", "value", drawn or ZEROS),)
    return Module(name, layer={"type": "tensor", "shape": [*shape], "bare": True, **known}, drawn=made)


def without_bias(layer: Layer, bias: bool) -> Layer:
    return layer if bias else {**layer, "bias": None}


ZEROS, ONES = PRESETS["zeros"], PRESETS["ones"]


@lru_cache(maxsize=256)
def normal(deviation: float) -> Scheme:
    """Return N(0, deviation²)."""
    return RandomNormal(name="random_normal", mean=0.0, stddev=deviation)


@lru_cache(maxsize=256)
def bounded(deviation: float) -> Scheme:
    """Return torch's trunc_normal_ with its own bounds, -2 and 2 whatever the deviation."""
    return BoundedNormal(name="bounded_normal", mean=0.0, stddev=deviation)


@lru_cache(maxsize=256)
def uniform(low: float, high: float) -> Scheme:
    if low == high:
        return constant(low)
    return RandomUniform(name="random_uniform", minval=low, maxval=high)


@lru_cache(maxsize=256)
def constant(value: float) -> Scheme:
    return {0.0: ZEROS, 1.0: ONES}.get(value) or ConstantScheme(name="constant", value=value)


def generic(deviation: float, drawn: Scheme | None = None) -> Initialise:
    """Return the transformers library's general initialisation, of which families say what is otherwise with them.

    Matrices, convolutions and tables are N(0, deviation²), or what `drawn` says instead, biases and shifts 0, scales 1.
    Bare parameters and modules of other kinds stay as they were constructed.
    """
    drawn = drawn or normal(deviation)

    def initialise(module: Module) -> Iterator[Fill]:
        layer = module.layer
        if layer is None:
            return
        kind = layer["type"]
        if kind in ("dense", "conv1d", "conv2d", "conv3d", "conv1d_transpose", "conv2d_transpose"):
            yield Fill("", "kernel", drawn)
            if "bias" not in layer:
                yield Fill("", "bias", ZEROS)
        elif kind == "embedding":
            yield Fill("", "embeddings", drawn)

    return initialise
