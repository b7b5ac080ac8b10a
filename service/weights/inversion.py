"""A framework's arrays as where canonical parameters come from, instead of the other way round.

A placement says how an array of a framework comes of canonical parameters. Where the framework's own stream is
replayed, its arrays are what is drawn, and canonical parameters are read off them. What a framework does not have (a
second bias, which it adds to the first) is 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.weights.description import Shape
from service.weights.layouts import Arrangement, Cut, Flip, Join, Move, Placement, Reshape, Sum, Take, as_they_are
from service.weights.views import Form, View, joined


@dataclass(frozen=True, slots=True)
class Part:
    """A box of a canonical parameter, from `starts` on, and where its elements stand."""

    name: str
    starts: Shape
    form: Form


def parts_of(arrangement: Arrangement, form: Form, canonical: Mapping[str, Form]) -> Iterator[Part]:
    """Yield the boxes of canonical parameters that stand in `form`, an array which came of this arrangement."""
    match arrangement:
        case Take(name):
            yield Part(name, (0,) * len(form.shape), form)
        case Move(of, axes):
            back = tuple(axes.index(axis) for axis in range(len(axes)))
            yield from parts_of(of, form.moved(back), canonical)
        case Reshape(of):
            yield from parts_of(of, form.reshaped(of.form(canonical).shape), canonical)
        case Flip(of, count):
            for axis in range(count):
                form = form.flipped(axis)
            yield from parts_of(of, form, canonical)
        case Cut(of, axis, part):
            for each in parts_of(of, form, canonical):
                first = part * form.shape[axis]
                starts = (*each.starts[:axis], each.starts[axis] + first, *each.starts[axis + 1 :])
                yield Part(each.name, starts, each.form)
        case Join(parts, axis):
            start = 0
            for each_part in parts:
                stop = start + each_part.form(canonical).shape[axis]
                yield from parts_of(each_part, form.between(axis, start, stop), canonical)
                start = stop
        case Sum(parts):
            yield from parts_of(parts[0], form, canonical)


def together(parts: Sequence[Part], axis: int = 0) -> Form:
    """Return a canonical parameter put together from its boxes, which fill it."""
    if len(parts) == 1:
        return parts[0].form
    rows: dict[int, list[Part]] = {}
    for part in sorted(parts, key=lambda part: part.starts[axis]):
        rows.setdefault(part.starts[axis], []).append(part)
    return joined([together(row, axis + 1) for row in rows.values()], axis)


def zeros_of(name: str) -> str:
    """Return the name of the array of zeros that stands for a canonical parameter which a framework does not have."""
    return f"zeros of {name}"


def inverted(placements: Sequence[Placement], shapes: Mapping[str, Shape]) -> dict[str, Form]:
    """Return where each canonical parameter, of these shapes, stands in the arrays of these placements."""
    canonical = as_they_are(shapes)
    parts: dict[str, list[Part]] = {}
    for placement in placements:
        array = View.whole(placement.name, placement.of.form(canonical).shape)
        for part in parts_of(placement.of, array, canonical):
            parts.setdefault(part.name, []).append(part)
    return {
        name: together(parts[name]) if name in parts else View.whole(zeros_of(name), shape)
        for name, shape in shapes.items()
    }
