"""The safetensors file, written here because the library orders its metadata by chance and buffers everything.

Eight bytes of header length, a JSON header (keys sorted, padded with spaces to 8 bytes), then the tensors' data
without a gap: in the plan's order, but wider dtypes first, so that each begins at a multiple of its elements' size.
"""

import json
from collections.abc import Sequence

from service.formats.payload import Include, Known, Payload, raw
from service.networks.plan import Plan, PlannedParameter
from service.stream.dtypes import DTYPES

ALIGNMENT = 8
MEAN, COUNT = "running_mean", 8  # bytes of an integer


def counters(parameters: Sequence[PlannedParameter]) -> list[str]:
    """Return the names of the counts of batches that torch keeps beside running means: integers that start at 0."""
    means = (each.key for each in parameters if each.array.layout == "pytorch" and each.name == MEAN)
    return [key.removesuffix(MEAN) + "num_batches_tracked" for key in means]


def header(plan: Plan, parameters: Sequence[PlannedParameter], counts: Sequence[str] = ()) -> bytes:
    """Return length and JSON of a file with these counts and of a plan's parameters, in the order of their data.

    The metadata holds algorithm and spec.

    Where keys and shapes are PyTorch's, `format` says so, as the library's own torch.save_file has it.
    """
    metadata = {"algorithm": plan.algorithm, "spec": plan.canonical_json()}
    if not plan.exact:
        metadata["exact"] = "false"
    if plan.layout == "pytorch":
        metadata["format"] = "pt"  # without it transformers reads nothing
    entries: dict[str, object] = {"__metadata__": metadata}
    offset = 0
    for count in counts:
        entries[count] = {"dtype": "I64", "shape": [], "data_offsets": [offset, offset + COUNT]}
        offset += COUNT
    for parameter in parameters:
        end = offset + parameter.bytes
        entries[parameter.key] = {
            "dtype": DTYPES[parameter.dtype].safetensors,
            "shape": list(parameter.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def encode(plan: Plan, include: Include) -> Payload:
    return encode_some(plan, plan.parameters)


def encode_some(plan: Plan, parameters: Sequence[PlannedParameter], counted: bool = False) -> Payload:
    """Return a file with these of a plan's parameters, and with torch's counts of batches where it is to be counted."""
    aligned = sorted(parameters, key=lambda parameter: -DTYPES[parameter.dtype].size)
    counts = counters(aligned) if counted else []
    known = [Known(header(plan, aligned, counts)), *([Known(bytes(COUNT * len(counts)))] if counts else [])]
    return Payload([*known, *(raw(parameter) for parameter in aligned)])
