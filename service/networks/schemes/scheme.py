"""The base of every scheme family: a formula with its parameters."""

from typing import ClassVar

from service.errors import InvalidSpec
from service.networks.description import Description
from service.networks.site import Site
from service.stream.distributions import Distribution


class Scheme(Description):
    """A family with its parameters; `name` is the preset's, or the family's own.

    `formula` and `references` are the catalogue's; a family's first docstring line is its summary there.
    """

    family: ClassVar[str]
    formula: ClassVar[str]
    references: ClassVar[tuple[str, ...]] = ()
    positional: ClassVar[bool] = False  # whether a value depends on where in its array it stands

    name: str

    @property
    def framework(self) -> str | None:
        """The framework whose array it acts on and whose rule of fans it counts by: its name's prefix, if any."""
        prefix, colon, _ = self.name.partition(":")
        return prefix if colon else None

    @property
    def counted_by(self) -> str | None:
        """The framework by whose rule fans are counted where the scheme acts on the layer's own array."""
        return None

    def realise(self, site: Site) -> Distribution:
        """Return what a parameter at this site is distributed as; raises InvalidSpec where it cannot be."""
        raise NotImplementedError

    def refuse(self, need: str, site: Site) -> InvalidSpec:
        return InvalidSpec(f"{self.name} needs {need}, not {site.told}")
