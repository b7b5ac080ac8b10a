"""What a replay is asked for, and what it answers: a network's arrays as the framework itself has them.

A framework constructs the modules of a spec one after the other, as its users would, and says of each array how its
values come about. The arrays are the framework's own: its names, shapes and order, those of its layout.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from service.errors import InitserveError, UnsupportedCombination
from service.networks.families.engine import Step
from service.networks.fans import Fans
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Native
from service.networks.parameters import FRAMEWORK_DEFAULTS, Parameter
from service.networks.schemes import Scheme
from service.networks.schemes.given import GivenArray
from service.networks.schemes.npy import load_npy
from service.networks.schemes.scaling import VarianceScaling
from service.replay.rounding import Doubles
from service.stream.distributions import Distribution
from service.stream.draws import Addressed, Draws
from service.stream.dtypes import DtypeName
from service.stream.matrices import Computed
from service.stream.streams import Stream as OwnStream
from service.stream.views import Shape

NO_STREAM = OwnStream((0, 0), (0, 0))  # where there is no chance


@dataclass(frozen=True, slots=True)
class Array:
    """An array of a module; `path` is its name in a file of the whole network.

    `stated` is the scheme that the spec asks for, None where the framework's default holds. `parameter` is the
    canonical parameter that it comes to, the first of several; `pointer` leads to the member of the spec that decides
    how it starts. It is drawn in its own `dtype`.
    """

    name: str
    path: str
    shape: Shape
    stated: Scheme | None
    parameter: Parameter
    pointer: str
    dtype: DtypeName

    def scheme_in(self, framework: Native) -> Scheme:
        """Return what is stated, or the default of the framework's layer."""
        defaults = self.parameter.defaults
        return self.stated or defaults.get(framework, FRAMEWORK_DEFAULTS[framework][self.parameter.role])


@dataclass(frozen=True, slots=True)
class Module:
    """A layer of the spec, with its arrays by name, in the order of the framework's layout.

    It is constructed in `dtype`; a rule may give arrays of it another.
    """

    name: str
    spec: LayerSpec
    arrays: Mapping[str, Array]
    pointer: str
    dtype: DtypeName


@dataclass(frozen=True, slots=True)
class ArrayDraws:
    """How an array of a module comes about.

    `distribution` says what to expect of its values. `draws` is None where no chance is in them: the canonical
    distribution of the scheme then gives them. `inexact` says why the framework's own bits may be others, None where
    they are not. `scheme` is the framework's default where the layer's own table has another. `padded` says whether
    the row of a padding token, where there is one, is 0.
    """

    distribution: Distribution
    fans: Fans
    draws: Draws | None
    inexact: str | None = None
    scheme: Scheme | None = None
    padded: bool = True


class Construct(Protocol):
    """Says for each module, by array, how it comes about; raises InitserveError for what cannot be."""

    def __call__(self, modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]: ...


class Build(Protocol):
    """Says the same of a published model's modules, which are made by the steps of its family."""

    def __call__(self, steps: Sequence[Step], modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]: ...


@dataclass(frozen=True)
class Stream:
    """A stream as the catalogue tells of it.

    `layout` is the framework's own, whose defaults and fans a spec starts with.
    `exact` and `inexact` say, in sentences, what comes out to the bit and what does not, and why.
    """

    name: str
    summary: str
    layout: Native
    dtypes: tuple[DtypeName, ...]
    versions: Mapping[str, str]
    addressable: bool
    exact: tuple[str, ...]
    inexact: tuple[str, ...]
    example: Mapping[str, Any]


def given_array(scheme: GivenArray, array: Array, layout: Native, cast: Callable[[Doubles], Doubles]) -> Draws | None:
    """Return what fills an array with the numbers of a spec's own, as `cast` leaves them before the dtype's rounding.

    None where it has another shape than they: their canonical places are then looked up. A framework's constant is a
    whole array: one whose rest is to be drawn is refused.
    """
    if scheme.rest is not None:
        raise UnsupportedCombination(
            "no framework has an initialiser that begins with given values and draws the rest; use initserve/1",
            array.pointer,
        )
    values = load_npy(scheme.npy)
    if (scheme.inflate or scheme.channels) is not None:
        try:
            values = scheme.adapted(array.parameter.site(layout))
        except InitserveError as error:
            raise error.at(array.pointer) from None
    if values.shape != array.shape:
        return None
    numbers = cast(values)
    made = Computed((0.0, 0.0, None, None), (scheme.npy, numbers.tobytes()), values.size, lambda chance: numbers)
    return Addressed(made, NO_STREAM, values.size)


def as_it_is(scheme: Scheme) -> Scheme:
    return scheme


def untruncated(scheme: Scheme) -> Scheme:
    """Return a scheme with the same deviation that is not cut: for a framework whose normals by fan never are."""
    if not isinstance(scheme, VarianceScaling) or scheme.distribution not in ("truncated_normal", "uncorrected_normal"):
        return scheme
    name = {"he_normal": "torch:kaiming_normal", "glorot_normal": "torch:xavier_normal"}.get(scheme.name)
    return scheme.model_copy(update={"name": name or "variance_scaling", "distribution": "untruncated_normal"})


@dataclass(frozen=True, kw_only=True)
class Replay(Stream):
    """A framework's stream, which a spec's `algorithm` chooses.

    `seeds` is how many there are of those that it takes, from 0: one that is left out is below. `least_seed` is the
    least that a spec or a layer may state. `kind_of` is what the framework calls a layer without a name, before a
    number; None where it is called as under the service's own stream. `in_kind` turns a scheme that is recommended
    into one that the framework has. `recipes` are those that `build` makes as the published models' own library does,
    draw by draw; of others, layers are constructed and rules applied.
    """

    construct: Construct = field(repr=False)
    seeds: int = 2**53
    least_seed: int = 0
    in_kind: Callable[[Scheme], Scheme] = as_it_is
    recipes: tuple[str, ...] = ()
    build: Build | None = field(default=None, repr=False)
    kind_of: Callable[[LayerSpec], str] | None = None


def described(array: Array) -> str:
    """Return an array's shape and name, for a message."""
    return f"the shape {list(array.shape)} of {array.path}"


def no_such_layer(framework: str, module: Module, instead: str = "") -> UnsupportedCombination:
    """Return the error for a layer that the framework does not have; `instead` is the type of one with its arrays."""
    hint = f"{instead} has the same arrays" if instead else "state its parts, or bare arrays with type tensor"
    remedy = {"type": instead} if instead else None
    return UnsupportedCombination(
        f"{framework} has no layer like {module.spec.type}; {hint}", f"{module.pointer}/type", remedy
    )


def no_such_member(
    module: Module, member: str, why: str, remedy: dict[str, Any] | None = None
) -> UnsupportedCombination:
    """Return the error for a member of a layer that the framework's own does not have, or not with this value."""
    return UnsupportedCombination(why, f"{module.pointer}/{member}", remedy)


def no_such_scheme(
    framework: str, array: Array, scheme: Scheme, instead: str | Scheme | None = None
) -> UnsupportedCombination:
    """Return the error for a scheme that the framework does not have; `instead` is one that it has, if there is any."""
    name = instead.name if isinstance(instead, Scheme) else instead
    change = instead.model_dump() if isinstance(instead, Scheme) else instead
    hint = f"; its nearest is {name}" if name else ""
    remedy = {array.pointer.rpartition("/")[2]: change} if change else None
    return UnsupportedCombination(f"{framework} has no initialiser like {scheme.name}{hint}", array.pointer, remedy)
