"""How a framework's initialisers see a layer: the arrays that they are called for, and the fans that they count.

To add a framework whose name may stand before a scheme's, add a row to FRAMEWORKS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from service.networks.fans import Fans, by_jax_rule, by_keras_rule, by_tfjs_rule, by_torch_rule
from service.networks.layers.einsum import EinsumDense
from service.networks.layers.layer import LayerSpec
from service.networks.layers.tensor import Tensor
from service.networks.layouts import Layout, Placement, Placements, as_they_are
from service.networks.parameters import FanRule, Parameter
from service.networks.site import Axes, Site
from service.stream.views import Shape


@dataclass(frozen=True, slots=True)
class Framework:
    """`count` returns a shape's fans, None where its initialisers refuse it; `read` says what its axes connect."""

    name: str
    layout: Layout
    count: Callable[[Shape], Fans | None]
    read: Callable[[Shape], Axes]


FRAMEWORKS: dict[str, Framework] = {
    "torch": Framework("torch", "pytorch", by_torch_rule, Axes.first),
    "timm": Framework("timm", "pytorch", by_torch_rule, Axes.first),
    "keras": Framework("keras", "keras", by_keras_rule, Axes.last),
    "jax": Framework("jax", "flax", by_jax_rule, Axes.last),
    "tfjs": Framework("tfjs", "keras", by_tfjs_rule, Axes.last),
}
BY_RULE: dict[FanRule, Framework] = {
    "pytorch": FRAMEWORKS["torch"], "keras": FRAMEWORKS["keras"], "flax": FRAMEWORKS["jax"]
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FrameworkArray:
    """An array of a layer as a framework has it; `called` is the shape that an initialiser is called with."""

    framework: Framework
    placement: Placement
    shape: Shape
    called: Shape
    fans: Fans | None

    def site(self, parameter: Parameter) -> Site:
        """Return where a scheme is applied under the framework's prefix; `parameter` is one that the array holds."""
        return Site(
            self.called,
            self.fans,
            self.framework.read(self.called),
            parameter.gates,
            parameter.groups,
            self.framework.name,
        )


def arrays_of(
    spec: LayerSpec, parameters: Sequence[Parameter], placements: Placements, framework: Framework
) -> list[FrameworkArray]:
    """Return a layer's arrays in a framework, in its order."""
    stated = {parameter.name: parameter for parameter in parameters}
    forms = as_they_are({parameter.name: parameter.shape for parameter in parameters})
    found = []
    for placement in placements[framework.layout]:
        shape = placement.of.form(forms).shape
        first = stated[placement.of.sources()[0]]
        called = called_with(framework, first, shape)
        found.append(FrameworkArray(framework, placement, shape, called, fans_of(framework, spec, first, called)))
    return found


def called_with(framework: Framework, parameter: Parameter, shape: Shape) -> Shape:
    """Return the shape that an initialiser is called with: Flax's projections to and from heads are matrices there."""
    if framework.layout != "flax" or not parameter.heads:
        return shape
    if parameter.axes is None:
        return (prod(shape),)
    return parameter.axes.size(parameter.axes.inputs), parameter.axes.size(parameter.axes.outputs)


def fans_of(framework: Framework, spec: LayerSpec, parameter: Parameter, shape: Shape) -> Fans | None:
    """Return the fans that a framework's initialiser counts, None where it refuses such a shape."""
    if isinstance(spec, Tensor) and (spec.fan_in or spec.fan_out):
        return stated_fans(spec, framework.count(shape))
    if framework.name == "keras":
        return fans_in_keras(spec, parameter, shape)
    return framework.count(shape)


def stated_fans(spec: Tensor, counted: Fans | None) -> Fans | None:
    if spec.fan_in and spec.fan_out:
        return Fans(spec.fan_in, spec.fan_out)
    return counted and Fans(spec.fan_in or counted.fan_in, spec.fan_out or counted.fan_out)


def fans_in_keras(spec: LayerSpec, parameter: Parameter, shape: Shape) -> Fans:
    """Return the fans that Keras counts: by the shape, but for the kernels of EinsumDense by the equation's axes."""
    if isinstance(spec, EinsumDense) and parameter.name == "kernel":
        _, kernel, outputs = spec.labels
        sizes = list(zip(kernel, shape, strict=True))
        return Fans(
            prod(size for axis, size in sizes if axis not in outputs),
            prod(size for axis, size in sizes if axis in outputs),
        )
    if parameter.heads and parameter.axes is not None:
        return Fans(parameter.axes.size(parameter.axes.inputs), parameter.axes.size(parameter.axes.outputs))
    return by_keras_rule(shape)


def holding(arrays: Sequence[FrameworkArray]) -> Mapping[str, FrameworkArray]:
    """Return for each canonical parameter the first of these arrays that holds some of it."""
    found: dict[str, FrameworkArray] = {}
    for array in arrays:
        for name in array.placement.of.sources():
            found.setdefault(name, array)
    return found
