"""Schemes with the arguments of one framework's own initialisers: Keras's and JAX's axes.

They stand under the framework's prefix, and act on the framework's own array.
"""

from math import prod
from typing import Annotated, TypeAlias

from pydantic import Field

from service.errors import InvalidSpec
from service.networks.fans import Fans
from service.networks.schemes.linear import DeltaOrthogonal, OrthogonalScheme
from service.networks.schemes.scaling import VarianceScaling
from service.networks.site import Site
from service.stream.chance import Doubles
from service.stream.matrices import orthonormal
from service.stream.stacks import Stack
from service.stream.views import Shape

Axis: TypeAlias = Annotated[int, Field(ge=-32, le=31)]
Axes: TypeAlias = Annotated[list[Axis], Field(max_length=32)]


def refuse_axes(axes: Axes, shape: Shape) -> None:
    """Refuse an axis that an array of this shape does not have."""
    for axis in axes:
        if not -len(shape) <= axis < len(shape):
            raise InvalidSpec(f"the shape {list(shape)} has no axis {axis}")


class KerasVarianceScaling(VarianceScaling):
    """Keras's VarianceScaling: zero mean and variance scale / fan, of axes that may be named."""

    family = "keras:variance_scaling"
    references = ("keras.initializers.VarianceScaling",)
    input_axes: Axes | None = Field(
        None, description="Axes whose sizes make fan_in; with output_axes, or neither: by the array's shape."
    )
    output_axes: Axes | None = Field(None, description="Axes whose sizes make fan_out.")

    @property
    def by_axes(self) -> bool:
        """Whether fans are counted by its own axes; Keras needs both."""
        return self.input_axes is not None and self.output_axes is not None

    def fans(self, site: Site) -> Fans:
        if self.input_axes is None or self.output_axes is None:
            return site.fans
        refuse_axes([*self.input_axes, *self.output_axes], site.shape)
        return Fans(prod(site.shape[i] for i in self.input_axes), prod(site.shape[i] for i in self.output_axes))


class JaxVarianceScaling(VarianceScaling):
    """JAX's variance_scaling: zero mean and variance scale / fan; axes that are neither are a convolution's window."""

    family = "jax:variance_scaling"
    references = ("jax.nn.initializers.variance_scaling",)
    in_axis: Axis | Axes = Field(-2, description="Axis or axes of the inputs.")
    out_axis: Axis | Axes = Field(-1, description="Axis or axes of the outputs.")
    batch_axis: Axis | Axes = Field(default_factory=list, description="Axis or axes that are not connections.")

    @property
    def by_axes(self) -> bool:
        """Whether fans are counted by other axes than JAX's usual ones."""
        return (self.in_axis, self.out_axis, self.batch_axis) != (-2, -1, [])

    def fans(self, site: Site) -> Fans:
        if not self.by_axes:
            return site.fans
        inputs, outputs, batches = (as_list(axes) for axes in (self.in_axis, self.out_axis, self.batch_axis))
        refuse_axes([*inputs, *outputs, *batches], site.shape)
        size_in, size_out, batch = (prod(site.shape[i] for i in axes) for axes in (inputs, outputs, batches))
        window = prod(site.shape) / size_in / size_out / batch
        return Fans(size_in * window, size_out * window)


def as_list(axes: Axis | Axes) -> Axes:
    return [axes] if isinstance(axes, int) else axes


class JaxOrthogonal(OrthogonalScheme):
    """JAX's orthogonal: all axes but one are rows."""

    family = "jax:orthogonal"
    references = ("jax.nn.initializers.orthogonal",)
    column_axis: Axis = Field(-1, description="Axis of the columns.")

    def stack(self, site: Site) -> Stack:
        refuse_axes([self.column_axis], site.shape)
        count = len(site.shape)
        columns = self.column_axis % count
        return Stack(site.shape, (), tuple(axis for axis in range(count) if axis != columns), (columns,))


class JaxDeltaOrthogonal(DeltaOrthogonal):
    """JAX's delta_orthogonal: an orthogonal matrix at the centre of a convolution's window and 0 elsewhere."""

    family = "jax:delta_orthogonal"
    references = ("jax.nn.initializers.delta_orthogonal",)
    column_axis: Annotated[int, Field(ge=-2, le=1)] = Field(
        -1, description="Axis of the columns of the matrix at the centre."
    )

    def centre(self, gaussian: Doubles) -> Doubles:
        turned = self.column_axis in (0, -2)
        return orthonormal(gaussian.T).T if turned else orthonormal(gaussian)
