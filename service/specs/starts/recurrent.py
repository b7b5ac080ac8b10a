"""Networks of recurrent layers: a language model of words."""

from service.networks.families.wiring import STEPS, Network, Wiring
from service.specs.starts.layers import Model, dense, rule, table, uniform


def lstm_lm(words: int, width: int, depth: int, reach: float, throughout: bool) -> Model:
    """Language model of LSTM layers: everything U(±0.1), wider models less; or the layers alone as torch starts them.

    The first sizes are Zaremba et al.'s, who draw every weight and bias from one law. `word_language_model` is
    PyTorch's example, by whose names all go: tables U(±0.1), the LSTM U(±1 / √units), the last bias 0.
    """
    lstm = {"name": "rnn", "type": "lstm", "shape": [width, width], "num_layers": depth}
    layers = [table("encoder", words, width), lstm, dense("decoder", width, words)]
    if throughout:
        return layers, [uniform("*", reach)]
    rules = [uniform("encoder/embeddings", reach), uniform("rnn/*", width**-0.5), uniform("decoder/kernel", reach)]
    return layers, [*rules, rule("decoder/bias", "zeros")]


def of_lstm_lm(words: int, width: int, depth: int, reach: float, throughout: bool) -> Network:
    w = Wiring(input=[STEPS])
    w.weighted("decoder", w.weighted("rnn", w.weighted("encoder", "input")))
    return w.written()
