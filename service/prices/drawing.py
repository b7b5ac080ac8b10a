"""What it takes to draw numbers, and to compare a file with them."""

from service.networks.arrays import Cost
from service.prices.processor import OPERATION

PER_ANSWER, PER_ARRAY = 1e-4, 6e-5  # seconds: an array has its place in a file, a stream of its own and a block
PER_ELEMENT, PER_BYTE = 3e-9, 4e-10


def before(operations: int) -> float:
    """Return the seconds of so many operations, which come before an answer's first number."""
    return OPERATION * operations


def drawing(cost: Cost) -> float:
    """Return the seconds of an answer of /init, or of a range: what comes before its first number, and its numbers."""
    numbers = PER_ELEMENT * cost.elements + PER_BYTE * cost.bytes
    return PER_ANSWER + before(cost.operations) + PER_ARRAY * cost.arrays + numbers


def comparing(length: int, cost: Cost) -> float:
    """Return the seconds of comparing a file of so many bytes with what `cost` draws."""
    return drawing(cost) + PER_BYTE * length
