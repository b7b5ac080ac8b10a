"""Family: a published model in all its sizes, with and without heads, as its own library makes it of a config.json."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias

from service.errors import InvalidSpec
from service.networks.families.engine import Model, walk
from service.networks.families.settings import Settings
from service.networks.families.tree import Module
from service.networks.families.wiring import Network

Config: TypeAlias = Mapping[str, Any]
ALIKE = 0.9  # of a hundred characters ten may differ; published configs have no two members nearer than that
MOST_STRANGE = 256  # members that are looked at


class Head(NamedTuple):
    """What a model with a head is called in its library, and the whole tree that it is."""

    architecture: str
    tree: Callable[[Settings], Module]


@dataclass(frozen=True, kw_only=True)
class Family:
    """A row of FAMILIES.

    `summary` says what it is and how it starts. `defaults` are what the library takes for what a config leaves out, of
    the members that make the model what it is; `sizes` say what a named size has otherwise, the first of which is meant
    where neither size nor config is given. `heads` has None for the model without one. `files` are patterns of layers'
    names and what stands for them in a checkpoint, where these are others than the names in memory. `experts` are
    patterns of arrays that have an expert at each place of their first axis, and the names under which a checkpoint has
    each expert's parts: the second axis is cut into as many. `aliases` are other names of a config's members, which the
    library takes as well, and what each of them means. `library` is whose it is, by the name that the Hub has for it.
    `part_of` is the recipe of a larger model that this one is a part of, whose config may be this one's alone.
    `network` says how the modules of a head make a network, where that is told; `structure` are the library's defaults
    for members that change no weight, but what is done with them.
    """

    model_type: str
    summary: str
    references: tuple[str, ...]
    defaults: Config
    sizes: Mapping[str, Config]
    heads: Mapping[str | None, Head]
    files: Mapping[str, str] = field(default_factory=dict)
    experts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    library: str = "transformers"
    part_of: str = ""
    network: Callable[[Settings, str | None], Network] | None = None
    structure: Config = field(default_factory=dict)

    def settled(self, size: str | None, config: Config | None) -> Config:
        """Return what a config states over a size; of no size where only a config is given."""
        named = size or (next(iter(self.sizes)) if config is None else None)
        stated = over(self.sizes[named] if named else {}, config or {})
        others = {self.aliases[name]: value for name, value in stated.items() if name in self.aliases}
        return {**{name: value for name, value in stated.items() if name not in self.aliases}, **others}

    def has(self, config: Config, larger: "Family") -> bool:
        """Whether a config that is given for the larger model is this part's: it says so, or has its members alone."""
        stated = config.get("model_type")
        if stated is not None or any(name.endswith("_config") for name in config):
            return bool(stated == self.model_type)
        return any(name in self.defaults and name not in larger.defaults for name in config)

    def model(self, size: str | None, config: Config | None, head: str | None) -> Model:
        """Return the model; raises InvalidSpec, pointing into the config, for one that cannot be."""
        return walk(self.tree(size, config, head))

    def tree(self, size: str | None, config: Config | None, head: str | None) -> Module:
        """Return its modules; raises InvalidSpec as `model` does."""
        return self.heads[head].tree(self.settings(size, config))

    def wired(self, size: str | None, config: Config | None, head: str | None) -> Network | None:
        """Return its network, None where none is told; raises InvalidSpec as `model` does."""
        return None if self.network is None else self.network(self.settings(size, config), head)

    def settings(self, size: str | None, config: Config | None) -> Settings:
        settings = Settings(self.settled(size, config), {**self.structure, **self.defaults})
        kind = settings.stated("model_type")
        if kind not in (None, self.model_type):
            raise InvalidSpec(
                f"this config is of the family {str(kind)[:64]}, not {self.model_type}", "/config/model_type"
            )
        return settings

    def misspelt(self, config: Config) -> dict[str, str]:
        """Return the members of a config that are nearly one that this family reads, and that one.

        A config.json holds much that has nothing to do with weights, so that other unknown members say nothing.
        """
        known = [name for name in (*self.defaults, *self.aliases) if name not in config]
        strange = [name for name in config if name not in self.defaults and name not in self.aliases]
        near = {name: get_close_matches(name[:64], known, n=1, cutoff=ALIKE) for name in strange[:MOST_STRANGE]}
        return {name: found[0] for name, found in near.items() if found}

    def config_json(self, size: str | None, config: Config | None, head: str | None) -> dict[str, Any]:
        """Return the config.json from which the library makes this model."""
        usual = {name: value for name, value in self.defaults.items() if value is not None}
        stated = {**usual, **self.settled(size, config)}
        if self.library != "transformers":
            return stated
        return {**stated, "model_type": self.model_type, "architectures": [self.heads[head].architecture]}


def over(size: Config, config: Config) -> dict[str, Any]:
    """Return a config over a size's, member by member; so too a part's, where both are objects."""
    found = {**size, **config}
    for name, below in size.items():
        above = config.get(name)
        if isinstance(below, Mapping) and isinstance(above, Mapping):
            found[name] = over(below, above)
    return found
