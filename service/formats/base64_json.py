"""The JSON answer: every parameter with its npy file in base64, its digest, its statistics, as asked.

The text goes out while values are drawn, so digests and statistics follow the values they speak of. A statistic's
width is not known before, so its place is filled up with spaces, which JSON allows: the length is exact.
"""

import hashlib
from collections.abc import Callable
from functools import partial

import pybase64

from service import stopping
from service.analysis.statistics import BINS, Statistics
from service.formats import npy
from service.formats.description import Descriptions, closing, dumps, opening, opening_of_layer
from service.formats.links import parameters_at
from service.formats.payload import Chunk, Encoding, Include, Known, Owed, Part, Payload, Unsaid, Values
from service.networks.plan import Plan, PlannedParameter
from service.stream.drawing import BLOCK
from service.stream.dtypes import DTYPES, Stored

LONGEST_NUMBER = -1.2345678901234567e-300  # 24 characters, as many as a float64 can take


def statistics_width(empty: Statistics, elements: int) -> int:
    """Return how many characters the statistics of so many elements can take at the most."""
    widest = empty.summary() | dict.fromkeys(("mean", "std", "min", "max"), LONGEST_NUMBER)
    return len(dumps(widest)) + (BINS + 1) * (len(str(elements)) - 1)  # the counts are 0 here


class Base64(Encoding):
    """A .npy file whose header is `head` and whose elements have `size` bytes, in base64: 3 bytes to 4 characters."""

    weight = 7 / 3  # the values, and their base64 beside them

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.size = head, size
        self.first_block = first_block(len(head), size)

    def length(self, elements: int) -> int:
        return -(-(len(self.head) + elements * self.size) // 3) * 4

    def elements(self, start: int, stop: int, elements: int) -> tuple[int, int]:
        """Return elements that end, and begin unless they are the first, where base64 has taken all bytes before."""
        first, end = (max(0, place * 3 - len(self.head)) for place in (start // 4, -(-stop // 4)))
        begin, phase = first // self.size, self.first_block % 3
        begin = begin - (begin - phase) % 3
        last = -(-end // self.size)
        last = last + (phase - last) % 3
        return max(begin, 0), min(max(last, 1), elements)

    def place(self, first: int) -> int:
        return (len(self.head) + first * self.size) // 3 * 4 if first else 0

    def encode(self, raw: memoryview, first: int) -> Chunk:
        head = b"" if first else self.head
        split = -len(head) % 3  # base64 takes three bytes at a time; the block ends where it has taken all
        return pybase64.b64encode(head + raw[:split]) + pybase64.b64encode(raw[split:])


class Told:
    """What is known of a parameter's values when all were gone through: their digest, and statistics if wanted."""

    def __init__(self, parameter: PlannedParameter, statistics: bool) -> None:
        self._read = DTYPES[parameter.dtype].read
        self._digest = hashlib.sha256()
        self._statistics = Statistics(parameter.expectation) if statistics else None

    def add(self, values: Stored) -> Callable[[], None]:
        statistics = self._statistics
        part = None if statistics is None else statistics.survey(self._read(values))

        def take_in() -> None:
            self._digest.update(values.view("u1").data)
            if statistics is not None and part is not None:
                statistics.merge(part)

        return take_in

    def closing(self, length: int) -> bytes:
        """Return the members that tell it, and the parameter's closing brace, filled up to `length`."""
        found = f',"sha256":"{self._digest.hexdigest()}"'.encode()
        if self._statistics is not None:
            found += b',"statistics":' + dumps(self._statistics.summary())
        return found.ljust(length - 1) + b"}"


DIGEST = len(',"sha256":""}') + 2 * hashlib.sha256().digest_size


def longest(parameter: PlannedParameter, statistics: bool) -> int:
    """Return how many bytes a parameter's closing can take at the most."""
    if not statistics:
        return DIGEST
    return DIGEST + len(',"statistics":') + statistics_width(Statistics(parameter.expectation), parameter.elements)


def told_parts(words: bytes, parameter: PlannedParameter, include: Include) -> list[Part]:
    """Return a parameter's description, which ends `words`, and what follows: values, digest, statistics, a brace."""
    begin = partial(Told, parameter, include.statistics)
    values = Values(parameter, encoding_of(parameter, include), begin)
    opening, quote = (b',"npy":"', b'"') if include.weights else (b"", b"")
    length = longest(parameter, include.statistics)
    owed = Owed(len(quote) + length, [values], lambda sums: quote + sums[0].closing(length))
    if include.weights and not parameter.elements:  # nothing is drawn, not even what comes before the values
        return [Known(words + opening + pybase64.b64encode(npy.header(parameter))), owed]
    return [Known(words + opening), values, owed]


def encoding_of(parameter: PlannedParameter, include: Include) -> Encoding:
    if not include.weights:
        return Unsaid()
    return Base64(npy.header(parameter), DTYPES[parameter.dtype].size)


def first_block(head: int, size: int) -> int:
    """Return how many elements of `size` bytes the first block has, so that with `head` bytes it is a multiple of 3."""
    if (head + BLOCK * size) % 3 == 0:
        return BLOCK
    return next(count for count in (BLOCK - 4, BLOCK - 8) if (head + count * size) % 3 == 0)


def encode_parameter(parameter: PlannedParameter, address: str | None, include: Include) -> Payload:
    """Return what the whole answer, whose plan has this address, tells of one parameter."""
    return Payload(told_parts(Descriptions(address).of(parameter), parameter, include))


def encode(plan: Plan, include: Include) -> Payload:
    """Return the whole answer; its parts are laid out before, so that their lengths add up."""
    parts: list[Part] = []
    descriptions = Descriptions(parameters_at(plan))
    words = opening(plan)
    for index, layer in enumerate(plan.layers):
        stopping.check()
        words += (b"," if index else b"") + opening_of_layer(layer)
        for place, parameter in enumerate(layer.parameters):
            words += (b"," if place else b"") + descriptions.of(parameter)
            parts += told_parts(words, parameter, include)
            words = b""
        words += b"]}"
    words += b"]," + dumps(closing(plan))[1:]
    return Payload([*parts, Known(words)])
