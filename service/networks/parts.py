"""What to expect of a slice of an array, which may have other shares of a gate, a diagonal or a padding row in it."""

from collections.abc import Mapping
from math import prod

import numpy as np

from service.networks.expectations import AsStored, Ends, Summary, as_drawn, as_stored, mixture, summed, widest
from service.networks.schemes.tables import tabulated
from service.stream.distributions import Constant, Distribution, Expectation
from service.stream.drawing import runs_of
from service.stream.draws import Addressed, Draws, MadeOf
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.matrices import Diagonal, GateConstants, GivenFirst, WithZeroRow
from service.stream.views import Form, Joined, Summed, View

MOST_COUNTED = 2**16  # elements, a millisecond; of a larger slice the shares are those of the whole


def expect_slice(form: Form, arrays: Mapping[str, Draws], whole: AsStored, dtype: DtypeName) -> AsStored:
    """Return what to expect of the elements of a form, a slice of an array of which `whole` is to be expected.

    An array that another framework draws has no distribution of its own: what is expected of the whole then holds.
    """
    drawn = {name: arrays[name] for name in form.names}
    if not prod(form.shape) or not all(isinstance(each, Addressed | MadeOf) for each in drawn.values()):
        return whole
    distributions = {name: each.distribution for name, each in drawn.items() if isinstance(each, Addressed | MadeOf)}
    expected, ends = expect_form(form, distributions, dtype)
    return as_stored(expected, ends, dtype)


def expect_form(form: Form, distributions: Mapping[str, Distribution], dtype: DtypeName) -> tuple[Expectation, Ends]:
    match form:
        case View(name):
            return expect_view(distributions[name], form, dtype)
        case Joined(parts):
            each = [expect_form(part, distributions, dtype) for part in parts]
            sizes = [prod(part.shape) for part in parts]
            return mixture(list(zip(sizes, (one for one, _ in each), strict=True))), widest([ends for _, ends in each])
        case Summed(parts):
            each = [expect_form(part, distributions, dtype) for part in parts]
            deviation = sum(one.deviation**2 for one, _ in each) ** 0.5
            ends = summed([ends for _, ends in each])
            total = Summary(
                sum(one.mean for one, _ in each), deviation, *summed([(one.low, one.high) for one, _ in each])
            )
            kind = DTYPES[dtype].drawn
            low, high = (None if end is None else float(kind(end)) for end in ends)
            return total, (low, high)
    raise TypeError(f"nothing is known to expect of {form}")


def expect_view(distribution: Distribution, view: View, dtype: DtypeName) -> tuple[Expectation, Ends]:
    shares = [(count, one) for count, one in shares_of(distribution, view) if count]
    return mixture([(count, one) for count, one in shares]), widest([as_drawn(one, dtype) for _, one in shares])


def shares_of(distribution: Distribution, view: View) -> list[tuple[int, Distribution]]:
    """Return how many of a view's elements come of which distribution."""
    elements = prod(view.shape)
    if elements > MOST_COUNTED or not isinstance(distribution, Diagonal | GateConstants | GivenFirst | WithZeroRow):
        return [(elements, distribution)]
    places = runs_of(view).addresses()
    match distribution:
        case Diagonal(stack, gain):
            rows, columns = stack.row_and_column(places)
            ones = int(np.count_nonzero(rows == columns))
            return [(ones, Constant(gain)), (elements - ones, Constant(0.0))]
        case GateConstants(values, width):
            counts = np.bincount(places // width % len(values), minlength=len(values))
            return [(int(count), Constant(value)) for count, value in zip(counts, values, strict=True)]
        case GivenFirst(values=values, inner=inner):
            _, given = distribution.places(places)
            known = [(given.size, tabulated(values[given], ()))] if given.size else []
            return [*known, (elements - given.size, inner)]
        case WithZeroRow(inner, row, _, columns):
            zeros = int(np.count_nonzero(places // columns == row))
            return [(zeros, Constant(0.0)), (elements - zeros, inner)]
    raise TypeError(f"{distribution} is the same everywhere")
