"""Activations: which scheme each recommends for the weights before it, and why.

To add one, add a row to ACTIVATIONS; other frameworks' names for the same function are rows of ALIASES.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Activation:
    """`scheme` keeps magnitudes stable through a layer with this activation; `because` says on whose word."""

    scheme: str
    because: str


GLOROT = "Glorot and Bengio 2010"
HE = "He et al. 2015"
RECTIFIER = "half of its inputs are cut, as by relu: He et al. 2015"

ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation("glorot_uniform", GLOROT),
    "softmax": Activation("glorot_uniform", f"an output layer: {GLOROT}"),
    "tanh": Activation("glorot_uniform", GLOROT),
    "sigmoid": Activation("glorot_uniform", GLOROT),
    "softsign": Activation("glorot_uniform", GLOROT),
    "hard_tanh": Activation("glorot_uniform", f"odd and near-linear at 0, as tanh: {GLOROT}"),
    "hard_sigmoid": Activation("glorot_uniform", f"as sigmoid: {GLOROT}"),
    "tanhshrink": Activation("glorot_uniform", f"odd, as tanh: {GLOROT}"),
    "sin": Activation("glorot_uniform", f"odd and near-linear at 0, as tanh: {GLOROT}"),
    "exp": Activation("glorot_uniform", f"no scheme is made for it: {GLOROT}"),
    "softplus": Activation("glorot_uniform", f"its output has a mean that no scheme removes: {GLOROT}"),
    "log_sigmoid": Activation("glorot_uniform", f"its output has a mean that no scheme removes: {GLOROT}"),
    "relu": Activation("he_normal", HE),
    "relu6": Activation("he_normal", f"relu, cut at 6: {HE}"),
    "leaky_relu": Activation("he_normal", HE),
    "prelu": Activation("he_normal", HE),
    "squared_relu": Activation("he_normal", RECTIFIER),
    "elu": Activation("he_normal", f"near relu: {HE}; Clevert et al. 2016"),
    "celu": Activation("he_normal", f"near relu: {HE}; Barron 2017"),
    "gelu": Activation("he_normal", f"near relu: {HE}; Hendrycks and Gimpel 2016"),
    "quick_gelu": Activation("he_normal", f"near gelu: {HE}"),
    "silu": Activation("he_normal", f"near relu: {HE}; Ramachandran et al. 2017"),
    "mish": Activation("he_normal", f"near relu: {HE}; Misra 2019"),
    "hard_swish": Activation("he_normal", f"near silu: {HE}; Howard et al. 2019"),
    "selu": Activation("lecun_normal", "self-normalising with variance 1 / fan_in: Klambauer et al. 2017"),
}

ALIASES: dict[str, str] = {
    "identity": "linear",
    "none": "linear",
    "log_softmax": "softmax",
    "swish": "silu",
    "hard_silu": "hard_swish",
    "hardswish": "hard_swish",
    "hardtanh": "hard_tanh",
    "hardsigmoid": "hard_sigmoid",
    "gelu_tanh": "gelu",
    "logsigmoid": "log_sigmoid",
    "leakyrelu": "leaky_relu",
}
