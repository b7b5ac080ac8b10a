"""Recurrent cells elsewhere: their gates' order, and which arrays they join.

Canonical gates are Keras's: a lstm's input, forget, cell, output; a gru's update, reset, candidate.
"""

from service.networks.layers.recurrent import Place, Recurrent
from service.networks.layouts import Arrangement, Cut, Join, Move, Placement, Reshape, Sum, Take

IN_ORDER = {"simple_rnn": (0,), "lstm": (0, 1, 2, 3), "gru": (1, 0, 2)}  # gru: reset, update, candidate
ONNX_GATES = {"simple_rnn": (0,), "lstm": (0, 3, 1, 2), "gru": (0, 1, 2)}  # lstm: iofc; gru: zrh
MLX_NAMES = {
    "simple_rnn": ("Wxh", "Whh", "bias", ""), "lstm": ("Wx", "Wh", "bias", ""), "gru": ("Wx", "Wh", "b", "bhn")
}  # fmt: skip
HAIKU_LSTM = (0, 2, 1, 3)  # i, g, f, o
TENSORFLOW_LSTM = (0, 2, 1, 3)  # i, j, f, o


def gates_of(layer: Recurrent, of: Arrangement, axis: int, order: tuple[int, ...]) -> Arrangement:
    """Return some gates, in an order, of an array that has them side by side along an axis."""
    count = layer.gating.gates
    if order == tuple(range(count)):
        return of
    parts = tuple(Cut(of, axis, gate, count) for gate in order)
    return parts[0] if len(parts) == 1 else Join(parts, axis)


def take(place: Place, name: str) -> Arrangement:
    return Take(f"{place.keras}{name}")


def row(place: Place, number: int) -> Arrangement:
    """Return a gru's bias of the input (0) or of the state (1)."""
    return Reshape(Cut(take(place, "bias"), 0, number, 2), lambda shape: shape[1:])


def both_biases(layer: Recurrent, place: Place) -> tuple[Arrangement, Arrangement]:
    if layer.gating.two_biases:
        return row(place, 0), row(place, 1)
    return take(place, "bias"), take(place, "recurrent_bias")


def rows_first(layer: Recurrent, place: Place, name: str) -> Arrangement:
    return Move(gates_of(layer, take(place, name), 1, IN_ORDER[layer.gating.name]), (1, 0))


def joined_bias(layer: Recurrent, place: Place) -> tuple[Arrangement, Arrangement | None]:
    """Return one bias for all gates, and a gru's other one of the candidate: the reset gate stands between them."""
    first, second = both_biases(layer, place)
    if not layer.gating.two_biases:
        return Sum((first, second)), None
    reset_update = (Sum((Cut(first, 0, gate, 3), Cut(second, 0, gate, 3))) for gate in (1, 0))
    return Join((*reset_update, Cut(first, 0, 2, 3)), 0), Cut(second, 0, 2, 3)


def rows_of_gates(layer: Recurrent, place: Place, names: tuple[str, str, str, str]) -> list[Placement]:
    inputs, state, bias, other = names
    found = [Placement(inputs, rows_first(layer, place, "kernel"))]
    found.append(Placement(state, rows_first(layer, place, "recurrent_kernel")))
    if layer.has_bias:
        one, apart = joined_bias(layer, place)
        found += [Placement(bias, one)] + ([] if apart is None else [Placement(other, apart)])
    return found


def equinox(layer: Recurrent, place: Place) -> list[Placement]:
    return rows_of_gates(layer, place, ("weight_ih", "weight_hh", "bias", "bias_n"))


def mlx(layer: Recurrent, place: Place) -> list[Placement]:
    names = {
        "simple_rnn": ("Wxh", "Whh", "bias", ""),
        "lstm": ("Wx", "Wh", "bias", ""),
        "gru": ("Wx", "Wh", "b", "bhn"),
    }
    return rows_of_gates(layer, place, names[layer.gating.name])


def haiku(layer: Recurrent, place: Place) -> list[Placement]:
    """Return a lstm's as one matrix of inputs and state; a simple cell's as two layers, each with a bias."""
    if layer.gating.name == "simple_rnn":
        found = [Placement("linear/w", take(place, "kernel")), Placement("linear_1/w", take(place, "recurrent_kernel"))]
        if layer.has_bias:
            found += [
                Placement("linear/b", take(place, "bias")),
                Placement("linear_1/b", take(place, "recurrent_bias")),
            ]
        return found
    return one_matrix(layer, place, HAIKU_LSTM, "linear/w", "linear/b")


def one_matrix(layer: Recurrent, place: Place, order: tuple[int, ...], kernel: str, bias: str) -> list[Placement]:
    matrices = (gates_of(layer, take(place, name), 1, order) for name in ("kernel", "recurrent_kernel"))
    found = [Placement(kernel, Join(tuple(matrices), 0))]
    if layer.has_bias and layer.gating.two_biases:
        sums = (Sum(tuple(gates_of(layer, each, 0, (gate,)) for each in both_biases(layer, place))) for gate in order)
        found.append(Placement(bias, Join(tuple(sums), 0)))
    elif layer.has_bias:
        found.append(Placement(bias, gates_of(layer, Sum(both_biases(layer, place)), 0, order)))
    return found


def tensorflow1(layer: Recurrent, place: Place) -> list[Placement]:
    """Return BasicLSTMCell's and BasicRNNCell's one matrix; of a gru, what CudnnCompatibleGRUCell has."""
    if layer.gating.name == "lstm":
        return one_matrix(layer, place, TENSORFLOW_LSTM, "basic_lstm_cell/kernel", "basic_lstm_cell/bias")
    if layer.gating.name == "simple_rnn":
        return one_matrix(layer, place, (0,), "basic_rnn_cell/kernel", "basic_rnn_cell/bias")
    cell = "cudnn_compatible_gru_cell"
    gates = one_matrix(layer, place, (1, 0), f"{cell}/gates/kernel", f"{cell}/gates/bias")
    found = list(gates)
    for number, (side, name) in enumerate((("input", "kernel"), ("hidden", "recurrent_kernel"))):
        prefix = f"{cell}/candidate/{side}_projection"
        found.append(Placement(f"{prefix}/kernel", gates_of(layer, take(place, name), 1, (2,))))
        if layer.has_bias:
            found.append(Placement(f"{prefix}/bias", gates_of(layer, row(place, number), 0, (2,))))
    return found


def onnx(layer: Recurrent, place: Place) -> list[Placement]:
    """Return W, R and B of one direction, with an axis for directions before."""
    order = ONNX_GATES[layer.gating.name]

    def one(of: Arrangement) -> Arrangement:
        return Reshape(of, lambda shape: (1, *shape))

    matrices = (("W", "kernel"), ("R", "recurrent_kernel"))
    found = [
        Placement(name, one(Move(gates_of(layer, take(place, ours), 1, order), (1, 0)))) for name, ours in matrices
    ]
    if layer.has_bias:
        biases = tuple(gates_of(layer, each, 0, order) for each in both_biases(layer, place))
        found.append(Placement("B", one(Join(biases, 0))))
    return found
