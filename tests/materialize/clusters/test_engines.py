"""What an engine promises, of Ray and of Dask: every number comes to something once, whoever dies over it."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from service.materialize.engines.engine import TRIES, EngineError
from service.materialize.engines.sent import sent
from tests.materialize.clusters.three import Cluster
from tests.materialize.clusters.works import deadly, digest, refused, tried


def told(more: int) -> None:
    raise AssertionError("a cluster does not tell of bytes")


def test_every_number_comes_to_what_the_work_makes_of_it_once(cluster: Cluster) -> None:
    with cluster.reached() as engine:
        assert engine.workers == 3
        outcomes = list(engine.map(digest, range(400), told))
    assert sorted(outcomes) == [(number, digest(number, told), None) for number in range(400)]


def test_what_work_raises_is_an_outcome_at_once_and_others_go_on(cluster: Cluster) -> None:
    with cluster.reached() as engine:
        outcomes = {number: (result, error) for number, result, error in engine.map(refused, range(9), told)}
    assert outcomes == {
        number: (None, f"{number} is not to be had") if number % 3 == 0 else (number, None) for number in range(9)
    }


@pytest.mark.parametrize("deaths", [TRIES - 1, TRIES])
def test_a_number_whose_worker_dies_goes_to_another_and_to_none_after_its_tries(
    cluster: Cluster, deaths: int, tmp_path: Path
) -> None:
    """So many deaths over number 3; whoever stood beside it comes to something in any case."""
    with cluster.reached() as engine:
        outcomes = {each.number: each for each in engine.map(partial(deadly, tmp_path, {3: deaths}), range(12), told)}
    assert tried(tmp_path, 3) == TRIES
    assert {number for number, each in outcomes.items() if each.result == number} >= {*range(12)} - {3}
    if deaths < TRIES:
        assert outcomes[3] == (3, 3, None)
    else:
        assert outcomes[3].result is None
        assert (outcomes[3].error or "").startswith(f"{TRIES} workers ended over it")


class Counted:
    """So many numbers, and how many of them were taken."""

    def __init__(self, count: int) -> None:
        self._count, self.taken = count, 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        for number in range(self._count):
            self.taken += 1
            yield number


def test_only_so_many_numbers_wait_at_the_cluster(cluster: Cluster) -> None:
    for workers, most in ((None, 100), (2, 2)):
        numbers = Counted(10_000)
        with cluster.reached(workers) as engine, closing(engine.map(digest, numbers, told)) as outcomes:  # type: ignore[arg-type]
            for count in range(1, 20):
                next(outcomes)
                assert numbers.taken <= 2 * most + count  # so many wait, and so many have come and are not told yet


def test_a_worker_with_another_initserve_is_told_of_and_makes_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module(f"service.materialize.engines.{cluster.engine}")
    monkeypatch.setattr(module, "sent", partial(sent, version="9.9.9"))
    with (
        cluster.reached() as engine,
        pytest.raises(EngineError, match=r"worker \S+ has initserve [\d.]+, and this is 9\.9\.9: install the same"),
    ):
        list(engine.map(digest, range(5), told))


def test_what_cannot_be_read_at_a_worker_is_an_outcome(cluster: Cluster) -> None:
    with cluster.reached() as engine:
        (outcome,) = engine.map(partial(digest, Unreadable()), [1], told)  # type: ignore[arg-type]
    assert outcome.result is None
    assert "not to be read" in (outcome.error or "")


class Unreadable:
    """What can be sent and raises where it arrives."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return raising, ("not to be read",)


def raising(why: str) -> None:
    raise ValueError(why)
