"""What a verification takes beyond a block's memory: whoever runs it says how much of that is to be had."""

from typing import Protocol


class Means(Protocol):
    """Each is told before something is taken, and raises where that is too much: the verification ends then.

    `most` is how many bytes a file may come to, inflated.
    """

    @property
    def most(self) -> int: ...

    def hold(self, count: int) -> None:
        """Take so many more bytes of memory, until the end."""
        ...

    def stand(self, count: int) -> None:
        """Let one parameter of so many bytes stand in memory as a whole."""
        ...

    def walk(self, operations: int) -> None:
        """Do so many more operations to come to a parameter of a stream that is walked."""
        ...


class Unbounded:
    """Whatever it takes."""

    most = 2**63

    def hold(self, count: int) -> None: ...
    def stand(self, count: int) -> None: ...
    def walk(self, operations: int) -> None: ...
