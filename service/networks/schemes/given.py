"""Arrays as given: whole, as kernels for more axes or other channels, or as a beginning whose rest is drawn."""

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, Union

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from service.networks.schemes.families import WHOLE
from service.networks.schemes.likeness import factors, normal_like
from service.networks.schemes.names import family_of, spelt_out
from service.networks.schemes.npy import load_npy, read_npy
from service.networks.schemes.presets import PRESETS
from service.networks.schemes.scaling import VarianceScaling
from service.networks.schemes.scheme import Scheme
from service.networks.schemes.tables import Doubles, tabulated
from service.networks.site import Site
from service.stream.distributions import Distribution
from service.stream.matrices import Computed, GivenFirst

# Elements that an array may have once it is adapted: they are made before the plan is told.
LARGEST_ADAPTED = 2**22


class LikeRows(Scheme):
    """Normal rows with the mean and the covariance of those that are given: for a vocabulary that grew."""

    family = "like_rows"
    formula = "N(mean, scale covariance) of the given rows, a row alike"
    references = ("Hewitt 2021 (Initializing New Word Embeddings for Pretrained Language Models)",)
    name: str = "like_rows"
    scale: Annotated[float, Field(ge=0.0, le=1e6)] = Field(
        1.0, description="Factor on the covariance; transformers' mean_resizing has 1e-9."
    )


def read_rest(value: object) -> object:
    """Turn a name, or an object with a name and some parameters, into an object with every parameter."""
    name = value.get("name") if isinstance(value, Mapping) else value
    if name == LikeRows.family:
        return value if isinstance(value, Mapping) else {"name": name}
    return spelt_out(value)


def kind_of_rest(value: object) -> str | None:
    name = value.get("name") if isinstance(value, Mapping) else getattr(value, "name", None)
    found = str(name) if name == LikeRows.family else family_of(value)
    return found if found in RESTS else None


RESTS: dict[str, type[Scheme]] = {LikeRows.family: LikeRows, **WHOLE}
NAMES = {"type": "string", "enum": [LikeRows.family, *PRESETS]}

if TYPE_CHECKING:
    AnyFamily = Scheme
else:
    AnyFamily = Union[tuple(Annotated[kind, Tag(name)] for name, kind in RESTS.items())]  # noqa: UP007

# What draws the rest of a given array.
AnyRest: TypeAlias = Annotated[
    AnyFamily,
    Discriminator(
        kind_of_rest,
        custom_error_type="rest_form",
        custom_error_message="the rest is drawn by like_rows or by a scheme, which is not auto and not array",
    ),
    BeforeValidator(read_rest),
    # Not a scheme's own schema over again: generators make a class of every object, and of this one two.
    WithJsonSchema({"anyOf": [NAMES, {"description": "An object with a name and parameters, as of any scheme."}]}),
]


class GivenArray(Scheme):
    """An array as given, in the parameter's canonical shape; or what begins it, the rest being drawn."""

    family = "array"
    formula = "the array"
    references = (
        "Carreira and Zisserman 2017 (inflate: average)",
        "Arnab et al. 2021 (inflate: central)",
        "Wang et al. 2015 (channels: average)",
    )
    npy: Annotated[str, Field(min_length=1, max_length=2**20), AfterValidator(read_npy)] = Field(
        description="A .npy file of real numbers, in base64.", examples=["k05VTVBZ…"]
    )
    inflate: Literal["average", "central"] | None = Field(
        None,
        description="For a kernel with one axis more, the first of its window: the array at each of its places, "
        "divided by their number; or at the central one alone, 0 at the others.",
    )
    channels: Literal["average", "repeat"] | None = Field(
        None,
        description="For a kernel with n input channels, where the array has m: the mean of them for each, or they in "
        "turn; times m / n, so that inputs whose channels are alike give what they gave.",
    )
    rest: AnyRest | None = Field(
        None,
        description="What draws the places of one axis behind those that the array has: like_rows, normal with their "
        "mean and covariance, or a scheme, with the values that it has in the whole parameter.",
    )

    @property
    def counted_by(self) -> str | None:
        """The framework by whose rule the rest's fans are counted, if by one's."""
        return None if self.rest is None else self.rest.framework

    def realise(self, site: Site) -> Distribution:
        array = self.adapted(site)
        if array.shape == site.shape:
            return self._tabulated(array)
        assert self.rest is not None
        axis = self._growing(array.shape, site)
        after = prod(site.shape[axis + 1 :])
        block, period = array.shape[axis] * after, site.shape[axis] * after
        return GivenFirst(self._tabulated(array), array.ravel(), self._drawn(array, axis, site), block, period)

    def adapted(self, site: Site) -> Doubles:
        """Return the array for other channels and more axes; raises InvalidSpec where it begins no such parameter."""
        array = load_npy(self.npy)
        if self.inflate is not None and not (site.field and array.ndim == len(site.shape) - 1):
            raise self.refuse(f"one axis more than its array's shape {list(array.shape)} to inflate that", site)
        length = site.shape[0] if self.inflate is not None else 1
        axis = None if self.channels is None else self._inputs(array.ndim, site)
        have, want = (1, 1) if axis is None else (array.shape[axis], site.shape[axis - array.ndim])
        if length * want * (array.size // have) > LARGEST_ADAPTED:
            raise self.refuse(f"at most {LARGEST_ADAPTED:,} elements of what comes of its array", site)
        if axis is not None and have != want:
            array = self._with_channels(array, axis, want)
        if self.inflate is not None:
            array = self._inflated(array, length)
        if array.shape != site.shape and (self.rest is None or self._growing(array.shape, site) < 0):
            raise self.refuse(f"the array's shape {list(array.shape)}{self._hint(array.shape, site)}", site)
        return array

    def _inputs(self, count: int, site: Site) -> int:
        """Return which axis of an array of `count` has the input channels, counted from the end as in the parameter."""
        axes, last = site.axes, len(site.shape) - 1
        (axis, *others) = axes.inputs or (-1,)
        cut = len(axes.split) > len(site.shape)  # the last axis, in groups or gates and what each of them has
        if cut and axis > last and axes.size(axes.apart) == 1:
            axis = last
        if not 0 <= axis <= last or others or count < 2:
            raise self.refuse("one axis of input channels to adapt them", site)
        return axis - len(site.shape) + count

    def _with_channels(self, array: Doubles, axis: int, want: int) -> Doubles:
        have = array.shape[axis]
        if self.channels == "repeat":
            repeated: Doubles = np.take(array, np.arange(want) % have, axis) * np.float64(have) / np.float64(want)
            return repeated
        total = np.take(np.cumsum(array, axis), [have - 1], axis)  # from the first on
        return np.repeat(total / np.float64(want), want, axis)

    def _inflated(self, array: Doubles, length: int) -> Doubles:
        if self.inflate == "average":
            return np.repeat((array / np.float64(length))[None], length, axis=0)
        frames = np.zeros((length, *array.shape))
        frames[length // 2] = array
        return frames

    def _growing(self, given: tuple[int, ...], site: Site) -> int:
        """Return the one axis along which the array is shorter than the parameter; -1 where there is none."""
        if len(given) != len(site.shape):
            return -1
        other = [axis for axis, (have, want) in enumerate(zip(given, site.shape, strict=True)) if have != want]
        return other[0] if len(other) == 1 and given[other[0]] < site.shape[other[0]] else -1

    def _hint(self, given: tuple[int, ...], site: Site) -> str:
        if self.rest is not None:
            return ", or one that is longer along one axis"
        return ", or a rest that draws what it leaves out" if self._growing(given, site) >= 0 else ""

    def _tabulated(self, array: Doubles) -> Computed:
        return tabulated(array, ("array", self.npy, self.inflate, self.channels))

    def _drawn(self, array: Doubles, axis: int, site: Site) -> Distribution:
        """Return what draws the whole parameter, of which the array will take the place of its beginning."""
        rest = self.rest
        if isinstance(rest, LikeRows):
            rows = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
            identity = ("like_rows", self.npy, self.inflate, self.channels, rest.scale, site.shape)
            return normal_like(factors(rows, rest.scale), identity, site.shape, axis, array.shape[axis])
        assert rest is not None
        if rest.framework is not None and rest.positional:
            raise self.refuse(f"a rest without a framework's prefix, which makes its own array: not {rest.name}", site)
        if isinstance(rest, VarianceScaling) and rest.by_axes:
            raise self.refuse("a rest whose fans are the parameter's, not those of axes", site)
        return rest.realise(site)
