"""Which part of a parameter this rank holds: a box, whose place follows from mesh and placements alone."""

from typing import Any

import torch

Box = tuple[slice, ...]


def local_part(parameter: torch.Tensor) -> tuple[torch.Tensor, Box]:
    """Return the tensor that is in this process, and which part of the whole it is; raises ValueError for sums."""
    box = [(0, size) for size in parameter.shape]
    if not hasattr(parameter, "placements"):
        return parameter.detach(), tuple(slice(*each) for each in box)
    sharded: Any = parameter
    mesh, placements = sharded.device_mesh, sharded.placements
    coordinate = mesh.get_coordinate()
    local: torch.Tensor = sharded.to_local().detach()
    if coordinate is None:  # this rank is not of the mesh
        return local, (slice(0, 0), *(slice(*each) for each in box[1:]))
    if any(each.is_partial() for each in placements):
        raise ValueError(f"{placements}: a sum over ranks cannot be filled")
    for axis, placement in in_order(placements):
        start, stop = box[placement.dim]
        box[placement.dim] = chunk(start, stop, mesh.size(axis), coordinate[axis])
    if tuple(stop - start for start, stop in box) != tuple(local.shape):
        raise ValueError(f"{placements} are no placements that this can follow: {box} is not {tuple(local.shape)}")
    return local, tuple(slice(*each) for each in box)


def in_order(placements: Any) -> list[tuple[int, Any]]:
    """Return the shards with their axes of the mesh, in the order in which they cut.

    A strided one (FSDP2 over tensor parallel) cuts what the later axes have cut already.
    """
    # torch has them as Shard's subclass, or beside it, by version.
    shards = [(axis, each) for axis, each in enumerate(placements) if hasattr(each, "dim")]
    strided = [each for each in shards if hasattr(each[1], "split_factor")]
    return [each for each in shards if each not in strided] + strided[::-1]


def chunk(start: int, stop: int, count: int, place: int) -> tuple[int, int]:
    """Return the chunk at a place that torch.chunk would make: all but the last are as long as the first."""
    size = -(-(stop - start) // count)
    return min(start + place * size, stop), min(start + (place + 1) * size, stop)
