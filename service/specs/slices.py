"""`0:128,::2`: NumPy's basic slicing as an address has it, read for the shape of an array."""

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from service.errors import InvalidSlice
from service.stream.views import Shape

LONGEST = 1024  # characters
MOST_AXES = 64  # of the part, as NumPy has it
NUMBER = r"-?\d{1,20}"
ITEM = re.compile(
    rf"(?P<place>{NUMBER})|(?P<start>{NUMBER})?:(?P<stop>{NUMBER})?(?::(?P<step>{NUMBER})?)?"
    r"|(?P<rest>\.\.\.)|(?P<new>newaxis|None)",
    re.ASCII,
)
HOW = "an index for each axis, with commas between: 3, 0:128, ::2, ::-1, or ... for all axes that are left out"

Index: TypeAlias = int | range | None


class Slice(NamedTuple):
    """For each axis of an array one place or some of them, in their order; None where an axis of one place comes in.

    `text` says it in one way: what takes the same elements into the same shape has one text.
    """

    indices: tuple[Index, ...]
    text: str


def parse_slice(text: str, shape: Shape) -> Slice:
    """Return what NumPy's `array[text]` takes of an array of this shape; raises InvalidSlice for what it refuses."""
    items = read(text, shape)
    indices: list[Index] = []
    mended: list[str] = []
    faults: list[str] = []
    axis = 0
    for item in items:
        mended.append(item[0])
        if item["rest"] is not None:
            left = len(shape) - axes_of(items)
            indices += [range(size) for size in shape[axis : axis + left]]
            axis += left
        elif item["new"] is not None:
            indices.append(None)
        else:
            index, fault, mended[-1] = index_of(item, axis, shape[axis])
            indices.append(index)
            faults += [fault] if fault else []
            axis += 1
    if faults:
        raise InvalidSlice(faults[0], remedy={"slice": ",".join(mended)})
    indices += [range(size) for size in shape[axis:]]
    if sum(not isinstance(index, int) for index in indices) > MOST_AXES:
        raise InvalidSlice(f"an array has at most {MOST_AXES} axes", remedy=some_of(shape))
    return Slice(tuple(indices), ",".join(map(said, indices)) or "...")


def read(text: str, shape: Shape) -> list[re.Match[str]]:
    """Return what is written for each axis; refuses what is no index, and more of them than there are axes."""
    if len(text) > LONGEST:
        raise InvalidSlice(f"a slice has at most {LONGEST:,} characters, not {len(text):,}", remedy=some_of(shape))
    items = []
    for written in text.split(","):
        item = ITEM.fullmatch(written.strip(" "))
        if item is None:
            shown = written if len(written) <= 40 else f"{written[:40]}…"
            raise InvalidSlice(f"{shown!r} is no index; a slice has {HOW}", remedy=some_of(shape))
        items.append(item)
    if sum(item["rest"] is not None for item in items) > 1:
        raise InvalidSlice("a slice has ... once at the most", remedy=some_of(shape))
    if axes_of(items) > len(shape):
        axes = "1 axis" if len(shape) == 1 else f"{len(shape)} axes"
        detail = f"the array has {axes}, of shape {list(shape)}, not {axes_of(items)}"
        raise InvalidSlice(detail, remedy=some_of(shape))
    return items


def axes_of(items: Sequence[re.Match[str]]) -> int:
    """Return for how many axes of the array something is written."""
    return sum(item["rest"] is None and item["new"] is None for item in items)


def some_of(shape: Shape) -> dict[str, str]:
    """Return a slice that an array of this shape has: the first half."""
    return {"slice": f"0:{(shape[0] + 1) // 2}" if shape else "..."}


def index_of(item: re.Match[str], axis: int, size: int) -> tuple[int | range, str, str]:
    """Return one place of an axis, or some; what is wrong with it, if anything is; and what would do instead."""
    if item["place"] is not None:
        place = int(item["place"])
        if not -size <= place < size:
            nearest = 0 if place < 0 else size - 1
            fault = f"index {place} is out of bounds for axis {axis}, which has {size} places"
            return nearest, fault, str(nearest)
        return place % size, "", item[0]
    start, stop, step = (None if item[name] is None else int(item[name]) for name in ("start", "stop", "step"))
    if step == 0:
        return 0, f"a step is not 0, as it is on axis {axis}", item[0].rpartition(":")[0]
    return tidied(range(size)[start:stop:step]), "", item[0]


def tidied(places: range) -> range:
    """Return the same places, of all ranges that have them always the same one."""
    if not places:
        return range(0)
    if len(places) == 1:
        return range(places[0], places[0] + 1)
    return range(places[0], places[-1] + (1 if places.step > 0 else -1), places.step)


def said(index: Index) -> str:
    match index:
        case None:
            return "newaxis"
        case int():
            return str(index)
        case range(start=start, stop=stop, step=1):
            return f"{start}:{stop}"
        case range(start=start, stop=stop, step=step):
            return f"{start}:{stop}:{step}" if stop >= 0 else f"{start}::{step}"
