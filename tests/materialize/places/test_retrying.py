"""What may pass is tried again, with pauses that grow, and never without end."""

import time

import pytest

from service.materialize.places.place import PlaceError
from service.materialize.places.retrying import TRIES, retried


class Failing:
    """Fails so many times, then is well."""

    def __init__(self, times: int, passing: bool = True) -> None:
        self.times, self.passing, self.calls = times, passing, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise PlaceError(f"{self.calls}", self.passing)
        return "done"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Sleep on a clock of its own."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(time, "time", lambda: 1000.0 + sum(slept))
    return slept


def test_what_passes_is_tried_again_with_pauses_that_grow(pauses: list[float]) -> None:
    assert retried(Failing(TRIES - 1)) == "done"
    assert len(pauses) == TRIES - 1
    assert all(2**n / 2 <= pause <= 2**n for n, pause in enumerate(pauses))
    assert len(set(pauses)) > 1


def test_pauses_are_by_chance_so_that_many_do_not_come_back_at_once(pauses: list[float]) -> None:
    for _ in range(20):
        retried(Failing(1))
    assert len(set(pauses)) == 20


def test_without_a_deadline_there_are_so_many_tries(pauses: list[float]) -> None:
    failing = Failing(100)
    with pytest.raises(PlaceError, match=f"^{TRIES}$"):
        retried(failing)
    assert failing.calls == TRIES


def test_with_one_it_goes_on_until_then_and_no_pause_reaches_beyond(pauses: list[float]) -> None:
    failing = Failing(10**6)
    with pytest.raises(PlaceError):
        retried(failing, 1000.0 + 600)
    assert 600 - 30 <= sum(pauses) <= 600
    assert failing.calls > TRIES
    assert max(pauses) <= 30


def test_a_deadline_that_has_passed_allows_one_try(pauses: list[float]) -> None:
    failing = Failing(5)
    with pytest.raises(PlaceError):
        retried(failing, 999.0)
    assert failing.calls == 1


def test_what_does_not_pass_is_raised_at_once(pauses: list[float]) -> None:
    failing = Failing(1, passing=False)
    with pytest.raises(PlaceError):
        retried(failing)
    assert failing.calls == 1
    assert pauses == []


def test_what_is_no_fault_of_the_place_is_raised_at_once() -> None:
    def attempt() -> None:
        raise KeyError("a mistake of ours")

    began = time.monotonic()
    with pytest.raises(KeyError):
        retried(attempt, time.time() + 60)
    assert time.monotonic() - began < 0.4  # the first pause is 0.5 s or more
