"""A framework's arrays as where canonical parameters come from, instead of the other way round.

A placement says how an array of a framework comes of canonical parameters. Where the framework's own stream is
replayed, its arrays are what is drawn, and canonical parameters are read off them. What a framework does not have (a
second bias, which it adds to the first) is 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.networks.layouts import Arrangement, Cut, Flip, Join, Move, Placement, Reshape, Sum, Take, as_they_are
from service.stream.views import Form, Shape, View, joined

ZEROS = "zeros"  # the array that stands for what a framework does not have


@dataclass(frozen=True, slots=True)
class Part:
    """A box of a canonical parameter, from `starts` on, and where its elements stand."""

    name: str
    starts: Shape
    form: Form


def parts_of(arrangement: Arrangement, box: Form, starts: Shape, canonical: Mapping[str, Form]) -> Iterator[Part]:
    """Yield the boxes of canonical parameters that stand in `box`, which begins at `starts` of the arranged array."""
    match arrangement:
        case Take(name):
            yield Part(name, starts, box)
        case Move(of, axes):
            back = tuple(axes.index(axis) for axis in range(len(axes)))
            yield from parts_of(of, box.moved(back), tuple(starts[axis] for axis in back), canonical)
        case Reshape(of):
            shape, starts = box_before(of.form(canonical).shape, arrangement.form(canonical).shape, box.shape, starts)
            yield from parts_of(of, box.reshaped(shape), starts, canonical)
        case Flip(of, count):
            whole = of.form(canonical).shape
            for axis in range(count):
                box = box.flipped(axis)
            turned = [whole[axis] - starts[axis] - box.shape[axis] for axis in range(count)]
            yield from parts_of(of, box, (*turned, *starts[count:]), canonical)
        case Cut(of, axis, part, count):
            first = part * (of.form(canonical).shape[axis] // count) + starts[axis]
            yield from parts_of(of, box, (*starts[:axis], first, *starts[axis + 1 :]), canonical)
        case Join(parts, axis):
            yield from parts_of_joined(parts, axis, box, starts, canonical)
        case Sum(parts):
            yield from parts_of(parts[0], box, starts, canonical)
            for other in parts[1:]:
                yield from parts_of(other, zeros(box.shape), starts, canonical)


def parts_of_joined(
    parts: Sequence[Arrangement], axis: int, box: Form, starts: Shape, canonical: Mapping[str, Form]
) -> Iterator[Part]:
    begin = 0  # of the part, in the joined array
    for part in parts:
        end = begin + part.form(canonical).shape[axis]
        first, last = max(begin, starts[axis]), min(end, starts[axis] + box.shape[axis])
        if first < last:
            inner = box.between(axis, first - starts[axis], last - starts[axis])
            yield from parts_of(part, inner, (*starts[:axis], first - begin, *starts[axis + 1 :]), canonical)
        begin = end


def box_before(whole: Shape, made: Shape, box: Shape, starts: Shape) -> tuple[Shape, Shape]:
    """Return shape and start that a box had before an array of shape `whole` became one of shape `made`.

    A box that is not all of it can only have gained or lost axes of one element.
    """
    if box == made:
        return whole, (0,) * len(whole)
    along = iter([each for each, size in zip(zip(box, starts, strict=True), made, strict=True) if size != 1])
    pairs = [(1, 0) if size == 1 else next(along) for size in whole]
    return tuple(size for size, _ in pairs), tuple(start for _, start in pairs)


def together(parts: Sequence[Part], axis: int = 0) -> Form:
    """Return a canonical parameter put together from its boxes, which fill it."""
    if len(parts) == 1:
        return parts[0].form
    rows: dict[int, list[Part]] = {}
    for part in sorted(parts, key=lambda part: part.starts[axis]):
        rows.setdefault(part.starts[axis], []).append(part)
    return joined([together(row, axis + 1) for row in rows.values()], axis)


def zeros(shape: Shape) -> Form:
    """Return an array of zeros: one, wherever it is looked for."""
    return View(ZEROS, 0, shape, (0,) * len(shape))


def inverted(placements: Sequence[Placement], shapes: Mapping[str, Shape]) -> dict[str, Form]:
    """Return where each canonical parameter, of these shapes, stands in the arrays of these placements."""
    canonical = as_they_are(shapes)
    parts: dict[str, list[Part]] = {}
    for placement in placements:
        array = View.whole(placement.name, placement.of.form(canonical).shape)
        for part in parts_of(placement.of, array, (0,) * len(array.shape), canonical):
            parts.setdefault(part.name, []).append(part)
    return {name: together(parts[name]) if name in parts else zeros(shape) for name, shape in shapes.items()}
