"""Arrays of NumPy's default generator: normals, walked from the first on, and uniforms, each at its own word."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.replay.numpy.kernels import pcg64 as kernels
from service.replay.numpy.walk import Origin, Pcg64, Walk
from service.stream.addresses import Runs
from service.stream.buffers import BUFFERS
from service.stream.distributions import Fill
from service.stream.dtypes import DtypeName, Values

Doubles = NDArray[np.float64]


def as_numpy_casts(dtype: DtypeName, values: Values, out: Values) -> None:
    """Put doubles, as `astype` rounds them to the dtype, into `out`: to bfloat16 by way of float32."""
    out[:] = values.astype(np.float16) if dtype == "float16" else values


@dataclass(frozen=True, eq=False, slots=True)
class NormalDraws:
    """Elements of a walk. `coming` is the operations that it takes to come to the first of them."""

    walk: Walk
    elements: int
    dtype: DtypeName
    coming: int = 0

    in_order = True
    whole = False
    operations = 0
    standing = 0

    def passing(self, first: int) -> int:
        return self.coming + self.walk.passing(first)

    def open(self) -> Fill:
        self.walk.origin()
        return self._fill

    def _fill(self, runs: Runs, out: Values) -> None:
        drawn: Values = BUFFERS.take(out.size, np.float64) if self.dtype == "float16" else out
        for start, part in zip(runs.starts, drawn.reshape(-1, runs.length), strict=True):
            stopping.check()
            self.walk.fill(int(start), part)
        if drawn is not out:
            as_numpy_casts(self.dtype, drawn, out)


@dataclass(frozen=True, eq=False, slots=True)
class UniformDraws:
    """Uniform elements of the words from `origin` on, one each: any of them at once."""

    generator: Pcg64
    origin: Origin
    low: float
    high: float
    elements: int
    dtype: DtypeName
    coming: int = 0

    in_order = False
    whole = False
    operations = 0
    standing = 0

    def passing(self, first: int) -> int:
        return self.coming

    def open(self) -> Fill:
        origin = np.uint64(self.origin())

        def fill(runs: Runs, out: Values) -> None:
            drawn: Doubles = BUFFERS.take(out.size, np.float64)
            line = (self.low, self.high - self.low)
            kernels.fill_uniform(self.generator.state, origin, runs.starts, runs.length, drawn, line)
            as_numpy_casts(self.dtype, drawn, out)

        return fill
