"""A verification: bytes of a file in as they come, pieces of work out that compare them with a plan."""

from collections.abc import Iterator
from functools import partial

from service.formats.payload import HEAVY, Drawn, Piece, Way, approach, opened, text
from service.networks.plan import PlannedParameter
from service.stream.drawing import Drawing
from service.stream.dtypes import DTYPES
from service.verification import kinds
from service.verification.arrays import Array, Listing, Reading
from service.verification.comparison import Comparison
from service.verification.means import Means
from service.verification.result import Result
from service.verification.tape import Tape

FAR = 2 * HEAVY  # operations to come to a parameter


class Verification:
    """Compares what stands in a file with a plan, which it is given once the file's beginning is read.

    What the plan tells of its cost is the caller's to look at; `means` are asked for what the file adds to that.
    """

    def __init__(self, means: Means) -> None:
        self.listing: Listing | None = None
        self._tape = Tape()
        self._reading: Reading = read(self._tape, means)
        self._means = means
        self._way = Way()
        self._result: Result | None = None
        self._current: tuple[Comparison, Drawing, Array] | None = None
        self._place = 0  # in the current array, in elements

    @property
    def waits_for_plan(self) -> bool:
        return self.listing is not None and self._result is None

    def begin(self, result: Result) -> None:
        """Compare with what this is the result of; several files may share one."""
        self._result = result

    def drawn(self, result: Result) -> tuple[PlannedParameter, ...]:
        """Return the parameters of which numbers will be drawn: all of the plan's, where the file does not tell."""
        if self.listing is None or self.listing.arrays is None:
            return result.plan.parameters
        found = ((result.of(array), array) for array in self.listing.arrays)
        return tuple(each.parameter for each, array in found if each is not None and each.fits(array))

    def pieces(self, chunk: bytes = b"", last: bool = False) -> Iterator[Piece]:
        """Return the work that comes of the file's next bytes; raises InvalidFile for what no such file has.

        Where a plan is waited for, bytes are kept until there is one.
        """
        self._tape.add(chunk)
        if last:
            self._tape.end()
        while not self.waits_for_plan:
            event = next(self._reading, None)
            if event is None:
                return
            if isinstance(event, Listing):
                self.listing = event
            elif isinstance(event, Array):
                yield from self._enter(event)
            elif not event:
                yield text(event)
            elif self._current is not None:
                yield self._block(event, *self._current)

    def _enter(self, array: Array) -> Iterator[Piece]:
        """Begin with an array: with what draws the parameter that it should be, if there is one."""
        assert self._result is not None
        self._current, self._place = None, 0
        comparison = self._result.enter(array)
        if comparison is None:
            return
        parameter = comparison.parameter
        if len(array.shape) < 2:
            array = array._replace(backwards=False)  # which makes no difference
        if array.backwards:
            parameter = turned_round(parameter)
            self._means.stand(parameter.standing)
        operations = self._way.to(parameter, 0, parameter.elements)
        if operations > FAR:
            self._means.walk(operations)
            yield from approach((parameter, 0, 0))
        self._current = comparison, (yield from opened(parameter)), array

    def _block(self, raw: bytes, comparison: Comparison, drawing: Drawing, array: Array) -> Piece:
        first, parameter = self._place, comparison.parameter
        self._place += len(raw) // DTYPES[parameter.dtype].size
        drawn = Drawn(parameter.algorithm, parameter.dtype, len(raw))
        return Piece(partial(comparison.compare, drawing, array, first, raw), 2 * len(raw), drawn=drawn)


def read(tape: Tape, means: Means) -> Reading:
    """Read a file of whatever kind."""
    yield from (yield from kinds.recognised(tape, means.hold, means.most))


def turned_round(parameter: PlannedParameter) -> PlannedParameter:
    """Return a parameter with its axes in reverse: in C order its elements are as Fortran's order has them."""
    return parameter.moved(tuple(reversed(range(len(parameter.shape)))))
