"""A whole listing: split into modules, each pattern of them told once, put together as layers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from service import stopping
from service.errors import InvalidSpec, TooLarge
from service.networks.layers.layer import LayerSpec
from service.networks.layers.listed import Taken
from service.networks.layouts import SEPARATOR, Layout
from service.networks.telling import flax, keras, pytorch
from service.networks.telling.computed import computed
from service.networks.telling.evidence import evidence_of
from service.networks.telling.joining import join
from service.networks.telling.module import Evidence, Module
from service.networks.telling.names import in_natural_order, masked
from service.networks.telling.told import Doubt, Doubtful, Group, Listed, Told
from service.stream.dtypes import DtypeName
from service.stream.views import Shape

Modules = dict[str, dict[str, Listed]]
GROUPS: dict[Layout, Callable[[Module], list[Group]]] = {
    "pytorch": pytorch.groups_of, "keras": keras.groups_of, "flax": flax.groups_of
}  # fmt: skip
Pattern = tuple[str, tuple[tuple[str, Listed], ...]]
# Modules of other names, but for numbers, or other shapes; each takes up to 0.2 milliseconds, and DeepSeek-V3 has 22.
MOST_PATTERNS = 2**14


def tell(listed: Mapping[str, Listed], layout: Layout, model_type: str | None = None) -> Told:
    """Return what the tensors of a listing are, and their layers; `model_type` is what a config.json says, if known.

    Raises InvalidSpec where two layers would have one name, TooLarge where too many modules are unlike each other.
    """
    separator = SEPARATOR[layout]
    modules: Modules = {}
    for name in in_natural_order(listed, separator):
        path, _, own = name.rpartition(separator)
        modules.setdefault(path, {})[own] = listed[name]
    join(modules, layout)
    patterns = {path: (masked(path), tuple(tensors.items())) for path, tensors in modules.items()}
    different = dict.fromkeys(patterns.values())
    if len(different) > MOST_PATTERNS:
        raise TooLarge(f"at most {MOST_PATTERNS:,} modules of a listing may differ in more than numbers in their names")
    known = Patterns(layout, model_type, different)
    putting = Putting(layout)
    for path, pattern in patterns.items():
        putting.add(path, known.of(pattern))
    return putting.told()


class Patterns:
    """What each pattern of modules comes to, told once for all modules of its names and shapes."""

    def __init__(self, layout: Layout, model_type: str | None, patterns: Mapping[Pattern, None]) -> None:
        self._layout, self._found = layout, dict[Pattern, tuple[list[Group], dict[str, Taken]]]()
        drawn = (self._module(pattern, computed(pattern[0], pattern[1]), Evidence()) for pattern in patterns)
        self._evidence = evidence_of(drawn, layout, model_type)

    def _module(self, pattern: Pattern, left: Mapping[str, Taken], evidence: Evidence) -> Module:
        path, tensors = pattern
        shapes: dict[str, Shape] = {name: each.shape for name, each in tensors if name not in left}
        return Module(path, self._layout, shapes, evidence)

    def of(self, pattern: Pattern) -> tuple[list[Group], dict[str, Taken]]:
        """Return a pattern's layers, and what of it is left alone."""
        found = self._found.get(pattern)
        if found is None:
            stopping.give_way()
            left = computed(pattern[0], pattern[1])
            module = self._module(pattern, left, self._evidence)
            groups = GROUPS[self._layout](module) if module.shapes else []
            tensors = dict(pattern[1])
            found = self._found[pattern] = ([with_dtypes(each, tensors) for each in groups], left)
        return found


def with_dtypes(group: Group, tensors: Mapping[str, Listed]) -> Group:
    """Return a layer whose arrays have the dtypes that the listing states."""
    stated = {name: tensors[name].dtype for name in group.arrays}
    kinds = set(stated.values())
    if kinds == {None}:
        return group
    listed, layer = group.listed, group.layer
    if len(kinds) == 1:
        return replace(group, layer=layer.model_copy(update={"dtype": next(iter(kinds))}))
    dtypes: dict[str, DtypeName] = {}
    for placement in layer.placed()[listed.layout]:
        dtype = stated[group.at + placement.name]
        dtypes |= {} if dtype is None else dict.fromkeys(placement.of.sources(), dtype)
    return replace(group, layer=layer.as_listed(replace(listed, dtypes=dtypes)))


@dataclass
class Putting:
    """Puts the layers of modules together, under their own names."""

    layout: Layout
    layers: dict[str, LayerSpec] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)
    left_alone: dict[str, Taken] = field(default_factory=dict)
    doubts: dict[tuple[Doubt, str], list[str]] = field(default_factory=dict)

    def add(self, path: str, found: tuple[list[Group], Mapping[str, Taken]]) -> None:
        groups, left = found
        before = f"{path}{SEPARATOR[self.layout]}" if path else ""
        for group in groups:
            name = f"{before}{group.at}" if group.at else path
            streams = group.listed.streams_of(name)
            if streams in self.layers:
                twin = self.layers[streams].name
                why = "is a tensor and a module" if twin == name else f"is {twin!r} with other marks between its parts"
                raise InvalidSpec(f"{name!r} {why}: one of them needs another name", "/tensors")
            self.layers[streams] = group.layer.called(name)
            own = next(iter(group.arrays))
            self.first.append(before + own)
            if group.doubt is not None:
                self.doubts.setdefault((group.doubt, own), []).append(before + own)
        for own, taken in left.items():
            self.left_alone[before + own] = taken

    def told(self) -> Told:
        doubts = tuple(Doubtful(doubt, tuple(names)) for (doubt, _), names in self.doubts.items())
        return Told(self.layout, tuple(self.layers.values()), tuple(self.first), self.left_alone, doubts)
