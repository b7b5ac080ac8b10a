"""The chance in an array that is made as a whole: a normal value, a uniform one and a second word for each element."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from service.stream.addresses import Runs
from service.stream.distributions import Independent, Normal, Uniform, filled
from service.stream.kernels import fill_words
from service.stream.streams import Stream
from service.stream.views import Form, Joined, View

Doubles = NDArray[np.float64]
Words = NDArray[np.uint32]


class Chance(ABC):
    """What an array of `count` elements is made of, in its C order."""

    @abstractmethod
    def values(self, distribution: Independent, count: int) -> Doubles:
        """Return each element's value of a distribution."""

    def normals(self, count: int) -> Doubles:
        """Return each element's standard normal value."""
        return self.values(Normal(0.0, 1.0), count)

    def uniforms(self, count: int) -> Doubles:
        """Return each element's value uniform on [0, 1]."""
        return self.values(Uniform(0.0, 1.0), count)

    @abstractmethod
    def second_words(self, count: int) -> Words:
        """Return each element's second word: those at the addresses that follow its parameter's own."""


@dataclass(frozen=True, slots=True)
class Own(Chance):
    """A parameter's own stream."""

    stream: Stream

    def values(self, distribution: Independent, count: int) -> Doubles:
        return filled(distribution, self.stream, count)

    def second_words(self, count: int) -> Words:
        out = np.empty(count, np.uint32)
        fill_words(self.stream.address(), Runs.one(count, count).starts, count, out)
        return out


@dataclass(frozen=True, slots=True)
class Woven(Chance):
    """The chance of parameters whose elements stand in an array as `form` says: each keeps what is its own."""

    form: Form
    streams: Mapping[str, tuple[Own, int]]  # by parameter, with how many elements it has

    def _gather(self, draw: Callable[[Own, int], NDArray[Any]]) -> NDArray[Any]:
        drawn = {name: draw(*self.streams[name]) for name in self.form.names}
        return looked_up(self.form, drawn).ravel()

    def values(self, distribution: Independent, count: int) -> Doubles:
        return self._gather(lambda own, size: own.values(distribution, size))

    def second_words(self, count: int) -> Words:
        return self._gather(Own.second_words)


def looked_up(form: Form, drawn: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the array that `form` describes, of parameters' elements in C order."""
    match form:
        case View(name, offset, sizes, strides):
            values = drawn[name]
            return as_strided(values[offset:], sizes, [stride * values.itemsize for stride in strides])
        case Joined(parts, axis):
            return np.concatenate([looked_up(part, drawn) for part in parts], axis)
    raise TypeError(f"no element stands in {form} alone")
