"""FSDP2: a model that stands nowhere whole; each rank asks the service for its shards, and no file is written.

torchrun --nproc-per-node 4 examples/fsdp.py examples/llama.json [--replicas 2] [--checkpoint FOLDER]
"""

import torch.distributed as dist
from initserve import Client
from initserve.torch import fill_
from ranks import arguments, in_groups, on_meta, tell
from torch.distributed.fsdp import fully_shard

parser = arguments("Fill a model that FSDP2 shards over all ranks.")
parser.add_argument("--replicas", type=int, default=1, help="groups of ranks that hold the same (HSDP)")
told = parser.parse_args()

dist.init_process_group("gloo")
mesh = in_groups(told.replicas, ("replicate", "shard"))
model = on_meta(told.spec)
for module in list(model.modules()):
    if type(module).__name__ in model._no_split_modules:  # its blocks
        fully_shard(module, mesh=mesh)
fully_shard(model, mesh=mesh)

with Client(told.url) as client:
    fill_(model, told.spec, client=client)
tell(model, told)
dist.destroy_process_group()
