"""What a listing of a model's tensors says of a layer that was told from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from service.networks.layouts import Layout, Placements
from service.stream.dtypes import DtypeName


@dataclass(frozen=True, slots=True)
class Taken:
    """What a tensor of a listing was taken for: a kind, and why."""

    kind: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class AsListed:
    """Layers of one pattern in a listing: one object for all of them.

    `shown` has, by the layout's name of an array, the listing's name behind the layer's where it differs. `taken` says
    of each array, by the listing's name behind the layer's, what it was taken for. `because` is the reason of a scheme
    that the layer states. `dtypes` are those of canonical parameters, where they are not all of one.
    """

    layout: Layout
    taken: Mapping[str, Taken]
    shown: Mapping[str, str] = field(default_factory=dict)
    because: str | None = None
    dtypes: Mapping[str, DtypeName] = field(default_factory=dict)

    def streams_of(self, layer: str) -> str:
        """Return the name that a layer's streams have: parts of it are parted by dots in every layout.

        So one network has the same values whosever names it is listed by. What Flax collects parameters under is no
        part of their names.
        """
        return layer.removeprefix("params/").replace("/", ".")

    def named(self, placements: Placements) -> Placements:
        """Return a layer's arrays under the listing's names."""
        if not self.shown:
            return placements
        named = (replace(each, name=self.shown.get(each.name, each.name)) for each in placements[self.layout])
        return {**placements, self.layout: tuple(named)}
