"""Random words: the published vectors, the reference, addresses."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.stream import kernels
from service.stream.addresses import Runs
from service.stream.streams import stream_of
from tests import reference
from tests.runs import several_runs

# Random123's known-answer file kat_vectors, philox4x32 with 10 rounds: counter, key, answer.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def numbers(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter: str, key: str, answer: str) -> None:
    words = [np.uint32(word) for word in (*numbers(counter), *numbers(key))]
    assert [int(word) for word in kernels.philox(*words)] == numbers(answer)
    plain = reference.philox([np.array([word], np.uint32) for word in numbers(counter)], numbers(key))
    assert [int(word[0]) for word in plain] == numbers(answer)


@given(
    seed=st.integers(0, 2**64 - 1),
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    first=st.one_of(st.integers(0, 5000), st.integers(2**34 - 5000, 2**34), st.integers(0, 2**63)),
    count=st.integers(1, 3000),
)
def test_words_are_those_of_the_reference(seed: int, path: str, first: int, count: int) -> None:
    out = np.empty(count, np.uint32)
    kernels.fill_words(stream_of(seed, path).address(), Runs.one(first, out.size).starts, out.size, out)
    assert np.array_equal(out, reference.words(seed, path, first, count))


@given(several_runs())
@example(Runs(np.array([0, 8, 16], np.uint64), 6))  # whole counters, of which not every word is wanted
@example(Runs(np.array([2**34 - 4], np.uint64), 1030))
def test_words_of_several_runs_are_those_of_the_reference(runs: Runs) -> None:
    out = np.empty(runs.starts.size * runs.length, np.uint32)
    kernels.fill_words(stream_of(5, "a/kernel").address(), runs.starts, runs.length, out)
    rows = [reference.words(5, "a/kernel", int(start), runs.length) for start in runs.starts]
    assert np.array_equal(out, np.concatenate(rows))


def test_streams_differ_by_seed_and_by_path() -> None:
    streams = {stream_of(seed, path) for seed in range(50) for path in ("a/kernel", "a/bias", "ak/ernel", "b/kernel")}
    assert len(streams) == 200
