"""What it takes to read a body: to parse it, to make a spec of it, to plan that and to tell of it."""

PER_BODY = 2e-4
PER_BYTE = 4e-7
RECIPE = 2e-2  # whose layers are not in the body


def reading(body: bytes) -> float:
    """Return the seconds of reading and planning a spec."""
    return PER_BODY + PER_BYTE * len(body) + (RECIPE if b'"recipe"' in body else 0.0)
