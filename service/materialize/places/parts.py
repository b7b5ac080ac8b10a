"""In which parts a file is sent to a store: few enough for its limit, and together no more than memory is given."""

PART = 2**24  # bytes; what fits in one is sent whole
MOST_PARTS = 10_000  # of one object, of Amazon's, Google's and most other stores
MEMORY = 96 * 2**20  # bytes of all parts of a file that are held at once
ROUND = 2**20  # bytes


def part_size(length: int) -> int:
    """Return the bytes of each part, but the last, of a file of `length` bytes."""
    return max(PART, -(-length // MOST_PARTS // ROUND) * ROUND)


def at_once(size: int) -> int:
    """Return how many parts of `size` bytes may be held: being made, or on their way."""
    return max(1, MEMORY // size)
