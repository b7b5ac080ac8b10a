"""Deep stacks without shortcuts: what keeps a signal's size, and what does not."""

from tests.analysis.literature.drawing import Layers, Net, Scheme, constant, normal
from tests.analysis.literature.notes import IMAGE, but, stack
from tests.analysis.literature.rows import Row

XIAO = "Xiao et al. 2018, Dynamical isometry and a mean field theory of CNNs, "
SCHOENHOLZ = "Schoenholz et al. 2017, Deep information propagation, "
DYING = "Lu et al. 2019, Dying ReLU and initialization, "


def normed(depth: int, activation: str, scheme: Scheme, after: bool = False, gamma: Scheme = "ones") -> Layers:
    """Put dense layers with a batch norm before or after each one's activation."""
    net, x, inputs = Net(), "input", 16
    for _ in range(depth - 1):
        x = net.dense(x, inputs, 32, activation if after else "linear", scheme=scheme)
        x = net.norm(x, 32, "batch_norm", scheme=gamma)
        x = x if after else net.activate(x, activation)
        inputs = 32
    net.dense(x, inputs, 4, scheme=scheme)
    return net.layers


def filters(depth: int, scheme: Scheme, activation: str = "tanh", width: int = 16) -> Layers:
    """Put a deep convolutional network on a ring without pooling: Xiao's vanilla CNN."""
    net = Net()
    x = net.conv("input", 3, width, padding="circular", activation=activation, scheme=scheme)
    for _ in range(depth):
        x = net.conv(x, width, width, padding="circular", activation=activation, scheme=scheme)
    net.dense(net.pooled(x), width, 4)
    return net.layers


def vgg(scheme: Scheme, depth: int = 4) -> Layers:
    """Put a narrow VGG: four stages of convolutions, each followed by a pool, then three dense layers."""
    net, x, inputs = Net(), "input", 3
    for width in (8, 16, 16, 32):
        for _ in range(depth):
            x = net.conv(x, inputs, width, activation="relu", scheme=scheme)
            inputs = width
        x = net.put("max_pool", x, window=2)
    net.chain(net.put("flatten", x), [32, 32, 32, 4], "relu", scheme=scheme)
    return net.layers


ROWS = [
    Row("He normal, relu, 30 layers", "He et al. 2015, Delving deep into rectifiers, fig. 3", "normal",
        stack(30, "relu", "he_normal", 64), steps=100, rate=0.01, long=True),
    Row("Glorot normal, relu, 30 layers", "He et al. 2015, Delving deep into rectifiers, fig. 3: it stalls",
        "low-gradient", stack(30, "relu", "glorot_normal", 64), long=True),
    Row("sigmoid, 1 / sqrt(n), 6 layers", "Glorot and Bengio 2010, fig. 2: the top layer saturates, the others wait",
        "low-gradient", stack(6, "sigmoid", "lecun_uniform")),
    Row("softsign, 5 layers", "Glorot and Bengio 2010, fig. 4", "normal", stack(5, "softsign", "glorot_uniform")),
    Row("orthogonal, linear, 50 layers", "Saxe, McClelland, Ganguli 2014, Exact solutions, fig. 6", "normal",
        stack(50, "linear", "orthogonal"), rate=0.03),
    Row("orthogonal, tanh, 50 layers", "Pennington, Schoenholz, Ganguli 2017, Resurrecting the sigmoid, 3", "normal",
        stack(50, "tanh", {"name": "orthogonal", "gain": 1.05}), steps=100, rate=0.01, long=True),
    Row("delta-orthogonal, tanh, 24 layers", XIAO + "fig. 1", "normal", filters(24, "delta_orthogonal"), IMAGE, 30,
        rate=0.03, long=True),
    Row("delta-orthogonal, tanh, 200 layers", XIAO + "fig. 1", "normal", filters(200, "delta_orthogonal"), IMAGE, 60,
        rate=0.01, long=True),
    Row("ordered, tanh, 60 layers", SCHOENHOLZ + "fig. 5: signals agree after a few depth scales", "low-gradient",
        stack(60, "tanh", {"name": "variance_scaling", "scale": 0.5}), long=True),
    Row("chaotic, tanh, 40 layers", SCHOENHOLZ + "fig. 5", "steep",
        stack(40, "tanh", {"name": "variance_scaling", "scale": 9.0}, 64)),
    Row("edge of chaos, tanh, 20 layers", SCHOENHOLZ + "fig. 5", "normal",
        stack(20, "tanh", "lecun_normal", bias=normal(0.01))),
    Row("selu, LeCun normal, 16 layers", "Klambauer et al. 2017, Self-normalizing neural networks, 2", "normal",
        stack(16, "selu", "lecun_normal")),
    Row("selu, 0.001, 12 layers", "Klambauer et al. 2017: variance 1 / n is what the fixed point needs", "low-gradient",
        stack(12, "selu", "small_normal")),
    Row("elu, He, 11 layers", "Clevert, Unterthiner, Hochreiter 2016, 4.2", "normal", stack(11, "elu", "he_normal")),
    Row("gelu, 8 layers", "Hendrycks and Gimpel 2016, 3.1", "normal", stack(8, "gelu")),
    Row("silu, 8 layers", "Ramachandran, Zoph, Le 2017", "normal", stack(8, "silu")),
    Row("random walk, relu, 30 layers", "Sussillo and Abbott 2014, Random walk initialization, eq. 8", "normal",
        stack(30, "relu", {"name": "variance_scaling", "scale": 2.2, "distribution": "untruncated_normal"}), steps=100,
        rate=0.01, long=True),
    Row("sparse, tanh, 5 layers", "Martens 2010, Deep learning via Hessian-free optimization, 5", "normal",
        stack(5, "tanh", {"name": "sparse", "sparsity": 0.5, "stddev": 0.25})),
    Row("identity, linear, 30 layers", "Hardt and Ma 2017, Identity matters in deep learning, 2", "normal",
        stack(30, "linear", "identity"), rate=0.03),
    Row("identity and Hadamard, relu, 8 layers", "Zhao et al. 2022, ZerO initialization, alg. 1", "normal",
        stack(8, "relu", "zer_o")),
    Row("LSUV, relu, 12 layers", "Mishkin and Matas 2016, All you need is a good init, alg. 1", "normal",
        stack(12, "relu", {"name": "orthogonal", "gain": 2.0**0.5}), rate=0.03),
    Row("biases of -20, relu", DYING + "1: they are born dead", "dead",
        but(stack(4, "relu"), 1, bias=constant(-20.0))),
    Row("two units wide, relu, 60 layers", DYING + "theorem 1: dead as depth grows", "dead",
        stack(60, "relu", "he_normal", 2)),
    Row("biases of 0.1, relu", "Goodfellow et al. 2016, Deep Learning, 6.3.1", "normal",
        stack(3, "relu", bias=constant(0.1))),
    Row("batch norm, sigmoid, 6 layers", "Ioffe and Szegedy 2015, Batch normalization, 4.1", "normal",
        normed(6, "sigmoid", "glorot_uniform")),
    Row("batch norm, 0.001, relu, 8 layers", "Ioffe and Szegedy 2015, 3.3: scale of weights is no matter", "normal",
        normed(8, "relu", "small_normal")),
    Row("batch norm after relu", "Mishkin, Sergievskiy, Matas 2017, Systematic evaluation, 3.3", "normal",
        normed(5, "relu", "he_normal", after=True)),
    Row("batch norm, scale 0, relu", "Goyal et al. 2017, 5.1: only where a shortcut leads past it", "dead",
        normed(3, "relu", "he_normal", gamma="zeros")),
    Row("batch norm, 80 layers", "Yang et al. 2019, A mean field theory of batch normalization, fig. 1", "steep",
        normed(80, "relu", "he_normal"), long=True),
    Row("VGG, 0.001", "Simonyan and Zisserman 2015, 3.1: bad initialisation stalls learning in deep nets",
        "low-gradient", vgg("small_normal"), (16, 16, 3), 30, long=True),
    Row("VGG, He", "He et al. 2015, Delving deep into rectifiers, 2.2", "normal", vgg("he_normal"),
        (16, 16, 3), 60, "adam", 1e-3, long=True),
    Row("VGG, Glorot", "Simonyan and Zisserman 2015, 3.1: random initialisation of Glorot and Bengio", "normal",
        vgg("glorot_normal", 1), (16, 16, 3), 60, "adam", 1e-3, long=True),
]  # fmt: skip
