"""Lines that are fair between clients: who has used least of the processor comes first, whatever waits behind it."""

import random
from collections import Counter

import pytest

from service.lines import Line, LineFull, ShareUsedUp, refuse_beyond_share
from service.shares import LEAD, Shares


class Work:
    """Lines of work that takes so many seconds each, as a thread sees it; seconds are said, not waited for."""

    def __init__(self) -> None:
        self.shares = Shares()
        self.line: Line[float] = Line(self.shares)
        self.used: Counter[str] = Counter()

    def add(self, client: str, *seconds: float) -> None:
        for each in seconds:
            self.shares.enter(client)
            self.line.add(client, each)

    def do(self) -> str:
        first = self.line.first()
        assert first is not None
        client = first[1]
        seconds = self.line.take(client)
        self.shares.charge(client, seconds)
        self.shares.leave(client)
        self.used[client] += seconds  # type: ignore[assignment]
        return client


def test_of_one_client_the_first_to_come_is_the_first_to_be_served() -> None:
    line: Line[int] = Line(Shares())
    for number in range(5):
        line.add("a", number)
    assert [line.take("a") for _ in range(5)] == [0, 1, 2, 3, 4]
    assert not line
    assert line.first() is None


def test_clients_get_equal_time_however_much_of_theirs_waits_and_however_long_each_takes() -> None:
    chance = random.Random(1)
    work = Work()
    each = {"long": lambda: 0.02, "short": lambda: 0.001, "mixed": lambda: chance.uniform(0.0, 0.01)}
    for client, count in (("long", 500), ("short", 3), ("mixed", 40)):
        work.add(client, *(each[client]() for _ in range(count)))
    for _ in range(20_000):
        client = work.do()
        work.add(client, each[client]())
    total = sum(work.used.values())
    # Nobody is ahead of another by more than one piece of work takes.
    assert all(abs(used - total / 3) <= 0.02 for used in work.used.values())


def test_who_comes_new_or_again_is_first_and_has_saved_nothing_up() -> None:
    work = Work()
    work.add("busy", *[0.01] * 10_000)
    for _ in range(5000):
        work.do()
    work.add("new", *[0.01] * 100)
    order = [work.do() for _ in range(150)]
    assert "new" in order[:2]
    assert 48 <= order[:100].count("new") <= 52  # not a hundred, for all the time that it was not there


def test_who_used_much_while_alone_owes_little_of_it() -> None:
    work = Work()
    work.add("busy", 3600.0, *[0.001] * 2000)
    work.do()
    work.add("other", *[0.001] * 2000)
    order = [work.do() for _ in range(1000)]
    assert order.index("busy") <= LEAD / 0.001 + 2


def test_charging_one_that_takes_hours_keeps_it_behind_for_no_more_than_the_lead() -> None:
    work = Work()
    work.add("other", *[0.001] * 2000)
    work.add("busy", 3600.0, *[0.001] * 2000)
    order = [work.do() for _ in range(1000)]
    first, second = [place for place, client in enumerate(order) if client == "busy"][:2]
    assert second - first <= LEAD / 0.001 + 2


def test_whose_turn_it_is_not_is_passed_by_and_keeps_its_place() -> None:
    line: Line[int] = Line(Shares())
    for client in "abc":
        line.add(client, 1)
    assert line.first() == (0.0, "a")
    assert line.first(but={"a", "b"}) == (0.0, "c")
    assert line.first(but={"a", "b", "c"}) is None
    assert line.first() == (0.0, "a")


def test_what_leaves_is_not_taken_and_its_client_may_come_again() -> None:
    line: Line[int] = Line(Shares())
    line.add("a", 1)
    line.add("b", 2)
    assert line.remove("a", 1)
    assert not line.remove("a", 1)
    assert line.first() == (0.0, "b")
    line.add("a", 3)
    assert (line.take("b"), line.take("a")) == (2, 3)
    assert (len(line), line.of("a"), list(line)) == (0, 0, [])


def test_a_client_may_have_as_much_as_it_leaves_to_others_in_a_bounded_line() -> None:
    counts: Counter[str] = Counter()

    def fill(client: str) -> None:
        while True:
            refuse_beyond_share(counts[client], counts.total(), 64, "requests")
            counts[client] += 1

    for client, share in (("a", 32), ("b", 16), ("c", 8), ("d", 4), ("e", 2), ("f", 1), ("g", 1)):
        with pytest.raises(ShareUsedUp if client != "g" else LineFull):
            fill(client)
        assert counts[client] == share


def test_clients_that_have_gone_are_forgotten() -> None:
    work = Work()
    for number in range(5000):
        work.add(f"client {number}", 0.001)
        work.do()
        work.add("steady", 0.001)
        work.do()
    assert len(work.shares._times) < 2500
