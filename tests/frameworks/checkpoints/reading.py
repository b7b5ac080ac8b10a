"""One rank of several: torch's distributed reader puts checkpoints into sharded models, of which it prints digests.

    torchrun --nproc-per-node 2 reading.py SPEC FOLDER SPEC FOLDER …

The first rank prints a line of JSON for each: the SHA-256 of every array, put together of what the ranks hold.
"""

import hashlib
import json
import os
import sys
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed import init_device_mesh
from torch.distributed.checkpoint import HuggingFaceStorageReader, load
from torch.distributed.fsdp import fully_shard
from transformers import AutoConfig, AutoModelForCausalLM


def sharded(spec: dict[str, Any]) -> nn.Module:
    """Return a spec's model, sharded over all ranks, with memory in which nothing stands."""
    config = AutoConfig.for_model(spec["recipe"], **spec["config"])
    with torch.device("meta"):
        model: nn.Module = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, spec["dtype"]))
    fully_shard(model, mesh=init_device_mesh("cpu", (dist.get_world_size(),)))
    return model.to_empty(device="cpu")


def digests(model: nn.Module) -> dict[str, str]:
    found = {}
    for name, parameter in model.named_parameters():
        whole: torch.Tensor = parameter.full_tensor()  # type: ignore[attr-defined]
        found[name] = hashlib.sha256(whole.detach().reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()
    return found


def main(asked: list[str]) -> None:
    dist.init_process_group("gloo")
    for text, folder in zip(asked[::2], asked[1::2], strict=True):
        model = sharded(json.loads(text))
        load(dict(model.named_parameters()), storage_reader=HuggingFaceStorageReader(folder, thread_count=2))
        told = json.dumps(digests(model))
        if dist.get_rank() == 0:
            sys.stdout.write(told + "\n")
    dist.barrier()
    sys.stdout.flush()
    os._exit(0)  # as in tests/frameworks/clients/ranks.py


if __name__ == "__main__":
    main(sys.argv[1:])
