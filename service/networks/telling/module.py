"""A module of a listing, and what makes a group of its tensors: a layer that has just their names and shapes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import ValidationError

from service.networks.layers import LAYERS
from service.networks.layers.layer import LayerSpec
from service.networks.layers.listed import AsListed, Taken
from service.networks.layouts import SEPARATOR, Layout, as_they_are
from service.networks.telling.names import own_name, words_of
from service.networks.telling.told import Doubt, Group
from service.once import once
from service.stream.views import Shape

UNKNOWN_KIND, UNKNOWN_START = "unknown-tensor", "unknown-start"


@dataclass(frozen=True)
class Evidence:
    """What the rest of a listing says.

    `transposed` are names of modules whose matrices are (in, out) in PyTorch, too; `widths` those of embeddings;
    `channels` what convolutions put out. `zero_norms`: whether normalisations multiply by 1 + scale, so that the scale
    starts at 0; None where they may.
    """

    transposed: frozenset[str] = frozenset()
    widths: frozenset[int] = frozenset()
    channels: frozenset[int] = frozenset()
    zero_norms: bool | None = False


@dataclass(frozen=True)
class Module:
    """Tensors that share a name up to its last part; `path` is that, with numbers masked."""

    path: str
    layout: Layout
    shapes: Mapping[str, Shape]
    evidence: Evidence = field(default_factory=Evidence)

    @once
    def own(self) -> str:
        return own_name(self.path, SEPARATOR[self.layout]).lower()

    @once
    def words(self) -> frozenset[str]:
        return words_of(own_name(self.path, SEPARATOR[self.layout]))

    @once
    def parts(self) -> frozenset[str]:
        return frozenset(self.path.lower().split(SEPARATOR[self.layout]))

    def without(self, names: Iterable[str]) -> "Module":
        left = {name: shape for name, shape in self.shapes.items() if name not in set(names)}
        return Module(self.path, self.layout, left, self.evidence)


Rule: TypeAlias = Callable[[Module], Group | None]


def layer_of(kind: str, **members: Any) -> LayerSpec | None:
    """Return a layer; None where there is none of this type, or of these sizes."""
    if kind not in LAYERS:
        return None
    try:
        return LAYERS[kind].model_validate({"type": kind, **members})
    except ValidationError:
        return None


def unbiased(has: bool) -> dict[str, None]:
    """Return the member of a layer that says that it has no bias, where it has none."""
    return {} if has else {"bias": None}


def arrays_of(layer: LayerSpec, layout: Layout) -> dict[str, Shape]:
    """Return the shapes of a layer's arrays, by the layout's names of them."""
    forms = as_they_are({each.name: each.shape for each in layer.parameters()})
    return {each.name: each.of.form(forms).shape for each in layer.placements()[layout]}


def group(
    module: Module,
    layer: LayerSpec | None,
    taken: Mapping[str, Taken],
    shown: Mapping[str, str] | None = None,
    because: str | None = None,
    doubt: Doubt | None = None,
) -> Group | None:
    """Return the group of a layer whose arrays all are in the module, in these shapes; None for any other.

    `taken` has what each array is taken for, by the layout's name of it; "" stands for all that it does not name.
    """
    if layer is None:
        return None
    shown = shown or {}
    arrays = {}
    for name, shape in arrays_of(layer, module.layout).items():
        listed = shown.get(name, name)
        if module.shapes.get(listed) != shape:
            return None
        arrays[listed] = taken.get(name) or taken[""]
    return Group("", layer.as_listed(AsListed(module.layout, arrays, shown, because)), arrays, doubt)


def bare(
    module: Module,
    name: str,
    taken: Taken,
    scheme: Any = None,
    fans: tuple[int, int] | None = None,
    doubt: Doubt | None = None,
) -> Group:
    """Return the group of one tensor that stays what it is; `scheme` and `fans` where more is known of it."""
    members: dict[str, Any] = {"shape": list(module.shapes[name]), "bare": module.layout == "pytorch"}
    members |= {} if scheme is None else {"scheme": scheme}
    members |= {} if fans is None else dict(zip(("fan_in", "fan_out"), fans, strict=True))
    layer = layer_of("tensor", **{key: value for key, value in members.items() if value is not False})
    assert layer is not None
    shown = {} if module.layout == "pytorch" else {"value": ""}
    listed = AsListed(module.layout, {"": taken}, shown, None if scheme is None else taken.why)
    return Group(name, layer.as_listed(listed), {name: taken}, doubt)
