"""One rank of WORLD_SIZE: fills its shards of the Llama of filling.py, and rank 0 prints how long all of them took."""

import sys
import time

import torch.distributed as dist
from initserve.torch import init_
from torch.distributed import init_device_mesh
from torch.distributed.fsdp import fully_shard

from benchmarks.filling import built


def main() -> None:
    dist.init_process_group("gloo")
    model = built("meta")
    fully_shard(model, mesh=init_device_mesh("cpu", (dist.get_world_size(),)))
    init_(built("meta").lm_head, seed=1)  # compiled code is loaded, threads are there
    dist.barrier()
    start = time.perf_counter()
    init_(model, seed=time.time_ns())
    dist.barrier()
    if dist.get_rank() == 0:
        sys.stdout.write(f"{time.perf_counter() - start}\n")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
