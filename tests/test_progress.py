"""How far something has come: as a bar on a terminal, in lines elsewhere, not at all where nobody asked."""

import re
import sys

import pytest

from service import progress
from service.progress import in_time, progress_bar


class Clock:
    """A time that goes on when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_without_a_terminal_there_are_lines_the_first_the_last_and_one_each_ten_seconds(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_bar("place", 4 * 10**9, 4, lines=True) as bar:
        for _ in range(400):  # 40 seconds at 100 MB/s
            clock.now += 0.1
            bar(10**7)
            if not round((clock.now - 100.0) * 10) % 100:
                bar.part()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "place: 0%, 0.00 of 4.00 GB, 0 of 4 files"
    assert lines[-1] == "place: 100%, 4.00 of 4.00 GB, 4 of 4 files"
    assert 4 <= len(lines) <= 6
    assert re.fullmatch(r"place: 2\d%, 1\.\d\d of 4\.00 GB, 1 of 4 files, 100 MB/s, (29|30) s left", lines[1])


def test_nobody_is_told_of_what_nobody_asked_for(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("file", 100) as bar:
        clock.now += 60
        bar(100)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_it_is_one_line_that_is_written_over(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar("place", 10**9, 2, lines=True) as bar:
        for _ in range(10):
            clock.now += 1.0
            bar(10**8)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("\rplace ░")
    assert "█" * progress.WIDTH in said.rpartition("\r")[2]


def test_the_rate_is_that_of_late_and_what_is_taken_back_is_no_rate(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_bar("place", 10**12, lines=True) as bar:
        clock.now += 1.0
        bar(5 * 10**11)  # was there before
        for _ in range(60):
            clock.now += 10.0
            bar(10**9)
        told = capsys.readouterr().err.splitlines()[-1]
        assert "100 MB/s" in told
        clock.now += 10.0
        bar(-(10**10))
        assert "MB/s" not in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (61, "1 min 1 s"),
        (3599, "59 min 59 s"),
        (3660, "1 h 1 min"),
        (4e6, "1,111 h 6 min"),
    ],
)
def test_a_time_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert in_time(seconds) == words
