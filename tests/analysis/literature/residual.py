"""Networks with shortcuts: residual branches that start at 0, small, or as large as what they are added to."""

from tests.analysis.literature.drawing import Layers, Net, Scheme, constant, normal
from tests.analysis.literature.notes import IMAGE
from tests.analysis.literature.rows import Row

GOYAL = "Goyal et al. 2017, Accurate, large minibatch SGD, 5.1"
FIXUP = "Zhang, Dauphin, Ma 2019, Fixup initialization, "
DE = "De and Smith 2020, Batch normalization biases residual blocks towards the identity function, "
BREAKING = "Goodfellow et al. 2016, Deep Learning, 8.4"
REZERO = "Bachlechner et al. 2020, ReZero is all you need, "
HE_NORMAL = {"name": "variance_scaling", "scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"}


def basic(net: Net, x: str, inputs: int, width: int, last: Scheme = "ones", first: Scheme = "ones") -> str:
    """Put ResNet's basic block; the first of a stage halves places and has a convolution on its way past."""
    strides = 1 if inputs == width else 2
    branch = net.conv(x, inputs, width, strides=strides, bias=None, scheme=HE_NORMAL)
    branch = net.activate(net.norm(branch, width, "batch_norm", scheme=first), "relu")
    branch = net.norm(net.conv(branch, width, width, bias=None, scheme=HE_NORMAL), width, "batch_norm", scheme=last)
    if strides == 2:
        x = net.norm(net.conv(x, inputs, width, 1, strides=2, bias=None, scheme=HE_NORMAL), width, "batch_norm")
    return net.activate(net.add(x, branch), "relu")


def bottleneck(net: Net, x: str, width: int, last: Scheme) -> str:
    narrow, branch = width // 4, x
    for inputs, outputs, field in ((width, narrow, 1), (narrow, narrow, 3), (narrow, width, 1)):
        branch = net.conv(branch, inputs, outputs, field, bias=None, scheme=HE_NORMAL)
        branch = net.norm(branch, outputs, "batch_norm", scheme=last if field == 1 and outputs == width else "ones")
        branch = branch if outputs == width else net.activate(branch, "relu")
    return net.activate(net.add(x, branch), "relu")


def resnet(blocks: int, last: Scheme = "ones", stem: Scheme = HE_NORMAL, first: Scheme = "ones") -> Layers:
    net = Net()
    x = net.activate(net.norm(net.conv("input", 3, 8, bias=None, scheme=stem), 8, "batch_norm"), "relu")
    inputs = 8
    for width in (8, 16, 32):
        for _ in range(blocks):
            x = basic(net, x, inputs, width, last, first)
            inputs = width
    net.dense(net.pooled(x), 32, 4)
    return net.layers


def bottlenecks(blocks: int, last: Scheme) -> Layers:
    net = Net()
    x = net.activate(net.norm(net.conv("input", 3, 32, bias=None, scheme=HE_NORMAL), 32, "batch_norm"), "relu")
    for _ in range(blocks):
        x = bottleneck(net, x, 32, last)
    net.dense(net.pooled(x), 32, 4)
    return net.layers


def preactivated(blocks: int) -> Layers:
    net = Net()
    x = net.conv("input", 3, 16, bias=None, scheme=HE_NORMAL)
    for _ in range(blocks):
        branch = x
        for _ in range(2):
            branch = net.activate(net.norm(branch, 16, "batch_norm"), "relu")
            branch = net.conv(branch, 16, 16, bias=None, scheme=HE_NORMAL)
        x = net.add(x, branch)
    x = net.activate(net.norm(x, 16, "batch_norm"), "relu")
    net.dense(net.pooled(x), 16, 4)
    return net.layers


def plain(blocks: int, last: Scheme, first: Scheme = "he_normal", head: Scheme = None, width: int = 32) -> Layers:
    """Put residual blocks of two dense layers, without norms."""
    net = Net()
    x = net.dense("input", 16, width)
    for _ in range(blocks):
        branch = net.dense(net.activate(x, "relu"), width, width, "relu", scheme=first)
        x = net.add(x, net.dense(branch, width, width, scheme=last))
    net.dense(net.activate(x, "relu"), width, 4, **({} if head is None else {"scheme": head}))
    return net.layers


def fixup(blocks: int, head: Scheme = "zeros") -> Layers:
    """Put Fixup's blocks: scalar biases before each convolution, the second at 0, a scale before it is added."""
    net, width = Net(), 16
    narrow = {**HE_NORMAL, "scale": 2.0 / blocks}
    x = net.conv("input", 3, width, bias=None, activation="relu", scheme=HE_NORMAL)
    for _ in range(blocks):
        branch = net.add(x, net.array([1], "zeros"))
        branch = net.conv(branch, width, width, bias=None, scheme=narrow)
        branch = net.activate(net.add(branch, net.array([1], "zeros")), "relu")
        branch = net.conv(net.add(branch, net.array([1], "zeros")), width, width, bias=None, scheme="zeros")
        branch = net.add(net.scaled(branch, "ones"), net.array([1], "zeros"))
        x = net.activate(net.add(x, branch), "relu")
    net.dense(net.pooled(x), width, 4, scheme=head)
    return net.layers


def gated(blocks: int, alpha: Scheme, activation: str = "relu", width: int = 32, shape: tuple[int, ...] = ()) -> Layers:
    """Put x + alpha F(x), F a dense layer: ReZero where alpha starts at 0; SkipInit and LayerScale are its like."""
    net = Net()
    x = net.dense("input", 16, width)
    for _ in range(blocks):
        x = net.add(x, net.scaled(net.dense(x, width, width, activation), alpha, *shape))
    net.dense(x, width, 4)
    return net.layers


def skip_init(blocks: int, alpha: Scheme) -> Layers:
    """Put residual blocks of convolutions with one number at their end."""
    net = Net()
    x = net.conv("input", 3, 16, scheme="he_normal")
    for _ in range(blocks):
        branch = net.conv(net.activate(x, "relu"), 16, 16, activation="relu", scheme="he_normal")
        x = net.add(x, net.scaled(net.conv(branch, 16, 16, scheme="he_normal"), alpha))
    net.dense(net.pooled(net.activate(x, "relu")), 16, 4)
    return net.layers


def highway(depth: int, bias: float) -> Layers:
    """Put layers of T(x) H(x) + (1 - T(x)) x; 1 - sigmoid(z) is sigmoid(-z)."""
    net, width = Net(), 32
    x = net.dense("input", 16, width)
    for _ in range(depth):
        gate = net.dense(x, width, width, bias=constant(bias))
        carried = net.activate(net.put("scale", gate, by=-1.0), "sigmoid")
        x = net.add(net.times(net.activate(gate, "sigmoid"), net.dense(x, width, width, "relu")), net.times(carried, x))
    net.dense(x, width, 4)
    return net.layers


def densenet(layers: int) -> Layers:
    net, growth, width = Net(), 8, 16
    x = net.conv("input", 3, width, bias=None, scheme="he_normal")
    for _ in range(layers):
        new = net.activate(net.norm(x, width, "batch_norm"), "relu")
        x = net.put("concatenate", x, net.conv(new, width, growth, bias=None, scheme="he_normal"))
        width += growth
    x = net.activate(net.norm(x, width, "batch_norm"), "relu")
    net.dense(net.pooled(x), width, 4, scheme="glorot_uniform")
    return net.layers


def unet(scheme: Scheme) -> Layers:
    net = Net()
    a = net.conv(net.conv("input", 3, 8, activation="relu", scheme=scheme), 8, 8, activation="relu", scheme=scheme)
    b = net.put("max_pool", a, window=2)
    b = net.conv(net.conv(b, 8, 16, activation="relu", scheme=scheme), 16, 16, activation="relu", scheme=scheme)
    up = net.conv(net.put("upsample", b, factor=2, method="nearest"), 16, 8, scheme=scheme)
    x = net.conv(net.put("concatenate", a, up), 16, 8, activation="relu", scheme=scheme)
    net.conv(x, 8, 4, 1, scheme=scheme)
    return net.layers


def squeezed(blocks: int) -> Layers:
    """Put residual blocks with squeeze and excitation before each is added."""
    net = Net()
    x = net.conv("input", 3, 16, scheme="he_normal", activation="relu")
    for _ in range(blocks):
        branch = net.norm(net.conv(x, 16, 16, bias=None, scheme="he_normal"), 16, "batch_norm")
        gate = net.dense(net.dense(net.pooled(branch), 16, 4, "relu"), 4, 16, "sigmoid")
        branch = net.times(branch, net.put("reshape", gate, shape=[1, 1, 16]))
        x = net.activate(net.add(x, branch), "relu")
    net.dense(net.pooled(x), 16, 4)
    return net.layers


def inception() -> Layers:
    net = Net()
    x = net.conv("input", 3, 16, activation="relu", scheme="he_normal")
    for _ in range(2):
        ways = [net.conv(x, 16, 4, 1, activation="relu", scheme="he_normal")]
        for field in (3, 5):
            few = net.conv(x, 16, 4, 1, activation="relu", scheme="he_normal")
            ways.append(net.conv(few, 4, 4, field, activation="relu", scheme="he_normal"))
        pool = net.put("max_pool", x, window=3, strides=1, padding="same")
        ways.append(net.conv(pool, 16, 4, 1, activation="relu", scheme="he_normal"))
        x = net.put("concatenate", *ways)
    net.dense(net.pooled(x), 16, 4)
    return net.layers


def inverted(blocks: int) -> Layers:
    """Put MobileNetV2's inverted residuals: wide inside, a field for each channel, no activation at the end."""
    net = Net()
    x = net.conv("input", 3, 16, bias=None, scheme="he_normal")
    for _ in range(blocks):
        branch = net.norm(net.conv(x, 16, 32, 1, bias=None, scheme="he_normal"), 32, "batch_norm")
        branch = net.put("depthwise_conv2d", net.activate(branch, "relu6"), shape=[3, 3, 32, 1], bias=None,
                         padding="same", scheme="he_normal")  # fmt: skip
        branch = net.activate(net.norm(branch, 32, "batch_norm"), "relu6")
        branch = net.norm(net.conv(branch, 32, 16, 1, bias=None, scheme="he_normal"), 16, "batch_norm")
        x = net.add(x, branch)
    net.dense(net.pooled(x), 16, 4)
    return net.layers


def convnext(blocks: int, scale: float) -> Layers:
    net, width = Net(), 16
    small = {"name": "truncated_normal", "mean": 0.0, "stddev": 0.02}
    x = net.norm(net.conv("input", 3, width, 2, strides=2, padding="valid", scheme=small), width)
    for _ in range(blocks):
        branch = net.put("depthwise_conv2d", x, shape=[7, 7, width, 1], padding="same", scheme=small)
        branch = net.dense(net.norm(branch, width), width, 4 * width, "gelu", scheme=small)
        branch = net.dense(branch, 4 * width, width, scheme=small)
        x = net.add(x, net.scaled(branch, constant(scale), width))
    net.dense(net.norm(net.pooled(x), width), width, 4, scheme=small)
    return net.layers


def widened(blocks: int) -> Layers:
    """Put residual blocks, norms first, after a shortcut that is widened by features of 0."""
    net = Net()
    x = net.put("pad", net.dense("input", 16, 16), padding=[[0, 16]])
    for _ in range(blocks):
        branch = net.norm(x, 32, "batch_norm")
        x = net.add(x, net.chain(branch, [32, 32, 32], "relu", scheme=normal(0.005), bias=normal(0.005)))
    net.dense(net.norm(x, 32, "batch_norm"), 32, 4)
    return net.layers


def controlled() -> Layers:
    """Put ControlNet's: a copy of an encoder beside it, joined by convolutions of zeros at both its ends."""
    net = Net()
    hint = net.conv(net.conv("input", 3, 8, activation="relu"), 8, 8, 1, scheme="zeros")
    stem = net.conv("input", 3, 8, activation="relu")
    copy = net.conv(net.conv(net.add(stem, hint), 8, 8, activation="relu"), 8, 8, 1, scheme="zeros")
    x = net.add(net.conv(stem, 8, 8, activation="relu"), copy)
    net.dense(net.pooled(x), 8, 4)
    return net.layers


ROWS = [
    Row("ResNet", "He et al. 2016, Deep residual learning, 3.4", "normal", resnet(1), IMAGE, 30, long=True),
    Row("ResNet, last scale 0", GOYAL, "normal", resnet(1, "zeros"), IMAGE, 30),
    Row("ResNet of bottlenecks, last scale 0", GOYAL, "normal", bottlenecks(3, "zeros"), IMAGE, 30, long=True),
    Row("ResNet of 18 blocks", "He et al. 2016, Deep residual learning, 4.2", "normal", resnet(6), IMAGE, 30,
        long=True),
    Row("ResNet of 18 blocks, last scale 0", GOYAL, "normal", resnet(6, "zeros"), IMAGE, 30, long=True),
    Row("ResNet with norms and relu first", "He et al. 2016, Identity mappings in deep residual networks, fig. 1",
        "normal", preactivated(4), IMAGE, 30, long=True),
    Row("ResNet, a stem of zeros", BREAKING, "dead",
        resnet(1, stem="zeros"), IMAGE, 20, long=True),
    Row("residual without norms, 24 blocks", FIXUP + "2: logits grow with depth", "steep",
        plain(24, "he_normal"), long=True),
    Row("residual without norms, 3 blocks", FIXUP + "2", "normal", plain(3, "he_normal")),
    Row("residual, branches end in 0", FIXUP + "3", "normal", plain(24, "zeros"), long=True),
    Row("residual, branches end in 0, head too", FIXUP + "3", "normal", plain(24, "zeros", head="zeros"), long=True),
    Row("residual, branches of zeros alone", BREAKING, "symmetric", plain(4, "zeros", "zeros")),
    Row("residual, narrowed by depth", "Hanin and Rolnick 2018, How to start training, theorem 6", "normal",
        plain(24, {"name": "variance_scaling", "scale": 2.0 / 24.0}), long=True),
    Row("a shortcut widened by zeros", "He et al. 2016, Deep residual learning, 3.3: option A", "normal", widened(3)),
    Row("Fixup", FIXUP + "3", "normal", fixup(6), IMAGE, 60, "adam", 3e-3, long=True),
    Row("Fixup, 18 blocks", FIXUP + "3", "normal", fixup(18), IMAGE, 60, "adam", 3e-3, long=True),
    Row("SkipInit", DE + "4", "normal", skip_init(6, "zeros"), IMAGE, 40, "adam", 3e-3, long=True),
    Row("SkipInit of 1, 30 blocks", DE + "3: without norms branches double variance", "steep", skip_init(30, "ones"),
        IMAGE, 20, long=True),
    Row("ReZero, relu", REZERO + "3", "normal", gated(32, "zeros"), long=True),
    Row("ReZero, tanh", REZERO + "3", "normal", gated(32, "zeros", "tanh"), long=True),
    Row("ReZero of 1, 40 blocks", REZERO + "fig. 2", "steep", gated(40, "ones"), long=True),
    Row("LayerScale of 1e-4", "Touvron et al. 2021, Going deeper with image transformers, 2", "normal",
        gated(24, constant(1e-4), "gelu", shape=(32,)), long=True),
    Row("highway, 20 layers", "Srivastava, Greff, Schmidhuber 2015, Highway networks, 2.2", "normal",
        highway(20, -2.0), steps=60),
    Row("DenseNet", "Huang et al. 2017, Densely connected convolutional networks, 3", "normal", densenet(4), IMAGE, 30,
        long=True),
    Row("U-Net, He", "Ronneberger, Fischer, Brox 2015, U-Net, 3", "normal", unet("he_normal"), IMAGE, 60, rate=0.03,
        long=True),
    Row("U-Net of zeros", BREAKING, "dead", unet("zeros"), IMAGE, 20, long=True),
    Row("U-Net of tenths", BREAKING, "symmetric", unet(constant(0.1)), IMAGE, 20, long=True),
    Row("squeeze and excitation", "Hu, Shen, Sun 2018, Squeeze-and-excitation networks, 3", "normal", squeezed(3),
        IMAGE, 30, long=True),
    Row("Inception", "Szegedy et al. 2015, Going deeper with convolutions, 4", "normal", inception(), IMAGE, 100,
        long=True),
    Row("inverted residuals", "Sandler et al. 2018, MobileNetV2, 3.3", "normal", inverted(3), IMAGE, 30, long=True),
    Row("ConvNeXt, LayerScale of 1e-6", "Liu et al. 2022, A ConvNet for the 2020s, A.1", "normal", convnext(4, 1e-6),
        IMAGE, 60, "adam", 3e-3, long=True),
    Row("ControlNet's convolutions of zeros", "Zhang, Rao, Agrawala 2023, Adding conditional control, 3.1", "normal",
        controlled(), IMAGE, 100, long=True),
]  # fmt: skip
