"""Activations: which scheme each recommends for the weights before it, and why.

To add one, add a row to ACTIVATIONS; other frameworks' names for the same function are rows of ALIASES.
"""

from dataclasses import dataclass

SQRT_2 = 2.0**0.5


@dataclass(frozen=True, slots=True)
class Activation:
    """`scheme` keeps magnitudes stable through a layer with this activation; `because` says on whose word.

    Gains are deviations of the weights, times the square root of fan_in, for standard normal inputs x and the function
    f: `gain` = 1 / sqrt(E f(x)^2) keeps the second moment (as He), `gain_std` = 1 / sqrt(Var f(x)) the variance (for
    weights without a mean), `gain_back` = 1 / sqrt(E f'(x)^2) that of derivatives; `torch` is calculate_gain's number.
    """

    scheme: str
    because: str
    gain: float = 1.0
    gain_std: float = 1.0
    gain_back: float = 1.0
    torch: float | None = None


GLOROT = "Glorot and Bengio 2010"
HE = "He et al. 2015"
RECTIFIER = "half of its inputs are cut, as by relu: He et al. 2015"

ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation("glorot_uniform", GLOROT, 1, 1, 1, 1.0),
    "softmax": Activation("glorot_uniform", f"an output layer: {GLOROT}", 1, 1, 1),
    "tanh": Activation("glorot_uniform", GLOROT, 1.59254, 1.59254, 1.46741, 5 / 3),
    "sigmoid": Activation("glorot_uniform", GLOROT, 1.84623, 4.80131, 4.72265, 1.0),
    "softsign": Activation("glorot_uniform", GLOROT, 2.33753, 2.33753, 2.09578),
    "hard_tanh": Activation(
        "glorot_uniform", f"odd and near-linear at 0, as tanh: {GLOROT}", 1.39204, 1.39204, 1.21029
    ),
    "hard_sigmoid": Activation("glorot_uniform", f"as sigmoid: {GLOROT}", 1.89784, 6.01503, 6.00812),
    "tanhshrink": Activation("glorot_uniform", f"odd, as tanh: {GLOROT}", 2.33837, 2.33837, 1.98814),
    "sin": Activation("glorot_uniform", f"odd and near-linear at 0, as tanh: {GLOROT}", 1.52087, 1.52087, 1.32725),
    "exp": Activation("glorot_uniform", f"no scheme is made for it: {GLOROT}", 0.36788, 0.46271, 0.36788),
    "softplus": Activation(
        "glorot_uniform", f"its output has a mean that no scheme removes: {GLOROT}", 1.04187, 1.91913, 1.84623
    ),
    "log_sigmoid": Activation(
        "glorot_uniform", f"its output has a mean that no scheme removes: {GLOROT}", 1.04187, 1.91913, 1.84623
    ),
    "relu": Activation("he_normal", HE, 1.41421, 1.71286, 1.41421, SQRT_2),
    "relu6": Activation("he_normal", f"relu, cut at 6: {HE}", 1.41421, 1.71286, 1.41421),
    "leaky_relu": Activation("he_normal", HE, 1.41414, 1.70483, 1.41414),
    "prelu": Activation("he_normal", HE, 1.37199, 1.50461, 1.37199),
    "squared_relu": Activation("he_normal", RECTIFIER, 0.8165, 0.89443, 0.70711),
    "elu": Activation("he_normal", f"near relu: {HE}; Clevert et al. 2016", 1.2452, 1.27084, 1.22343),
    "celu": Activation("he_normal", f"near relu: {HE}; Barron 2017", 1.2452, 1.27084, 1.22343),
    "gelu": Activation("he_normal", f"near relu: {HE}; Hendrycks and Gimpel 2016", 1.53353, 1.70093, 1.48111),
    "quick_gelu": Activation("he_normal", f"near gelu: {HE}", 1.53946, 1.70936, 1.49146),
    "silu": Activation("he_normal", f"near relu: {HE}; Ramachandran et al. 2017", 1.67653, 1.78719, 1.62332),
    "mish": Activation("he_normal", f"near relu: {HE}; Misra 2019", 1.48685, 1.59203, 1.44476),
    "hard_swish": Activation("he_normal", f"near silu: {HE}; Howard et al. 2019", 1.73666, 1.81387, 1.67008),
    "selu": Activation(
        "lecun_normal", "self-normalising with variance 1 / fan_in: Klambauer et al. 2017", 1.0, 1.0, 0.96603, 0.75
    ),
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
