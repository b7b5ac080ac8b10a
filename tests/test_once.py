"""What is found out once an object: nobody waits for another object's, whatever the version of Python."""

import threading

from service.once import once

PATIENCE = 20.0


class Slow:
    def __init__(self, hold: threading.Event) -> None:
        self.hold = hold
        self.begun = threading.Event()
        self.count = 0

    @once
    def found(self) -> list[int]:
        """What takes time."""
        self.begun.set()
        assert self.hold.wait(PATIENCE)
        self.count += 1
        return [self.count]


def test_a_small_one_does_not_wait_for_a_large_one() -> None:
    large, small = Slow(threading.Event()), Slow(threading.Event())
    small.hold.set()
    seen: list[list[int]] = []
    asking = [threading.Thread(target=lambda: seen.append(large.found)) for _ in range(3)]
    for thread in asking:
        thread.start()
    assert large.begun.wait(PATIENCE)
    assert small.found == [1]
    large.hold.set()
    for thread in asking:
        thread.join(PATIENCE)
    assert len({id(each) for each in seen}) == 1
    assert large.found is seen[0]


def test_it_is_computed_once_and_says_what_it_is() -> None:
    one = Slow(threading.Event())
    one.hold.set()
    assert one.found is one.found
    assert one.count == 1
    assert Slow.found.__doc__ == "What takes time."
