"""The matrices of all experts of a mixture in one array: which of their axes are inputs."""

import re

from service.networks.layers.listed import Taken
from service.networks.telling.module import UNKNOWN_START, Module, bare
from service.networks.telling.told import Doubt, Group
from service.stream.views import Shape

NAMES = re.compile(r"(proj|weight|w\d|_in|_out|linear|mlp|wi|wo|fc\d)(_?\d|_weight)?$")
BACK = re.compile(r"down|out|w2|wo|fc2|linear_2|proj_2")  # what leads back to the model's width
STACK = 3  # axes


def experts(module: Module, name: str) -> Group | None:
    """Return the matrices of all experts; their orientation is told by the widths of other arrays."""
    shape = module.shapes[name]
    own = name.rpartition(".")[2].rpartition("/")[2].lower()
    if len(shape) < STACK or "bias" in own or not of_experts(module) or not NAMES.search(own):
        return None
    *_, first, second = shape
    if first == second:
        return bare(module, name, Taken("expert", "experts of square matrices"), fans=(second, first))
    turned = outputs_last(module, name, shape)
    if turned:
        return bare(module, name, Taken("expert", "experts of (in, out), as their widths say"), fans=(first, second))
    doubt = None
    if turned is None:
        doubt = Doubt(UNKNOWN_START, "matrices of experts, (out, in) here: nothing tells which axis is which")
    return bare(module, name, Taken("expert", "experts of (out, in)"), fans=(second, first), doubt=doubt)


def of_experts(module: Module) -> bool:
    return "expert" in module.path.lower() or any("expert" in name.lower() for name in module.shapes)


def outputs_last(module: Module, name: str, shape: Shape) -> bool | None:
    """Return whether experts are (in, out): by their bias, by the model's width, by each other; None if untold."""
    first, second = shape[-2:]
    for beside, other in module.shapes.items():
        if beside != name and beside.startswith(name) and "bias" in beside and other[-1] in (first, second):
            return other[-1] == second
    back = BACK.search(name.lower()) is not None
    known = [size for size in (first, second) if size in module.evidence.widths]
    if len(known) == 1:
        return (known[0] == second) == back
    return by_others(module, name, shape, back)


def by_others(module: Module, name: str, shape: Shape, back: bool) -> bool | None:
    """Return the same by the matrices that lead the other way: their outputs are these's inputs."""
    first, second = shape[-2:]
    for beside, other in module.shapes.items():
        if len(other) == len(shape) and other[0] == shape[0] and (BACK.search(beside.lower()) is None) == back:
            out, into = first == other[-1], second == other[-2]
            if out != into:
                return into if back else out
    return None
