"""What is asked of a layer, and what its values are: of each canonical parameter its choice and its distribution."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.errors import UnsupportedCombination
from service.networks.fans import Fans
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Placement, Placements
from service.networks.parameters import Choice
from service.networks.parameters import Parameter as Stated
from service.stream.distributions import Constant, Distribution, Normal, Uniform
from service.stream.draws import Draws
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.views import Form


@dataclass(frozen=True, slots=True)
class Decided:
    """A canonical parameter, the scheme that it gets, and the pointer to the member of the spec that says so.

    Likewise its dtype; `typed_by` is the pointer to the member that says that. `seed` is its own, None where it has its
    layer's.
    """

    stated: Stated
    choice: Choice
    pointer: str
    dtype: DtypeName
    typed_by: str
    seed: int | None = None


def own_member(decided: Decided) -> bool:
    """Whether a member of a rule or of the layer says a parameter's dtype, not the spec's."""
    return decided.typed_by != "/dtype"


@dataclass(frozen=True, slots=True)
class Asked:
    """A layer of a spec, with what was decided for each of its canonical parameters, and each layout's arrays."""

    name: str
    spec: LayerSpec
    pointer: str
    choices: Mapping[str, Decided]
    placements: Placements

    @property
    def parameters(self) -> tuple[Stated, ...]:
        return tuple(each.stated for each in self.choices.values())

    def typed(self, placement: Placement) -> Decided:
        """Return the parameter whose dtype an array has; refuses parameters in it that have another."""
        first, *others = (self.choices[name] for name in placement.of.sources())
        for other in others:
            if other.dtype != first.dtype:
                raise UnsupportedCombination(
                    f"{other.stated.name} and {first.stated.name} are one array here, {placement.name}, which has one "
                    "dtype; state the same for both",
                    max(first, other, key=own_member).typed_by,
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
        half = DTYPES[dtype].size == 2

        def text(bound: float) -> str:
            return f"{DTYPES[dtype].nearest(bound) if half else bound:.9g}"

        match self.distribution:
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
                return self.choice.scheme.formula


@dataclass(frozen=True, slots=True)
class Made:
    """What a layer's values are: of each canonical parameter what it is, and where it stands in which arrays."""

    sources: Mapping[str, Source]
    forms: Mapping[str, Form]
    arrays: Mapping[str, Draws]

    @property
    def distributions(self) -> dict[str, Distribution]:
        return {name: source.distribution for name, source in self.sources.items()}
