"""The normal distribution's own numbers, the same to the last bit on every machine.

Probabilities and moments are needed once a parameter, not once an element, so they are computed in decimal
arithmetic (Python's `decimal`, correctly rounded everywhere) instead of by a platform's libm, whose last bit differs
from one to the next.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import lru_cache

from service.errors import InvalidSpec

DIGITS = 100
# Beyond it, a tail holds less than 2^-108: nothing beside the least probability that a word can have.
NEGLIGIBLE = Decimal(12)
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")


def density(x: Decimal) -> Decimal:
    """Return the standard normal density at x; 0 at an infinite x."""
    return (-x * x / 2).exp() / (2 * PI).sqrt() if x.is_finite() else Decimal(0)


def central(x: Decimal) -> Decimal:
    """Return the probability that a standard normal value lies between 0 and x, negative where x is."""
    if abs(x) > NEGLIGIBLE:
        return Decimal("0.5").copy_sign(x)
    term, total, odd = x, Decimal(0), 1  # x + x^3/3 + x^5/(3 5) + …: one sign, so that nothing cancels
    while total + term != total:
        total, odd = total + term, odd + 2
        term = term * x * x / odd
    return total * density(x)


@dataclass(frozen=True, slots=True)
class Slice:
    """The standard normal distribution between two bounds, in float64 (each number correctly rounded).

    `start` and `end` are the probabilities between 0 and the bounds, signed: where the slice starts and ends on the
    scale of q = p - 1/2.
    """

    below: float  # probability cut off below
    above: float  # probability cut off above
    mass: float  # probability between
    start: float
    end: float
    mean: float
    deviation: float


@lru_cache(maxsize=256)
def slice_between(lower: float, upper: float) -> Slice:
    """Return the slice between `lower` and `upper`, in standard deviations; either may be infinite."""
    with localcontext(Context(prec=DIGITS)):
        low, high = Decimal(lower), Decimal(upper)
        start, end = central(low), central(high)
        mass = end - start
        if mass <= 0:
            raise InvalidSpec(
                f"nothing of the distribution lies between {lower:g} and {upper:g} standard deviations: move the bounds"
            )
        mean = (density(low) - density(high)) / mass
        edges = sum((x * density(x) * sign for x, sign in ((low, 1), (high, -1)) if x.is_finite()), Decimal(0))
        variance = 1 + edges / mass - mean * mean
        return Slice(
            below=float(Decimal("0.5") + start),
            above=float(Decimal("0.5") - end),
            mass=float(mass),
            start=float(start),
            end=float(end),
            mean=float(mean),
            deviation=float(max(variance, Decimal(0)).sqrt()),
        )
