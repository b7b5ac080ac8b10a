"""What is told of a listing: of each tensor its kind and why, and the layers that they come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from service.networks.layers.layer import LayerSpec
from service.networks.layers.listed import AsListed, Taken
from service.networks.layouts import Layout, key_of
from service.stream.dtypes import DtypeName
from service.stream.views import Shape


class Listed(NamedTuple):
    """A tensor of a listing; `dtype` None is the spec's, `whole` says that it holds integers or booleans."""

    shape: Shape
    dtype: DtypeName | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """What cannot be told of a tensor: its kind, or how one of its kind starts in this model."""

    code: str
    what: str


@dataclass(frozen=True, slots=True)
class Group:
    """A layer that some tensors of a module come to.

    `at` is its name behind the module's, "" for the module's own. `arrays` are its tensors, by their names behind the
    module's. `layer` is the layer, but for its name.
    """

    at: str
    layer: LayerSpec
    arrays: Mapping[str, Taken]
    doubt: Doubt | None = None

    @property
    def listed(self) -> AsListed:
        assert self.layer.listed is not None
        return self.layer.listed


class Doubtful(NamedTuple):
    """A doubt, and the tensors that it is about."""

    doubt: Doubt
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Layers in the natural order of their names; `first` is the name of each one's first tensor in the listing.

    `left_alone` are tensors that are none of a layer's.
    """

    layout: Layout
    layers: tuple[LayerSpec, ...] = ()
    first: tuple[str, ...] = ()
    left_alone: Mapping[str, Taken] = field(default_factory=dict)
    doubts: tuple[Doubtful, ...] = ()

    @property
    def taken(self) -> dict[str, Taken]:
        """What each tensor of a layer was taken for, by its name in the listing."""
        found: dict[str, Taken] = {}
        for layer in self.layers:
            assert layer.listed is not None
            found |= {key_of(layer.name or "", name, self.layout): taken for name, taken in layer.listed.taken.items()}
        return found
