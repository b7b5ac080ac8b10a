"""Recurrent layers: gates are told by how many matrices of the state's width stand in one array."""

import re

from service.networks.layers.listed import Taken
from service.networks.telling.module import Module, group, layer_of, unbiased
from service.networks.telling.told import Group

CELLS = {1: "simple_rnn", 3: "gru", 4: "lstm"}  # by the number of gates
TORCH = re.compile(r"weight_ih(?:_l(\d+)(_reverse)?)?")


def torch_recurrent(module: Module) -> Group | None:
    """Return torch's RNN, LSTM or GRU, in layers and directions, or a single cell of theirs."""
    found = [match for match in map(TORCH.fullmatch, module.shapes) if match]
    if not found:
        return None
    cell = found[0][1] is None
    end = "" if cell else "_l0"
    inputs, state = (module.shapes.get(f"weight_{each}{end}", ()) for each in ("ih", "hh"))
    if len(inputs) != 2 or len(state) != 2:
        return None
    narrowed = module.shapes.get("weight_hr_l0", ())
    units = narrowed[-1] if narrowed else state[1]
    kind = CELLS.get(state[0] // units) if units and state[0] % units == 0 else None
    if kind is None:
        return None
    members = {"projection": state[1]} if narrowed else {}
    members |= {} if cell or len(found) == 1 else {"num_layers": 1 + max(int(match[1]) for match in found)}
    members |= {"bidirectional": True} if any(match[2] for match in found) else {}
    layer = layer_of(kind, shape=[inputs[1], units], **members, **unbiased(f"bias_ih{end}" in module.shapes))
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    shown = {f"{each}_l0": each for each in parts} if cell else {}
    why = f"weight_ih and weight_hh with {state[0] // units} gates: {kind}"
    return group(module, layer, {"": Taken("recurrent", why)}, shown)


KERAS = re.compile(r"(?:(lstm|gru|simple_rnn)_cell/)?recurrent_kernel")


def keras_recurrent(module: Module) -> Group | None:
    """Return Keras's SimpleRNN, LSTM or GRU, or its cell by itself."""
    name = next((name for name in module.shapes if KERAS.fullmatch(name)), None)
    if name is None:
        return None
    before, state = name.removesuffix("recurrent_kernel"), module.shapes[name]
    inputs = module.shapes.get(f"{before}kernel", ())
    if len(state) != 2 or len(inputs) != 2:
        return None
    kind = CELLS.get(state[1] // state[0]) if state[1] % state[0] == 0 else None
    if kind is None:
        return None
    layer = layer_of(kind, shape=[inputs[0], state[0]], **unbiased(f"{before}bias" in module.shapes))
    shown = {f"{kind}_cell/{each}": f"{before}{each}" for each in ("kernel", "recurrent_kernel", "bias")}
    shown = {usual: own for usual, own in shown.items() if usual != own and own in module.shapes}
    why = f"kernel and recurrent_kernel with {state[1] // state[0]} gates: {kind}"
    return group(module, layer, {"": Taken("recurrent", why)}, shown)


FLAX = {"lstm": "ii/kernel", "gru": "iz/kernel", "simple_rnn": "i/kernel"}


def flax_recurrent(module: Module) -> Group | None:
    """Return Flax's SimpleCell, LSTMCell or GRUCell."""
    for kind, first in FLAX.items():
        shape = module.shapes.get(first, ())
        if len(shape) == 2:
            biased = any(name.endswith("/bias") for name in module.shapes)
            layer = layer_of(kind, shape=list(shape), **unbiased(biased))
            found = group(module, layer, {"": Taken("recurrent", f"the gates of Flax's cell: {kind}")})
            if found is not None:
                return found
    return None
