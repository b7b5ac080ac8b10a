"""Work in turns: one at a time, each its share, nobody waits for another's end, and who leaves goes."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from service import stopping, turns
from service.lines import Job
from service.stopping import Stop, Stopped
from service.turns import Turns

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def short_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SHARE", 0.002)


def wait_for(event: threading.Event) -> None:
    assert event.wait(PATIENCE)


def use(seconds: float) -> None:
    """Use so much of a processor."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Steps:
    """A job of many steps, each with a check, that writes down whose step it was."""

    def __init__(
        self,
        name: str,
        log: list[str],
        count: int,
        until: Callable[[], bool] = lambda: False,
        client: str = "",
        works: bool = False,
    ) -> None:
        self.name, self.log, self.count, self.until, self.works = name, log, count, until, works
        self.over, self.stopped, self.begun = threading.Event(), False, threading.Event()
        self.job = Job(self.work, client)

    def work(self) -> None:
        self.begun.set()
        try:
            for _ in range(self.count):
                stopping.give_way()
                self.log.append(self.name)
                if self.works:
                    use(0.001)
                else:
                    time.sleep(0.001)
                if self.until():
                    break
        except Stopped:
            self.stopped = True
        self.over.set()


def test_a_short_one_ends_long_before_a_long_one_that_came_first() -> None:
    log: list[str] = []
    short = Steps("short", log, 5)
    long = Steps("long", log, 10**6, short.over.is_set)
    taken = Turns()
    taken.begin(long.job)
    wait_for(long.begun)
    taken.begin(short.job)
    wait_for(short.over)
    wait_for(long.over)
    assert len(taken) == 0


def test_only_one_works_at_a_time_and_all_get_on() -> None:
    log: list[str] = []
    at_once: list[int] = []
    working = [0]
    jobs = [Steps(name, log, 60) for name in "abc"]

    def watch() -> bool:
        working[0] += 1
        at_once.append(working[0])
        working[0] -= 1
        return False

    for each in jobs:
        each.until = watch
    taken = Turns()
    for each in jobs:
        taken.begin(each.job)
    for each in jobs:
        wait_for(each.over)
    assert set(at_once) == {1}
    assert sorted(log) == ["a"] * 60 + ["b"] * 60 + ["c"] * 60
    # Shares are of time: each name comes again and again, and none comes last alone for most of its steps.
    assert sum(one != after for one, after in pairwise(log)) > 10


def test_one_that_has_not_begun_leaves_at_once_and_never_begins() -> None:
    log: list[str] = []
    held = threading.Event()
    blocked = Job(lambda: wait_for(held))  # without a check
    waiting = Steps("waiting", log, 5)
    taken = Turns()
    taken.begin(blocked)
    taken.begin(waiting.job)
    assert len(taken) == 1
    assert taken.seconds_still() >= 0.0
    assert taken.leave(waiting.job.stop)
    assert not taken.leave(waiting.job.stop)
    assert len(taken) == 0
    assert not taken.leave(blocked.stop)
    held.set()
    after = Steps("after", log, 1)
    taken.begin(after.job)
    wait_for(after.over)
    assert log == ["after"]


def test_one_that_rests_ends_at_once_when_nobody_waits_for_it_any_more() -> None:
    log: list[str] = []
    first = Steps("first", log, 10**6)
    second = Steps("second", log, 10**6, first.over.is_set)
    taken = Turns()
    taken.begin(first.job)
    taken.begin(second.job)
    wait_for(second.begun)
    assert not taken.leave(first.job.stop)
    wait_for(first.over)
    wait_for(second.over)
    assert first.stopped
    assert not second.stopped


def test_what_waits_behind_one_that_never_checks_is_seen_to_stand_still() -> None:
    held = threading.Event()
    taken = Turns()
    assert taken.seconds_still() == 0.0
    taken.begin(Job(lambda: wait_for(held)))
    waiting = Steps("waiting", [], 1)
    taken.begin(waiting.job)
    time.sleep(0.03)
    assert taken.seconds_still() > 0.02
    held.set()
    wait_for(waiting.over)
    assert taken.seconds_still() == 0.0


def test_a_client_with_many_gets_no_more_than_one_with_a_single_one() -> None:
    log: list[str] = []
    single = Steps("single", log, 100, client="b", works=True)
    many = [Steps("many", log, 10**6, single.over.is_set, client="a", works=True) for _ in range(8)]
    taken = Turns()
    for each in many:
        taken.begin(each.job)
    wait_for(many[0].begun)
    taken.begin(single.job)
    wait_for(single.over)
    for each in many:
        wait_for(each.over)
    during = log[log.index("single") :]
    # Half of the time is its own, each step takes as long as any other: eight to one is what turns by job would give.
    assert during.count("many") < 2.5 * during.count("single")


def test_one_that_does_not_give_way_is_passed_over_and_no_more_of_its_client_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.02)
    held = threading.Event()
    log: list[str] = []
    taken = Turns()
    taken.begin(Job(lambda: wait_for(held), "a"))
    behind = Steps("behind", log, 1, client="a")
    other = Steps("other", log, 20, client="b")
    taken.begin(behind.job)
    taken.begin(other.job)
    wait_for(other.over)
    assert log == ["other"] * 20
    assert not behind.begun.wait(0.1)
    held.set()
    wait_for(behind.over)
    assert len(taken) == 0


def test_what_joins_on_its_way_takes_turns_from_then_on() -> None:
    log: list[str] = []
    taken, over = Turns(), threading.Event()
    short = Steps("short", log, 5)

    def take_part() -> None:
        turn = taken.join("a", Stop())
        for _ in range(10**6):
            taken.give_way(turn)
            log.append("joined")
            time.sleep(0.001)
            if short.over.is_set():
                break
        taken.end(turn)
        over.set()

    threading.Thread(target=take_part).start()
    while "joined" not in log:
        time.sleep(0.001)
    taken.begin(short.job)
    wait_for(short.over)
    wait_for(over)
    assert len(taken) == 0
