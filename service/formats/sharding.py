"""A checkpoint in shards: which file each tensor stands in, known before a number is drawn.

Tensors are taken in the plan's order, as many into a shard as fit; one that is too large for any has its own. It is
the rule of huggingface_hub's split_state_dict_into_shards, but that a single shard is numbered too.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from service.formats.payload import Known, Payload
from service.formats.safetensors import counters
from service.networks.plan import Plan, PlannedParameter

SHARD_BYTES = 5 * 10**9
LARGEST_SHARD_BYTES = 10**15
STEM = "model"  # of the files' names
STEMS = {"diffusers": "diffusion_pytorch_model"}  # by the library that looks for them, where they are others
INDEX = f"{STEM}.safetensors.index.json"


class Shard(NamedTuple):
    name: str
    parameters: Sequence[PlannedParameter]


def shards(plan: Plan, shard_bytes: int, stem: str = STEM) -> list[Shard]:
    """Return the files, each with its tensors, none of more than `shard_bytes` bytes of them unless it has only one."""
    found: list[list[PlannedParameter]] = []
    last: list[PlannedParameter] = []
    size = 0
    for parameter in plan.parameters:
        more = parameter.bytes
        if more > shard_bytes:  # before the shard that is not full yet
            found.append([parameter])
            continue
        if last and size + more > shard_bytes:
            found.append(last)
            last, size = [], 0
        last.append(parameter)
        size += more
    found += [last] if last else []
    return [Shard(name_of(number, len(found), stem), each) for number, each in enumerate(found, 1)]


def stem_of(library: str | None) -> str:
    """Return what files' names begin with where this library, if any, looks for them."""
    return STEMS.get(library or "", STEM)


def name_of(number: int, count: int, stem: str) -> str:
    return f"{stem}-{number:05d}-of-{count:05d}.safetensors"


def shard_of(plan: Plan, shard_bytes: int, stem: str = STEM, counted: bool = False) -> dict[str, str]:
    """Return the name of the file that each tensor stands in, by the tensor's; counts of batches too where asked."""
    found: dict[str, str] = {}
    for shard in shards(plan, shard_bytes, stem):
        counts = counters(shard.parameters) if counted else []
        found |= dict.fromkeys([*(each.key for each in shard.parameters), *counts], shard.name)
    return found


def encode_index(plan: Plan, shard_bytes: int, stem: str = STEM, counted: bool = False) -> Payload:
    """Return model.safetensors.index.json as the Hub's libraries write it."""
    index = {"metadata": {"total_size": plan.bytes}, "weight_map": shard_of(plan, shard_bytes, stem, counted)}
    return Payload([Known(json.dumps(index, indent=2, sort_keys=True).encode() + b"\n")])
