"""Last layers and parts that start at 0, or nearly: what moves them is the first step."""

from typing import Any

from tests.analysis.literature.drawing import Layers, Net, Scheme, normal
from tests.analysis.literature.notes import IMAGE, stack
from tests.analysis.literature.rows import Row

SIREN = "Sitzmann et al. 2020, Implicit neural representations with periodic activation functions, 3.2"


def policy(gain: float) -> Layers:
    net = Net()
    gains = {"name": "orthogonal", "gain": 2.0**0.5}
    x = net.chain("input", [16, 64, 64], "tanh", "tanh", scheme=gains)
    net.dense(x, 64, 4, scheme={"name": "orthogonal", "gain": gain})
    return net.layers


def siren(depth: int = 4) -> Layers:
    net = Net()
    x = net.dense("input", 2, 64, "sin", scheme={"name": "siren", "first": True})
    x = net.chain(x, [64] * depth, "sin", "sin", scheme="siren")
    net.dense(x, 64, 1, scheme="siren")
    return net.layers


def ended(scheme: Scheme, **more: Any) -> Layers:
    """Put a stack of relu whose last layer starts otherwise."""
    layers = stack(3, "relu", "he_normal")
    layers[-1] |= {"scheme": scheme, **more}
    return layers


def adapted(scheme_a: Scheme = None, scheme_b: Scheme = "zeros") -> Layers:
    """Put a dense layer with a low-rank path beside it, as LoRA's."""
    net = Net()
    hidden = net.dense("input", 16, 32, "relu")
    low = net.dense(hidden, 32, 4, bias=None, **({} if scheme_a is None else {"scheme": scheme_a}))
    beside = net.put("scale", net.dense(low, 4, 32, bias=None, scheme=scheme_b), by=2.0)
    x = net.activate(net.add(net.dense(hidden, 32, 32), beside), "relu")
    net.dense(x, 32, 4)
    return net.layers


def lora_members(rank: int) -> Layers:
    layers = stack(3, "relu", "he_normal")
    layers[1]["lora_rank"] = rank
    return layers


def dqn() -> Layers:
    net = Net()
    x = net.conv("input", 4, 8, 4, strides=2, padding="valid", activation="relu", scheme="he_uniform")
    x = net.conv(x, 8, 16, 3, strides=1, padding="valid", activation="relu", scheme="he_uniform")
    net.chain(net.put("flatten", x), [5 * 5 * 16, 64, 6], "relu", scheme="he_uniform")
    return net.layers


def dueling() -> Layers:
    """Put two heads on one trunk: a value and advantages, whose mean is not taken off here."""
    net = Net()
    x = net.chain("input", [16, 32, 32], "relu", "relu")
    value = net.dense(net.dense(x, 32, 16, "relu"), 16, 1)
    advantages = net.dense(net.dense(x, 32, 16, "relu"), 16, 4)
    net.add(value, advantages)
    return net.layers


def autoencoder(scheme: Scheme, activation: str) -> Layers:
    net = Net()
    net.chain("input", [16, 32, 16, 8, 4, 8, 16, 32, 16], activation, scheme=scheme)
    return net.layers


def generator() -> Layers:
    """Put DCGAN's generator, narrow: transposed convolutions and batch norms, all of deviation 0.02, and a tanh."""
    net, small = Net(), normal(0.02)
    x = net.put("reshape", net.dense("input", 16, 2 * 2 * 32, scheme=small), shape=[2, 2, 32])
    for inputs, outputs in ((32, 16), (16, 8)):
        x = net.activate(net.norm(x, inputs, "batch_norm"), "relu")
        x = net.put("conv2d_transpose", x, shape=[4, 4, inputs, outputs], strides=2, padding=1, scheme=small)
    x = net.activate(net.norm(x, 8, "batch_norm"), "relu")
    net.dense(net.put("flatten", x), 8 * 8 * 8, 4, scheme=small)
    return net.layers


def upsampled() -> Layers:
    """Put a bilinear upsampling that is learnt, before a last convolution of zeros: FCN's."""
    net = Net()
    x = net.conv("input", 3, 8, activation="relu")
    x = net.conv(net.put("max_pool", x, window=2), 8, 8, activation="relu")
    x = net.put("conv2d_transpose", x, shape=[4, 4, 8, 8], strides=2, padding=1, bias=None, scheme="bilinear")
    net.conv(x, 8, 4, 1, scheme="zeros")
    return net.layers


ROWS = [
    Row("a policy's head of gain 0.01", "Engstrom et al. 2020, Implementation matters in deep RL, 3", "normal",
        policy(0.01)),
    Row("a value's head of gain 1", "Engstrom et al. 2020, Implementation matters in deep RL, 3", "normal",
        policy(1.0)),
    Row("a head of gain 0.01, Adam", "Andrychowicz et al. 2021, What matters in on-policy RL, 3.2", "normal",
        policy(0.01), optimizer="adam", rate=3e-3),
    Row("SIREN", SIREN, "normal", siren(), (2,), 100, "adam", 1e-3),
    Row("a readout of zeros", "Yang et al. 2022, Tensor programs V, D.2: zero readout", "normal", ended("zeros")),
    Row("a readout of 0.001", "Howard and Ruder 2018; Donahue et al. 2014: a new last layer", "normal",
        ended("small_normal")),
    Row("a prior in the last bias", "Lin et al. 2017, Focal loss, 4.1", "normal",
        ended(normal(0.01), bias={"name": "prior_bias", "prior": 0.01})),
    Row("LoRA, B of zeros", "Hu et al. 2021, LoRA, 4.1", "normal", adapted()),
    Row("LoRA as a member", "Hu et al. 2021, LoRA, 4.1", "normal", lora_members(4)),
    Row("LoRA, A of zeros", "Hayou, Ghosh, Yu 2024, The impact of initialization on LoRA, 3", "normal",
        adapted("zeros", None)),
    Row("DQN", "Mnih et al. 2015, Human-level control, methods", "normal", dqn(), (16, 16, 4)),
    Row("dueling heads", "Wang et al. 2016, Dueling network architectures, 3", "normal", dueling()),
    Row("an autoencoder of sigmoids", "Hinton and Salakhutdinov 2006: small weights, tiny gradients in early layers",
        "low-gradient", autoencoder(normal(0.1), "sigmoid")),
    Row("an autoencoder of tanh", "Glorot and Bengio 2010, 4.2", "normal", autoencoder("glorot_normal", "tanh"),
        steps=200),
    Row("DCGAN's 0.02", "Radford, Metz, Chintala 2016, 3", "normal", generator()),
    Row("bilinear upsampling, a score of zeros", "Long, Shelhamer, Darrell 2015, Fully convolutional networks, 4.1",
        "normal", upsampled(), IMAGE, 200, long=True),
]  # fmt: skip
