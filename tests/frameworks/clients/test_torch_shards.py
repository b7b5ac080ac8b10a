"""Which part of a parameter a rank holds is told as torch cuts it: its own distribute_tensor is the oracle."""

import random
from typing import Any

import pytest
import torch
import torch.distributed as dist
from initserve.torch.shards import local_parts
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard
from torch.testing._internal.distributed.fake_pg import FakeStore

RANDOM = random.Random(8)


def cut(shape: tuple[int, ...], mesh: tuple[int, ...], placements: list[Any], rank: int) -> tuple[torch.Tensor, Any]:
    """Return what a rank holds of the numbers from 0 on, and its DTensor; no other process is there."""
    size = 1
    for each in mesh:
        size *= each
    dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=size)
    try:
        whole = torch.arange(torch.Size(shape).numel()).reshape(shape)
        found = distribute_tensor(whole, init_device_mesh("cpu", mesh), placements, src_data_rank=None)
        local, parts = local_parts(found)
        told = torch.full(tuple(local.shape), -1)
        for here, there in parts:
            told[here] = whole[there]
        return local, told
    finally:
        dist.destroy_process_group()


LAYOUTS: list[tuple[tuple[int, ...], list[Any]]] = [
    ((3,), [Shard(0)]),
    ((3,), [Shard(1)]),
    ((4,), [Shard(-1)]),
    ((2, 3), [Shard(0), Shard(0)]),
    ((2, 3), [Shard(1), Shard(0)]),
    ((2, 2), [Replicate(), Shard(0)]),
    ((2, 2), [_StridedShard(0, split_factor=2), Shard(0)]),
    ((3, 2), [_StridedShard(0, split_factor=2), Shard(0)]),
    ((2, 2), [_StridedShard(0, split_factor=3), Replicate()]),
    ((4,), [_StridedShard(0, split_factor=2)]),
    ((4,), [_StridedShard(1, split_factor=3)]),
    ((2, 2), [_StridedShard(1, split_factor=2), Shard(1)]),
    ((2, 2, 2), [_StridedShard(0, split_factor=4), _StridedShard(0, split_factor=2), Shard(0)]),
    ((2, 2, 2), [_StridedShard(0, split_factor=2), Shard(1), Shard(0)]),
]


@pytest.mark.parametrize(("mesh", "placements"), LAYOUTS, ids=str)
def test_a_rank_is_told_to_hold_what_torch_gives_it(mesh: tuple[int, ...], placements: list[Any]) -> None:
    """Sizes that ranks divide, and such that they do not, down to ranks that hold nothing."""
    ranks = torch.Size(mesh).numel()
    for shape in ((16, 24), (7, 5), (1, 2), (9, 13), (3, 8)):
        for rank in RANDOM.sample(range(ranks), min(ranks, 3)):
            local, told = cut(shape, mesh, placements, rank)
            assert torch.equal(local, told), (shape, rank, local, told)


def test_sums_are_refused() -> None:
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    try:
        found = DTensor.from_local(torch.zeros(4), init_device_mesh("cpu", (2,)), [Partial()])
        with pytest.raises(ValueError, match="cannot be filled"):
            local_parts(found)
    finally:
        dist.destroy_process_group()
