"""Recurrent networks: what a state keeps over time."""

from typing import Any

from tests.analysis.literature.drawing import Layers, Net, constant, normal
from tests.analysis.literature.rows import Row

FORGET = "Jozefowicz, Zaremba, Sutskever 2015, An empirical exploration of recurrent architectures, 5"


def reader(kind: str, **more: Any) -> Layers:
    """Put a cell that reads a sequence of vectors, and a dense layer on what it gives at every step."""
    net = Net()
    x = net.put(kind, "input", shape=[8, 32], **more)
    net.dense(x, 32, 4)
    return net.layers


def model(kind: str, layers: int, **more: Any) -> Layers:
    """Put a language model: embedded words, cells, a dense layer back to words."""
    net = Net()
    x = net.put("embedding", "input", shape=[20, 32], **({"scheme": more["scheme"]} if "scheme" in more else {}))
    for _ in range(layers):
        x = net.put(kind, x, shape=[32, 32], **more)
    net.dense(x, 32, 20, **({"scheme": more["scheme"]} if "scheme" in more else {}))
    return net.layers


TENTH = {"name": "random_uniform", "minval": -0.1, "maxval": 0.1}
ROWS = [
    Row("LSTM, forget bias 1", FORGET, "normal", reader("lstm", bias="unit_forget_bias"), (10, 8), 200, long=True),
    Row("LSTM, chrono", "Tallec and Ollivier 2018, Can recurrent neural networks warp time?, 2", "normal",
        reader("lstm", bias={"name": "chrono", "longest": 20}), (10, 8), 200, long=True),
    Row("a language model within 0.1", "Zaremba, Sutskever, Vinyals 2014, RNN regularization, 4.1", "normal",
        model("lstm", 2, scheme=TENTH, recurrent_scheme=TENTH), (8,), 300, "adam", 1e-2, long=True),
    Row("GRU, orthogonal", "Cho et al. 2014, Learning phrase representations, A.1", "normal",
        reader("gru", recurrent_scheme="orthogonal"), (10, 8), 200, long=True),
    Row("identity and relu", "Le, Jaitly, Hinton 2015, A simple way to initialize recurrent networks", "normal",
        reader("simple_rnn", activation="relu", scheme=normal(0.05), recurrent_scheme="identity"), (10, 8), 100),
    Row("tanh, orthogonal", "Henaff, Szlam, LeCun 2016, Recurrent orthogonal networks, 3", "normal",
        reader("simple_rnn", activation="tanh", recurrent_scheme="orthogonal"), (10, 8), 100, long=True),
    Row("relu, spectral radius 4", "Pascanu, Mikolov, Bengio 2013, On the difficulty of training RNNs, 2.1", "steep",
        reader("simple_rnn", activation="relu", recurrent_scheme={"name": "orthogonal", "gain": 4.0}), (20, 8), 40),
    Row("LSTM of zeros, head too", "Goodfellow et al. 2016, Deep Learning, 8.4", "dead",
        [each | {"scheme": "zeros"} for each in reader("lstm", recurrent_scheme="zeros")], (10, 8), 20),
    Row("LSTM of tenths", "Goodfellow et al. 2016, Deep Learning, 8.4", "symmetric",
        [each | {"scheme": constant(0.1)} for each in reader("lstm", recurrent_scheme=constant(0.1))], (10, 8), 20),
]  # fmt: skip
