"""Joins modules that are parts of one layer: attention's projections, a cell's gates, factors of a low-rank update."""

import re

from service.networks.layouts import SEPARATOR, Layout
from service.networks.telling.told import Listed

Modules = dict[str, dict[str, Listed]]
FLAX_GATES = (
    ("ii", "if", "ig", "io", "hi", "hf", "hg", "ho"),  # LSTM
    ("ir", "iz", "in", "hr", "hz", "hn"),  # GRU
    ("i", "h"),  # the simple cell
)
CELL = re.compile(r"(lstm|gru|simple_rnn)_cell")
PROJECTIONS = ("query", "key", "value")
OUTPUTS = {"keras": "attention_output", "flax": "out"}
HEADED = 3  # axes of a projection to heads


def join(modules: Modules, layout: Layout) -> None:
    """Move the tensors of parts into the module that they are parts of, under names with the part's before."""
    if layout == "pytorch":
        join_torch(modules)
        return
    for path in list(modules):
        above, _, own = path.rpartition("/")
        if layout == "keras" and own == "vars":
            move(modules, above, ("vars",), "/")
        if layout == "keras" and CELL.fullmatch(own) and "recurrent_kernel" in modules[path] and above not in modules:
            move(modules, above, (own,), "/")
        if own == "query":
            join_attention(modules, above, layout)
        if layout == "flax" and own in ("ii", "ir", "i"):
            join_gates(modules, above)


def join_torch(modules: Modules) -> None:
    for path, tensors in list(modules.items()):
        if tensors.keys() & {"in_proj_weight", "q_proj_weight"}:
            move(modules, path, ("out_proj",), ".")
        below = {f"{path}.lora_A", f"{path}.lora_B"} if path else {"lora_A", "lora_B"}
        if (
            "weight" in tensors
            and below <= modules.keys()
            and all(modules[each].keys() == {"weight"} for each in below)
        ):
            move(modules, path, ("lora_A", "lora_B"), ".")


def join_attention(modules: Modules, path: str, layout: Layout) -> None:
    """Join projections to heads, and the one back, if they are all there."""
    parts = [*PROJECTIONS, OUTPUTS[layout]]
    found = [modules.get(below(path, part)) for part in parts]
    if all(each is not None and "kernel" in each and len(each["kernel"].shape) == HEADED for each in found):
        move(modules, path, tuple(parts), SEPARATOR[layout])


def join_gates(modules: Modules, path: str) -> None:
    for gates in FLAX_GATES:
        if all(below(path, gate) in modules for gate in gates if not (gate.startswith("h") and len(gates) > len("ih"))):
            move(modules, path, tuple(gate for gate in gates if below(path, gate) in modules), "/")
            return


def below(path: str, part: str) -> str:
    return f"{path}/{part}" if path else part


def move(modules: Modules, path: str, parts: tuple[str, ...], separator: str) -> None:
    whole = modules.setdefault(path, {})
    for part in parts:
        for name, tensor in modules.pop(f"{path}{separator}{part}" if path else part, {}).items():
            whole[f"{part}{separator}{name}"] = tensor
