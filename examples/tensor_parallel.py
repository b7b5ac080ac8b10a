"""Tensor parallelism: each rank asks the service for its columns and rows of every matrix, and no file is written.

torchrun --nproc-per-node 4 examples/tensor_parallel.py examples/llama.json [--data 2] [--checkpoint FOLDER]
"""

import torch.distributed as dist
from initserve import Client
from initserve.torch import fill_
from ranks import arguments, in_groups, on_meta, tell
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Replicate
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

PLAN = {
    "model.embed_tokens": RowwiseParallel(input_layouts=Replicate()),
    "model.layers.*.self_attn.[qkv]_proj": ColwiseParallel(),
    "model.layers.*.self_attn.o_proj": RowwiseParallel(),
    "model.layers.*.mlp.gate_proj": ColwiseParallel(),
    "model.layers.*.mlp.up_proj": ColwiseParallel(),
    "model.layers.*.mlp.down_proj": RowwiseParallel(),
    "lm_head": ColwiseParallel(output_layouts=Replicate()),
}

parser = arguments("Fill a llama whose matrices are cut over ranks.")
parser.add_argument("--data", type=int, default=1, help="groups of ranks, over which FSDP2 shards what a rank has")
told = parser.parse_args()

dist.init_process_group("gloo")
mesh = in_groups(told.data, ("data", "tensor"))
model = parallelize_module(on_meta(told.spec), mesh["tensor"], PLAN)
if told.data > 1:
    fully_shard(model, mesh=mesh["data"])

with Client(told.url) as client:
    fill_(model, told.spec, client=client)
tell(model, told)
dist.destroy_process_group()
