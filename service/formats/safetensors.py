"""The safetensors file, written here because the library orders its metadata by chance and buffers everything.

Eight bytes of header length, a JSON header (keys sorted, padded with spaces to 8 bytes), then the tensors' data
without a gap: in the plan's order, but wider dtypes first, so that each begins at a multiple of its elements' size.
"""

import json
from collections.abc import Sequence

from service import stopping
from service.formats.payload import Include, Known, Payload, raw
from service.networks.plan import Plan, PlannedParameter
from service.stream.dtypes import DTYPES
from service.stream.views import Shape

ALIGNMENT = 8
LONGEST_SPEC = 2**20  # characters of a spec that a file holds
MEAN, COUNT = "running_mean", 8  # bytes of an integer


def counters(parameters: Sequence[PlannedParameter]) -> list[str]:
    """Return the names of the counts of batches that torch keeps beside running means: integers that start at 0."""
    means = (each.key for each in parameters if each.array.layout == "pytorch" and each.name == MEAN)
    return [key.removesuffix(MEAN) + "num_batches_tracked" for key in means]


def header(plan: Plan, parameters: Sequence[PlannedParameter], counts: Sequence[str] = ()) -> bytes:
    """Return length and JSON of a file with these counts and of a plan's parameters, in the order of their data.

    The metadata holds algorithm and spec, the digest alone of one that would be most of the file's header: a large
    model has it in each of many shards.

    Where keys and shapes are PyTorch's, `format` says so, as the library's own torch.save_file has it.
    """
    text = plan.canonical_json()
    spec = {"spec": text} if len(text) <= LONGEST_SPEC else {"spec_sha256": plan.digest}
    metadata = {"algorithm": plan.algorithm, **spec}
    if not plan.exact:
        metadata["exact"] = "false"
    if plan.layout == "pytorch":
        metadata["format"] = "pt"  # without it transformers reads nothing
    entries = {"__metadata__": json.dumps(metadata, sort_keys=True, separators=(",", ":"))}
    offset = 0
    for count in counts:
        entries[count] = entry("I64", (), offset, offset + COUNT)
        offset += COUNT
    for parameter in parameters:
        stopping.check()
        end = offset + parameter.bytes
        entries[parameter.key] = entry(DTYPES[parameter.dtype].safetensors, parameter.shape, offset, end)
        offset = end
    found = f"{{{','.join(f'{json.dumps(name)}:{entries[name]}' for name in sorted(entries))}}}".encode()
    found += b" " * (-len(found) % ALIGNMENT)
    return len(found).to_bytes(8, "little") + found


def entry(dtype: str, shape: Shape, start: int, end: int) -> str:
    """Return what a header says of a tensor: written one by one, so that other threads have their turns."""
    return f'{{"data_offsets":[{start},{end}],"dtype":"{dtype}","shape":[{",".join(map(str, shape))}]}}'


def encode(plan: Plan, include: Include) -> Payload:
    return encode_some(plan, plan.parameters)


def encode_some(plan: Plan, parameters: Sequence[PlannedParameter], counted: bool = False) -> Payload:
    """Return a file with these of a plan's parameters, and with torch's counts of batches where it is to be counted."""
    aligned = sorted(parameters, key=lambda parameter: -DTYPES[parameter.dtype].size)
    counts = counters(aligned) if counted else []
    known = [Known(header(plan, aligned, counts)), *([Known(bytes(COUNT * len(counts)))] if counts else [])]
    return Payload([*known, *(raw(parameter) for parameter in aligned)])
