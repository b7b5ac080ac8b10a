"""What an array costs before its first value is known: never less than what making it takes."""

import tracemalloc

import numpy as np
import pytest

from service.stream.distributions import Normal
from service.stream.draws import Addressed, Draws
from service.stream.matrices import Orthogonal
from service.stream.stacks import Stack
from service.stream.streams import stream_of
from service.stream.walked import Between

STREAM = stream_of(1, "a/kernel")
SMALL = 2**16  # bytes: what is no array


def addressed(rows: int, columns: int) -> Addressed:
    return Addressed(Orthogonal(Stack.one(rows, columns), 1.0), STREAM, rows * columns)


@pytest.mark.parametrize("draws", [addressed(300, 300), addressed(200, 400), addressed(400, 200)])
def test_a_matrix_is_said_to_need_what_memory_making_it_takes(draws: Addressed) -> None:
    draws.open()
    tracemalloc.start()
    try:
        filled = draws.open()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    reflectors = 8 * draws.elements  # which the compiled loop takes for itself, unseen
    assert draws.standing / 2 < peak + reflectors <= draws.standing + SMALL
    del filled


def test_an_array_that_is_kept_is_said_to_need_its_values_and_their_drawing() -> None:
    inner: Draws = Addressed(Normal(0.0, 1.0), STREAM, 10**6)
    kept = Between(inner, np.float64, 0, 10**6)
    assert (inner.whole, inner.standing, inner.operations) == (False, 0, 0)
    assert kept.whole
    assert kept.standing >= 8 * 10**6
    assert kept.operations >= 10**6  # every element is drawn before the first can be asked for
    matrix = Between(addressed(300, 300), np.float64, 0, 300 * 300)
    assert matrix.standing >= addressed(300, 300).standing + 8 * 300 * 300
    assert matrix.operations >= addressed(300, 300).operations + 300 * 300
