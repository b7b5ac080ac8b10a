"""The orthogonal matrices of Keras, JAX and NumPy's users: the Q of a tall Gaussian one, whatever drew that."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from service.stream.distributions import Fill, fill_in_parts
from service.stream.draws import WHOLE, Draws
from service.stream.dtypes import Values
from service.stream.matrices import orthonormal, take


def by_decomposition(name: str, library: str = "LAPACK") -> str:
    """Return why such a matrix is not the framework's to the bit."""
    return f"{name} takes a QR decomposition from {library}, whose last bits differ between builds and processors"


@dataclass(frozen=True, slots=True)
class OrthogonalDraws:
    """gain times the Q, R's diagonal positive, of a tall Gaussian matrix; transposed where (rows, columns) is wide."""

    gaussian: Draws
    rows: int
    columns: int
    gain: float
    drawn: type[np.float32] | type[np.float64]

    whole = True
    in_order = False

    @property
    def elements(self) -> int:
        return self.rows * self.columns

    @property
    def standing(self) -> int:
        return WHOLE * self.elements

    @property
    def operations(self) -> int:
        long, short = max(self.rows, self.columns), min(self.rows, self.columns)
        return self.gaussian.operations + 8 * long * short * short

    def passing(self, first: int) -> int:
        return self.gaussian.passing(0)

    def open(self) -> Fill:
        values: Values = np.empty(self.elements, self.drawn)
        fill_in_parts(self.gaussian.open(), values)
        tall = max(self.rows, self.columns), min(self.rows, self.columns)
        matrix = orthonormal(values.astype(np.float64).reshape(tall))
        found = np.float64(self.gain) * (matrix.T if self.rows < self.columns else matrix)
        return partial(take, np.ascontiguousarray(found).ravel())
