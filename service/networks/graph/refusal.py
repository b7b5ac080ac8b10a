"""What is said where a layer cannot take what comes: its name, what comes in, and what it takes."""

from collections.abc import Sequence

from service.errors import InvalidSpec
from service.stream.views import Shape


def sizes(shape: Sequence[int]) -> str:
    """Return the sizes of an example, without the batch."""
    return " × ".join(map(str, shape[1:])) or "one number"


class CannotTake(Exception):
    """Raised by a rule of shapes; `needed` says what the layer takes, in words that follow "takes"."""

    def __init__(self, needed: str) -> None:
        super().__init__(needed)
        self.needed = needed

    def of(self, name: str, kind: str, came: Sequence[Shape], at: str) -> InvalidSpec:
        """Return the refusal, with the layer's name and what comes in."""
        comes = " and ".join(map(sizes, came)) if came else "nothing"
        come = "come" if len(came) > 1 else "comes"
        return InvalidSpec(f"{name} ({kind}) takes {self.needed}, and {comes} {come} in", at)
