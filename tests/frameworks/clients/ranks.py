"""One rank of several: fills a model whose parameters are sharded in a few ways, and writes the whole."""

import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from initserve import torch as initserve_torch
from initserve.lazy import Key, LazyArray
from numpy.typing import NDArray
from torch import nn
from torch.distributed import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from tests.frameworks.clients.test_torch import net

WAYS = {"1": ColwiseParallel(), "5": RowwiseParallel()}
fetched: list[int] = []


def counting(model: nn.Module) -> None:
    """Fill it; of what is sharded no rank may fetch more than its part."""
    fetched.clear()
    initserve_torch.init_(model, seed=9)
    held = sum(each.to_local().numel() if hasattr(each, "to_local") else each.numel() for each in model.parameters())
    assert sum(fetched) == held, (sum(fetched), held)


def main(folder: Path) -> None:
    dist.init_process_group("gloo")
    ranks = dist.get_world_size()
    take = LazyArray.read_into

    def watched(self: LazyArray, out: NDArray[Any], key: Key = ...) -> None:
        take(self, out, key)
        fetched.append(out.size)

    LazyArray.read_into = watched  # type: ignore[method-assign]
    models = {"fsdp": net(), "tensor": net()}
    with torch.device("meta"):
        models["meta"] = net()
    for name in ("fsdp", "meta"):
        fully_shard(models[name], mesh=init_device_mesh("cpu", (ranks,)))
    parallelize_module(models["tensor"], init_device_mesh("cpu", (ranks,)), WAYS)
    if ranks == 4:
        mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "tensor"))
        models["both"] = parallelize_module(net(), mesh["tensor"], WAYS)
        fully_shard(models["both"], mesh=mesh["data"])
        kinds = {type(each).__name__ for it in models["both"].parameters() for each in it.placements}  # type: ignore[attr-defined]
        assert "_StridedShard" in kinds, kinds
    for way, model in models.items():
        counting(model)
        whole = {
            name: (each.full_tensor() if hasattr(each, "full_tensor") else each).detach()
            for name, each in model.named_parameters()
        }
        if dist.get_rank() == 0:
            torch.save(whole, folder / f"{way}.pt")
    dist.barrier()
    sys.stderr.flush()
    os._exit(0)  # torch's own way out ends its threads in no order: a rank in a few hundred aborts after all is done


if __name__ == "__main__":
    main(Path(sys.argv[1]))
