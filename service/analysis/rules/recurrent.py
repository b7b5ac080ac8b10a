"""Recurrent layers, which return every step."""

from typing import Any

import numpy as np

from service.analysis import tape
from service.analysis.functions import FUNCTIONS
from service.analysis.rules.rule import Weights
from service.analysis.tape import Node
from service.networks.layers.recurrent import Place


def recurrent(layer: Any, weights: Weights, x: Node) -> Node:
    """(batch, steps, in) -> (batch, steps, units), or twice as many where it reads both ways."""
    places = list(layer.places())
    ways = 2 if layer.bidirectional else 1
    for first in range(0, len(places), ways):
        x = tape.join([run_cell(layer, places[first + way], weights, x, way == 1) for way in range(ways)], -1)
    return x


def run_cell(layer: Any, place: Place, weights: Weights, x: Node, backwards: bool) -> Node:
    kernel, recur = weights[f"{place.keras}kernel"], weights[f"{place.keras}recurrent_kernel"]
    bias = weights.get(f"{place.keras}bias")
    batch, steps, _ = x.value.shape
    units, step = layer.shape[1], CELLS[layer.gating.name]
    inner = None
    fed = tape.times(x, kernel)
    if bias is not None and layer.gating.two_biases:
        fed, inner = tape.add(fed, tape.select(bias, (0,))), tape.select(bias, (1,))
    elif bias is not None:
        fed = tape.add(fed, bias)
    state = memory = tape.constant(np.zeros((batch, units), x.value.dtype))
    outputs: list[Node] = []
    for time in range(steps)[:: -1 if backwards else 1]:
        recalled = tape.times(state, recur)
        recalled = recalled if inner is None else tape.add(recalled, inner)
        here = tape.select(fed, (slice(None), time))
        state, memory = step(layer.activation, units, here, recalled, state, memory)
        outputs.append(state)
    return tape.stack(outputs[:: -1 if backwards else 1], 1)


def gate(a: Node, units: int, number: int) -> Node:
    return tape.select(a, (slice(None), slice(number * units, (number + 1) * units)))


def simple_step(activation: str, units: int, fed: Node, recalled: Node, state: Node, memory: Node) -> tuple[Node, Node]:
    return tape.apply(FUNCTIONS[activation], tape.add(fed, recalled)), memory


def lstm_step(activation: str, units: int, fed: Node, recalled: Node, state: Node, memory: Node) -> tuple[Node, Node]:
    """Gates in Keras's order: input, forget, cell, output."""
    total = tape.add(fed, recalled)
    enter, keep, leave = (tape.apply(FUNCTIONS["sigmoid"], gate(total, units, number)) for number in (0, 1, 3))
    candidate = tape.apply(FUNCTIONS[activation], gate(total, units, 2))
    memory = tape.add(tape.multiply(keep, memory), tape.multiply(enter, candidate))
    return tape.multiply(leave, tape.apply(FUNCTIONS[activation], memory)), memory


def gru_step(activation: str, units: int, fed: Node, recalled: Node, state: Node, memory: Node) -> tuple[Node, Node]:
    """Gates in Keras's order: update, reset, candidate; the reset gate comes after the recurrent kernel."""
    update, reset = (
        tape.apply(FUNCTIONS["sigmoid"], tape.add(gate(fed, units, number), gate(recalled, units, number)))
        for number in (0, 1)
    )
    past = tape.multiply(reset, gate(recalled, units, 2))
    candidate = tape.apply(FUNCTIONS[activation], tape.add(gate(fed, units, 2), past))
    change = tape.add(state, tape.scaled(candidate, -1.0))
    return tape.add(candidate, tape.multiply(update, change)), memory


CELLS = {"simple_rnn": simple_step, "lstm": lstm_step, "gru": gru_step}
