"""What is asked of a layer, and what its values are: of each canonical parameter its choice and its distribution.

Most layers of a large model are alike: they differ in nothing but name and seed. What is decided and made of a layer is
theirs together, one object for all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from service.errors import UnsupportedCombination
from service.networks.fans import Fans
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Placement, Placements
from service.networks.parameters import Choice
from service.networks.parameters import Parameter as Stated
from service.networks.schemes import Scheme
from service.networks.schemes.given import GivenArray
from service.stream.distributions import Constant, Distribution, Normal, Uniform
from service.stream.draws import Draws
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.matrices import GivenFirst
from service.stream.streams import Streams
from service.stream.views import Form


class Member(NamedTuple):
    """A member of a spec that says something: `pointer` leads to it from the layer where it is `of_layer`."""

    pointer: str
    of_layer: bool = False

    def under(self, layer: str) -> str:
        """Return the pointer from the whole spec; `layer` is that to the layer."""
        return layer + self.pointer if self.of_layer else self.pointer


SPECS_DTYPE = Member("/dtype")


@dataclass(frozen=True, slots=True)
class Decided:
    """A canonical parameter, the scheme and the dtype that it gets, and which members of the spec say so.

    `seed` is its own, None where it has its layer's.
    """

    stated: Stated
    choice: Choice
    said_by: Member
    dtype: DtypeName
    typed_by: Member
    seed: int | None = None


def own_member(decided: Decided) -> bool:
    """Whether a member of a rule or of the layer says a parameter's dtype, not the spec's."""
    return decided.typed_by != SPECS_DTYPE


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What was decided for each canonical parameter of layers that are alike, and each layout's arrays."""

    choices: Mapping[str, Decided]
    placements: Placements


@dataclass(frozen=True, slots=True)
class Asked:
    """A layer of a spec, with what was decided for it and for those that are like it."""

    name: str
    spec: LayerSpec
    pointer: str
    decisions: Decisions

    @property
    def choices(self) -> Mapping[str, Decided]:
        return self.decisions.choices

    @property
    def placements(self) -> Placements:
        return self.decisions.placements

    @property
    def streams(self) -> str:
        """The name that its streams have."""
        return self.name if self.spec.listed is None else self.spec.listed.streams_of(self.name)

    @property
    def parameters(self) -> tuple[Stated, ...]:
        return tuple(each.stated for each in self.choices.values())

    def pointer_to(self, member: Member) -> str:
        """Return the pointer from the whole spec to a member."""
        return member.under(self.pointer)

    def typed(self, placement: Placement) -> Decided:
        """Return the parameter whose dtype an array has; refuses parameters in it that have another."""
        first, *others = (self.choices[name] for name in placement.of.sources())
        for other in others:
            if other.dtype != first.dtype:
                raise UnsupportedCombination(
                    f"{other.stated.name} and {first.stated.name} are one array here, {placement.name}, which has one "
                    "dtype; state the same for both",
                    self.pointer_to(max(first, other, key=own_member).typed_by),
                    {"dtype": min(first, other, key=own_member).dtype},
                )
        return first


@dataclass(frozen=True)
class Source:
    """A canonical parameter, and what its values are."""

    stated: Stated
    choice: Choice
    fans: Fans  # those that the scheme counts by
    distribution: Distribution

    def formula(self, dtype: DtypeName) -> str:
        """Return what the scheme comes to here, in numbers where it is a distribution of independent values.

        A half type's bounds are told as they are stored; float32 and float64 values never pass the exact ones.
        """
        scheme = self.choice.scheme
        if isinstance(self.distribution, GivenFirst) and isinstance(scheme, GivenArray) and scheme.rest is not None:
            return f"{scheme.formula}, then {formula_of(self.distribution.inner, scheme.rest, dtype)}"
        return formula_of(self.distribution, scheme, dtype)


def formula_of(distribution: Distribution, scheme: Scheme, dtype: DtypeName) -> str:
    half = DTYPES[dtype].size == 2

    def text(bound: float) -> str:
        return f"{DTYPES[dtype].nearest(bound) if half else bound:.9g}"

    match distribution:
        case Constant(value):
            return text(value)
        case Uniform(low, high):
            return f"U[{text(low)}, {text(high)}]"
        case Normal() as normal:
            free = f"N({normal.location:.9g}, {normal.scale:.9g}²)"
            if normal.low is None and normal.high is None:
                return free
            start = "-∞" if normal.low is None else text(normal.low)
            return f"{free} between {start} and {'∞' if normal.high is None else text(normal.high)}"
        case _:
            return scheme.formula


Draw: TypeAlias = Callable[[Streams], Draws]


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What the values of layers that are alike are: of each canonical parameter what it is, and where it stands.

    `arrays` are those that the parameters stand in: what returns what draws one, in the streams of one of the layers.
    """

    sources: Mapping[str, Source]
    forms: Mapping[str, Form]
    arrays: Mapping[str, Draw]
    distributions: Mapping[str, Distribution] = field(init=False)  # of the sources; each of a layer's arrays asks

    def __post_init__(self) -> None:
        found = {name: source.distribution for name, source in self.sources.items()}
        object.__setattr__(self, "distributions", found)
