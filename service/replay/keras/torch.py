"""What Keras makes of torch's normals and uniforms: scaled afterwards, each operation rounded; cut by choosing."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from service.replay.keras.kernels.first_of_four import choose
from service.replay.torch.draws import Normal, Tensor, Uniform, Walk
from service.stream.addresses import Runs
from service.stream.buffers import BUFFERS
from service.stream.distributions import Fill
from service.stream.draws import Draws, Wrapped
from service.stream.dtypes import Values

EACH = 4  # normals drawn for one that is to be within the cut


@dataclass(frozen=True, slots=True)
class Scaled(Wrapped):
    """Another array times `factor` plus `shift`, in the tensor's dtype; of `each` elements of it one is chosen."""

    tensor: Tensor
    factor: float
    shift: float
    each: int = 1

    @property
    def elements(self) -> int:
        return self.tensor.elements

    def passing(self, first: int) -> int:
        return self.of.passing(self.each * first)

    def open(self) -> Fill:
        inner = self.of.open()
        fill = self._chosen(inner) if self.each > 1 else self._all(inner)

        def scaled(runs: Runs, out: Values) -> None:
            fill(runs, out)
            # In half precision a factor stays float32, a summand is rounded before it is added.
            for operation, number in ((np.multiply, self.factor), (np.add, self.tensor.rounded(self.shift))):
                operation(out, out.dtype.type(number), out=out)
                self.tensor.round(out)

        return scaled

    def _all(self, inner: Fill) -> Fill:
        def fill(runs: Runs, out: Values) -> None:
            inner(runs, out)
            self.tensor.round(out)

        return fill

    def _chosen(self, inner: Fill) -> Callable[[Runs, Values], None]:
        def fill(runs: Runs, out: Values) -> None:
            values = BUFFERS.take(self.each * out.size, out.dtype)
            inner(Runs(runs.starts * np.uint64(self.each), runs.length * self.each), values)
            self.tensor.round(values)
            choose(values, out)

        return fill


def normal(mean: float, deviation: float, seed: int, tensor: Tensor) -> Draws:
    """Return torch.normal with a generator of its own."""
    return Walk(seed).add(Normal(mean, deviation), (tensor.elements,), tensor.dtype)


def uniform(low: float, high: float, seed: int, tensor: Tensor) -> Draws:
    return Scaled(Walk(seed).add(Uniform(0.0, 1.0), (tensor.elements,), tensor.dtype), tensor, high - low, low)


def truncated(mean: float, deviation: float, seed: int, tensor: Tensor) -> Draws:
    four = Walk(seed).add(Normal(0.0, 1.0), (EACH, tensor.elements), tensor.dtype)
    return Scaled(four, tensor, deviation, mean, EACH)
