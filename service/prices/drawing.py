"""What it takes to draw numbers, and to compare a file with them."""

from service.networks.arrays import Cost

PER_OPERATION = 2.5e-11  # of a decomposition, and of a walk to a place of a stream
PER_ELEMENT = 4e-9
PER_BYTE = 5e-10  # that is written, or compared
PER_ANSWER = 1e-4


def drawing(cost: Cost) -> float:
    """Return the seconds of an answer of /init, or of a range: what comes before its first number, and its numbers."""
    return PER_ANSWER + PER_OPERATION * cost.operations + PER_ELEMENT * cost.elements + PER_BYTE * cost.bytes


def comparing(length: int, cost: Cost) -> float:
    """Return the seconds of comparing a file of so many bytes with what `cost` draws."""
    return drawing(cost) + PER_BYTE * length
