"""The starts that notes on deep learning teach first: constants, small and large weights, Glorot, He.

The claims are those of every course (Goodfellow, Bengio and Courville 2016, chapter 8.4); each row names the paper or
the chapter that has it at greatest length.
"""

from typing import Any

from tests.analysis.literature.drawing import Layers, Net, Scheme, constant, normal
from tests.analysis.literature.rows import Row

BREAKING = "Goodfellow, Bengio, Courville 2016, Deep Learning, 8.4: weights must break symmetry between units"
CONVEX = "Boyd and Vandenberghe 2004, Convex Optimization, 7.1.1: logistic regression is convex"
LEAST_SQUARES = "Boyd and Vandenberghe 2004, Convex Optimization, 1.2.1: least squares are convex"
GLOROT = "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks, "
HE = "He et al. 2015, Delving deep into rectifiers, "
KERAS = "Keras, Dense and Conv2D: kernel_initializer glorot_uniform, bias_initializer zeros"
LECUN = "LeCun, Bottou, Bengio, Haffner 1998, Gradient-based learning applied to document recognition, fig. 2"


def stack(depth: int, activation: str, scheme: Scheme = None, width: int = 32, outputs: int = 4, **more: Any) -> Layers:
    more = more if scheme is None else {**more, "scheme": scheme}
    net = Net()
    net.chain("input", [16, *[width] * (depth - 1), outputs], activation, **more)
    return net.layers


def but(layers: Layers, index: int, **changes: Any) -> Layers:
    return [layer | changes if place == index % len(layers) else layer for place, layer in enumerate(layers)]


def convolutions(scheme: Scheme, activation: str = "relu") -> Layers:
    net = Net()
    more = {} if scheme is None else {"scheme": scheme}
    x = net.conv("input", 3, 8, activation=activation, **more)
    x = net.put("max_pool", x, window=2)
    x = net.conv(x, 8, 16, activation=activation, **more)
    net.dense(net.put("flatten", x), 4 * 4 * 16, 4, **more)
    return net.layers


def lenet(scheme: Scheme = None, activation: str = "tanh") -> Layers:
    """Put LeNet-5's layers for images of 28 x 28, with half of its channels and units."""
    net = Net()
    more = {} if scheme is None else {"scheme": scheme}
    x = net.conv("input", 1, 3, 5, activation=activation, **more)
    x = net.put("average_pool", x, window=2)
    x = net.conv(x, 3, 8, 5, activation=activation, padding="valid", **more)
    x = net.put("average_pool", x, window=2)
    net.chain(net.put("flatten", x), [5 * 5 * 8, 60, 42, 10], activation, **more)
    return net.layers


IMAGE, DIGIT = (8, 8, 3), (28, 28, 1)
ROWS = [
    Row("logistic regression from zeros", CONVEX, "normal", stack(1, "linear", "zeros")),
    Row("logistic regression from fives", CONVEX, "normal", stack(1, "linear", constant(5.0))),
    Row("logistic regression from Glorot", CONVEX, "normal", stack(1, "linear")),
    Row("least squares from zeros", LEAST_SQUARES, "normal", stack(1, "linear", "zeros", outputs=1)),
    Row("least squares from fives", LEAST_SQUARES, "normal", stack(1, "linear", constant(5.0), outputs=1), steps=200),
    Row("zeros, tanh", BREAKING, "dead", stack(3, "tanh", "zeros")),
    Row("zeros, relu", BREAKING, "dead", stack(3, "relu", "zeros")),
    Row("zeros, sigmoid", BREAKING, "symmetric", stack(2, "sigmoid", "zeros")),
    Row("zeros in filters", BREAKING, "dead", convolutions("zeros")),
    Row("zeros in LeNet-5", BREAKING, "dead", lenet("zeros"), DIGIT, 20, long=True),
    Row("zeros in biases alone", BREAKING, "normal", stack(3, "tanh", "glorot_normal", bias="zeros")),
    Row("fives, tanh", BREAKING, "symmetric", stack(3, "tanh", constant(5.0))),
    Row("fives, relu", BREAKING, "symmetric", stack(3, "relu", constant(5.0))),
    Row("a tenth, relu", BREAKING, "symmetric", stack(3, "relu", constant(0.1))),
    Row("ones, sigmoid", BREAKING, "symmetric", stack(3, "sigmoid", "ones")),
    Row("a tenth in filters", BREAKING, "symmetric", convolutions(constant(0.1)), IMAGE, 20),
    Row("fives in LeNet-5", BREAKING, "symmetric", lenet(constant(5.0)), DIGIT, 20, long=True),
    Row("a last layer of zeros", BREAKING, "normal", but(stack(3, "relu"), -1, scheme="zeros")),
    Row("deviation 0.001, two layers", GLOROT + "1", "normal", stack(2, "relu", "small_normal"), steps=400),
    Row("within 0.001, two layers", GLOROT + "1", "normal", stack(2, "tanh", "small_uniform"), steps=400),
    Row("deviation 0.001, five layers", HE + "2.2", "low-gradient", stack(5, "tanh", "small_normal"), steps=200),
    Row("within 0.001, twelve layers", HE + "2.2", "low-gradient", stack(12, "relu", "small_uniform"), steps=200,
        long=True),
    Row("deviation 0.001 in LeNet-5", HE + "2.2", "low-gradient", lenet("small_normal"), DIGIT, 30, long=True),
    Row("deviation 1, tanh", GLOROT + "3", "steep", stack(20, "tanh", normal(1.0), 64)),
    Row("deviation 1, relu", HE + "2.2", "steep", stack(8, "relu", normal(1.0))),
    Row("deviation 100, one layer", GLOROT + "3", "steep", stack(1, "linear", normal(100.0))),
    Row("Glorot normal, tanh", GLOROT + "4.2", "normal", stack(5, "tanh", "glorot_normal")),
    Row("Glorot uniform, tanh", GLOROT + "4.2", "normal", stack(8, "tanh", "glorot_uniform")),
    Row("He normal, relu", HE + "2.2", "normal", stack(5, "relu", "he_normal")),
    Row("He uniform, relu", HE + "2.2", "normal", stack(8, "relu", "he_uniform")),
    Row("He normal in filters", HE + "2.2", "normal", convolutions("he_normal"), IMAGE),
    Row("Keras's defaults", KERAS, "normal", stack(3, "relu", "glorot_uniform")),
    Row("Keras's defaults in filters", KERAS, "normal", convolutions("glorot_uniform"), IMAGE),
    Row("LeNet-5, tanh", LECUN, "normal", lenet("glorot_normal"), DIGIT, 30, long=True),
    Row("LeNet-5, relu", HE + "2.2", "normal", lenet("he_normal", "relu"), DIGIT, 30, long=True),
]  # fmt: skip
ROWS = [row._replace(shape=IMAGE) if row.layers[0]["type"] == "conv2d" and row.shape == (16,) else row for row in ROWS]
