"""Which part of a parameter this rank holds: boxes, whose places follow from mesh and placements alone."""

from collections.abc import Iterator
from itertools import accumulate, product
from typing import Any, TypeAlias

import torch

Box: TypeAlias = tuple[slice, ...]
Runs: TypeAlias = list[tuple[int, int]]  # places along an axis, from the first to before the last, in order


def local_parts(parameter: torch.Tensor) -> tuple[torch.Tensor, list[tuple[Box, Box]]]:
    """Return the tensor that is in this process, and where it has which boxes of the whole.

    Raises ValueError for placements that are no parts of it: sums, and what no rule here is known for.
    """
    if not hasattr(parameter, "placements"):
        return parameter.detach(), boxes([[(0, size)] for size in parameter.shape])
    sharded: Any = parameter
    local: torch.Tensor = sharded.to_local().detach()
    if sharded.device_mesh.get_coordinate() is None:  # this rank is not of the mesh
        return local, []
    for way in (left_to_right, nested):
        axes = [[(0, size)] for size in parameter.shape]
        for axis, count, place, split in way(sharded):
            axes[axis] = chunk_of_each(axes[axis], count, place, split)
        if [length(runs) for runs in axes] == list(local.shape):
            return local, boxes(axes)
    raise ValueError(f"{sharded.placements} are no placements that this can follow, of {tuple(parameter.shape)}")


def cuts(sharded: Any) -> list[tuple[int, int, int, int]]:
    """Return the axis that each placement cuts, in how many parts, which this rank has, and of how many pieces."""
    mesh, coordinate = sharded.device_mesh, sharded.device_mesh.get_coordinate()
    found = []
    for axis, placement in enumerate(sharded.placements):
        if not placement.is_replicate():
            if placement.is_partial() or not hasattr(placement, "dim"):
                raise ValueError(f"{sharded.placements}: {placement} is no part of a parameter, and cannot be filled")
            split = getattr(placement, "split_factor", 1)
            found.append((placement.dim % len(sharded.shape), mesh.size(axis), coordinate[axis], split))
    return found


def nested(sharded: Any) -> list[tuple[int, int, int, int]]:
    """Return the cuts in the order in which they were made where one was made within others' (FSDP2 over TP).

    Its placement stands before theirs, and is called strided for that. It comes to the same but where so little is
    left that one of the ranks has nothing.
    """
    found = cuts(sharded)
    strided = [each for each in found if each[3] > 1]
    return [each for each in found if each[3] == 1] + [(*each[:3], 1) for each in reversed(strided)]


def left_to_right(sharded: Any) -> list[tuple[int, int, int, int]]:
    """Return the cuts as placements stand: a strided one takes a chunk of each of several pieces."""
    return cuts(sharded)


def chunk_of_each(runs: Runs, count: int, place: int, split: int) -> Runs:
    pieces = [chunk(runs, split, piece) for piece in range(split)]
    return [run for piece in pieces for run in chunk(piece, count, place)]


def chunk(runs: Runs, count: int, place: int) -> Runs:
    """Return the chunk at a place that torch.chunk would make: all but the last are as long as the first."""
    size = -(-length(runs) // count)
    return list(between(runs, place * size, (place + 1) * size))


def between(runs: Runs, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the runs of the places from `start` to before `stop`, counted along the runs."""
    done = 0
    for first, last in runs:
        begin, end = max(first, first + start - done), min(last, first + stop - done)
        if begin < end:
            yield begin, end
        done += last - first


def length(runs: Runs) -> int:
    return sum(last - first for first, last in runs)


def boxes(axes: list[Runs]) -> list[tuple[Box, Box]]:
    """Return the boxes that runs along all axes make: where they stand in this process, and where in the whole."""
    joined = [together(runs) for runs in axes]
    placed = []
    for runs in joined:
        ends = accumulate((last - first for first, last in runs), initial=0)
        placed.append(
            [
                (slice(begin, begin + last - first), slice(first, last))
                for begin, (first, last) in zip(ends, runs, strict=False)
            ]
        )
    return [(tuple(here for here, _ in each), tuple(there for _, there in each)) for each in product(*placed)]


def together(runs: Runs) -> Runs:
    """Return the runs with those that go on where another ends as one."""
    found: Runs = []
    for first, last in runs:
        if found and found[-1][1] == first:
            found[-1] = found[-1][0], last
        else:
            found.append((first, last))
    return found
