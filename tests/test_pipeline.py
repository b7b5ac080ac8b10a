"""Threads that make answers: in order, a bounded way ahead, a turn for everyone, and nothing left behind."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from service import turns
from service.formats.payload import Finish, Piece
from service.lines import LineFull, ShareUsedUp
from service.pipeline import AHEAD, Delivery, Run, Workers

PATIENCE = 20.0  # seconds: only a fault takes so long


@pytest.fixture(params=[1, 2, 5])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    made = Workers(request.param)
    yield made
    made.stop()


def piece(content: bytes, weight: int = 0, heavy: bool = False, work: Callable[[], None] | None = None) -> Piece:
    def make() -> Finish:
        if work is not None:
            work()
        return lambda: content

    return Piece(make, weight, heavy)


class Taker:
    """Somebody who takes what is delivered."""

    def __init__(self, workers: Workers, pieces: Iterator[Piece]) -> None:
        self.workers = workers
        self.inbox: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.run: Run = workers.start(pieces, self.inbox.put)

    def take(self) -> Delivery:
        delivery = self.inbox.get(timeout=PATIENCE)
        self.workers.taken(self.run, delivery.weight)
        return delivery

    def take_all(self) -> bytes:
        body = b""
        while not (delivery := self.take()).last:
            body += delivery.chunk
        if delivery.error is not None:
            raise delivery.error
        return body

    def close(self) -> threading.Event:
        idle = threading.Event()
        self.workers.close(self.run, idle.set)
        return idle


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_chunks_come_in_order_however_long_each_takes(workers: Workers) -> None:
    contents = [bytes([number]) * (100_000 if number % 3 else 7) for number in range(40)]
    delays = [0.003 * (number * 7 % 5) for number in range(40)]
    pieces = (
        piece(content, len(content), work=partial(time.sleep, delay))
        for content, delay in zip(contents, delays, strict=True)
    )
    taker = Taker(workers, pieces)
    assert taker.take_all() == b"".join(contents)
    assert taker.close().wait(PATIENCE)


def test_what_needs_order_is_done_in_order_and_never_twice_at_once(workers: Workers) -> None:
    done: list[int] = []
    busy = threading.Lock()

    def make(number: int) -> Finish:
        time.sleep(0.001 * (number % 4))

        def finish() -> bytes:
            with busy:
                assert busy.locked()
                done.append(number)
            return b"x"

        return finish

    assert len(Taker(workers, (Piece(partial(make, number)) for number in range(60))).take_all()) == 60
    assert done == list(range(60))


def test_no_more_is_made_than_a_bounded_way_ahead(workers: Workers) -> None:
    weight = AHEAD // 4
    asked: list[int] = []

    def pieces() -> Iterator[Piece]:
        for number in range(100):
            asked.append(number)
            yield piece(b"x" * 100_000, weight)

    taker = Taker(workers, pieces())
    wait_until(lambda: len(asked) == 4)
    time.sleep(0.05)
    assert len(asked) == 4
    for count in range(5, 20):
        taker.take()
        wait_until(lambda count=count: len(asked) == count)  # type: ignore[misc]
    time.sleep(0.05)
    assert len(asked) == 19


def test_what_holds_no_chunk_is_not_waited_for(workers: Workers) -> None:
    # Statistics alone: every block weighs something while it is made, and nothing afterwards.
    pieces = [piece(b"", AHEAD) for _ in range(20)] + [piece(b"end")]
    assert Taker(workers, iter(pieces)).take_all() == b"end"


def test_a_short_job_waits_for_no_more_than_a_piece() -> None:
    workers = Workers(1)
    made: list[int] = []

    def work() -> None:
        time.sleep(0.002)
        made.append(1)

    def pieces() -> Iterator[Piece]:
        for _ in range(10_000):
            yield piece(b"", 1, work=work)

    taker = Taker(workers, pieces())
    wait_until(lambda: len(made) > 3)
    for _ in range(10):
        counted: queue.SimpleQueue[int] = queue.SimpleQueue()
        workers.submit(lambda counted=counted: counted.put(len(made)))  # type: ignore[misc]
        asked = len(made)  # not before: this thread may have to wait for a processor in between
        assert counted.get(timeout=PATIENCE) - asked <= 3
    assert taker.close().wait(PATIENCE)
    workers.stop()


def test_answers_take_turns() -> None:
    workers = Workers(1)
    order: list[str] = []

    def pieces(name: str) -> Iterator[Piece]:
        for _ in range(50):
            yield piece(b"", 1, work=partial(order.append, name))

    hold = threading.Event()

    def wait() -> None:
        hold.wait(PATIENCE)

    workers.submit(wait)
    takers = [Taker(workers, pieces(name)) for name in ("a", "b", "c")]
    hold.set()
    for taker in takers:
        taker.take_all()
    assert order == ["a", "b", "c"] * 50
    workers.stop()


def test_a_heavy_piece_is_made_alone_and_holds_up_nobody_else(workers: Workers) -> None:
    log: list[str] = []
    hold = threading.Event()

    def heavy() -> None:
        log.append("heavy begins")
        hold.wait(PATIENCE)
        log.append("heavy ends")

    def before() -> None:
        time.sleep(0.02)
        log.append("before")

    def pieces() -> Iterator[Piece]:
        yield piece(b"a", 1, work=before)
        yield piece(b"b", heavy=True, work=heavy)
        assert log[-1] == "heavy ends"  # nothing is asked for before
        yield piece(b"c", 1)

    slow = Taker(workers, pieces())
    wait_until(lambda: "heavy begins" in log)
    assert Taker(workers, iter([piece(b"quick")])).take_all() == b"quick"
    assert log == ["before", "heavy begins"]
    hold.set()
    assert slow.take_all() == b"abc"


def test_heavy_pieces_and_jobs_wait_in_one_bounded_line_in_which_a_client_takes_what_it_leaves_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 2 * PATIENCE)  # what is held here is not passed over
    workers, hold = Workers(1, most_heavy=4), threading.Event()

    def wait() -> None:
        hold.wait(PATIENCE)

    takers = [Taker(workers, iter([piece(b"x", heavy=True, work=wait)])) for _ in range(workers.turns.at_once + 2)]
    wait_until(lambda: workers.lines()["heavy"][0] == 2)  # and one is made, or as many as go on at a time
    with pytest.raises(ShareUsedUp, match="2 heavy requests of yours wait already, and 2 may still come"):
        workers.refuse_heavy()
    jobs = [workers.submit(wait, "other", heavy=True)]
    with pytest.raises(ShareUsedUp, match="1 heavy requests of yours"):
        workers.submit(wait, "other", heavy=True)
    jobs += [workers.submit(wait, "third", heavy=True)]
    with pytest.raises(LineFull, match="4 heavy requests wait already"):
        workers.submit(wait, "fourth", heavy=True)
    assert workers.abandon(jobs[1])
    assert workers.lines()["heavy"][0] == 3
    time.sleep(0.02)
    assert workers.lines()["heavy"][1] > 0.01
    hold.set()
    assert [taker.take_all() for taker in takers] == [b"x"] * len(takers)
    wait_until(lambda: workers.lines()["heavy"] == (0, 0.0))
    workers.refuse_heavy()
    workers.stop()


@pytest.mark.parametrize("where", ["make", "finish", "ask", "heavy"])
def test_a_fault_ends_the_run_and_not_the_thread(workers: Workers, where: str) -> None:
    def fail() -> None:
        raise MemoryError("no room")

    def fail_late() -> bytes:
        raise MemoryError("no room")

    def pieces() -> Iterator[Piece]:
        yield piece(b"x" * 100_000, 1)
        if where == "ask":
            fail()
        if where == "finish":
            yield Piece(lambda: fail_late)
        else:
            yield piece(b"", heavy=where == "heavy", work=fail)
        yield piece(b"never", 1)

    taker = Taker(workers, pieces())
    with pytest.raises(MemoryError):
        taker.take_all()
    assert taker.close().wait(PATIENCE)
    assert Taker(workers, iter([piece(b"next")])).take_all() == b"next"


def test_a_closed_run_is_idle_only_when_its_threads_have_left(workers: Workers) -> None:
    begun, hold = threading.Event(), threading.Event()
    asked: list[int] = []

    def work() -> None:
        begun.set()
        hold.wait(PATIENCE)

    def pieces() -> Iterator[Piece]:
        for number in range(1000):
            asked.append(number)
            yield piece(b"x", 1, work=work)

    taker = Taker(workers, pieces())
    assert begun.wait(PATIENCE)
    idle = taker.close()
    assert not idle.wait(0.05)
    before = len(asked)
    hold.set()
    assert idle.wait(PATIENCE)
    time.sleep(0.02)
    assert len(asked) <= before + 1


def test_closing_before_anything_was_made_and_after_everything_was_taken(workers: Workers) -> None:
    for taking in (False, True):
        for _ in range(200):
            taker = Taker(workers, (piece(b"x" * 70_000, 70_000) for _ in range(5)))
            if taking:
                taker.take_all()
            assert taker.close().wait(PATIENCE)


def test_the_more_answers_wait_for_a_turn_the_less_each_goes_ahead() -> None:
    """All of them together hold no more memory than keeps the threads busy; one that is alone goes as far as ever."""
    run = Run(iter(()), lambda _: None, ahead=AHEAD // 4)
    assert [run.may_ask(waiting) for waiting in (0, 2, 3, 60)] == [True, True, False, False]
    run.ahead = 0
    assert run.may_ask(1000)
