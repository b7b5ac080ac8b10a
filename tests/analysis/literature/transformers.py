"""Transformers: norms before, after or not at all, and what their starts do about it."""

from typing import Any

from tests.analysis.literature.drawing import Layers, Net, Scheme, constant, normal
from tests.analysis.literature.rows import Row, Verdict

XIONG = "Xiong et al. 2020, On layer normalization in the transformer architecture, "
SMALL = normal(0.02)
WORDS, STEPS = 20, 8


def tokens(net: Net, width: int, scheme: Scheme = SMALL) -> str:
    x = net.put("embedding", "input", shape=[WORDS, width], scheme=scheme, name="words")
    return net.add(x, net.array([STEPS, width], scheme))


def attend(net: Net, x: str, width: int, heads: int = 4, **more: Any) -> str:
    return net.put("multi_head_attention", x, shape=[width, heads, width // heads], **more)


def post_norm(net: Net, x: str, width: int, alpha: float = 1.0, narrow: float = 1.0) -> str:
    """Put norm(alpha x + F(x)) for attention and for two dense layers; `narrow` is a gain of Glorot's."""
    glorot = {"name": "torch:xavier_normal", "scale": narrow**2}
    for kind in ("attention", "dense"):
        if kind == "attention":
            branch = attend(net, x, width, output_scheme=glorot)
        else:
            branch = net.chain(x, [width, 4 * width, width], "relu", scheme=glorot)
        kept = x if alpha == 1.0 else net.put("scale", x, by=alpha)
        x = net.norm(net.add(kept, branch), width)
    return x


def pre_norm(
    net: Net, x: str, width: int, kind: str = "layer_norm", scheme: Scheme = SMALL, ends: Scheme = SMALL, **more: Any
) -> str:
    inner = net.norm(x, width, kind)
    x = net.add(x, attend(net, inner, width, scheme=scheme, output_scheme=ends, **more))
    hidden = net.dense(net.norm(x, width, kind), width, 4 * width, "gelu", scheme=scheme)
    return net.add(x, net.dense(hidden, 4 * width, width, scheme=ends))


def post_layer_norm(blocks: int, alpha: float = 1.0, narrow: float = 1.0) -> Layers:
    net, width = Net(), 32
    x = tokens(net, width, normal(width**-0.5))
    for _ in range(blocks):
        x = post_norm(net, x, width, alpha, narrow)
    net.dense(x, width, WORDS)
    return net.layers


def gpt2(blocks: int, scheme: Scheme = SMALL, tied: bool = True, ends: Scheme = None) -> Layers:
    net, width = Net(), 32
    x = tokens(net, width, scheme)
    ends = ends or {"name": "residual_normal", "layers": blocks}
    for _ in range(blocks):
        x = pre_norm(net, x, width, scheme=scheme, ends=ends, causal=True)
    x = net.norm(x, width)
    if tied:
        net.put("tied", x, to="words", transposed=True)
    else:
        net.dense(x, width, WORDS, scheme=scheme)
    return net.layers


def bert(blocks: int) -> Layers:
    net, width = Net(), 32
    x = net.norm(tokens(net, width), width)
    for _ in range(blocks):
        x = net.norm(net.add(x, attend(net, x, width, scheme=SMALL, output_scheme=SMALL)), width)
        x = net.norm(net.add(x, net.chain(x, [width, 4 * width, width], "gelu", scheme=SMALL)), width)
    x = net.norm(net.dense(x, width, width, "gelu", scheme=SMALL), width)
    net.put("tied", x, to="words", transposed=True)
    return net.layers


def vit(blocks: int, head: Scheme = "zeros", scale: float | None = None) -> Layers:
    """Put ViT on images of 8 x 8: patches, places, blocks with norms first, a head; with LayerScale where asked for."""
    net, width = Net(), 32
    x = net.conv("input", 3, width, 4, strides=4, padding="valid", scheme="lecun_normal")
    x = net.add(net.put("reshape", x, shape=[4, width]), net.array([4, width], SMALL))
    for _ in range(blocks):
        branch = attend(net, net.norm(x, width), width, scheme="glorot_uniform", output_scheme="glorot_uniform")
        x = net.add(x, branch if scale is None else net.scaled(branch, constant(scale), width))
        branch = net.chain(net.norm(x, width), [width, 4 * width, width], "gelu", scheme="glorot_uniform")
        x = net.add(x, branch if scale is None else net.scaled(branch, constant(scale), width))
    net.dense(net.pooled(net.norm(x, width)), width, 4, scheme=head)
    return net.layers


def rezero(blocks: int, alpha: Scheme = "zeros") -> Layers:
    net, width = Net(), 32
    x = tokens(net, width, normal(1.0))
    for _ in range(blocks):
        x = net.add(x, net.scaled(attend(net, x, width), alpha))
        x = net.add(x, net.scaled(net.chain(x, [width, 4 * width, width], "relu"), alpha))
    net.dense(x, width, WORDS)
    return net.layers


def t_fixup(blocks: int) -> Layers:
    net, width = Net(), 32
    narrow = (0.67 * blocks**-0.25) ** 2
    ends = {"name": "torch:xavier_uniform", "scale": narrow}
    x = tokens(net, width, normal(width**-0.5 * (9.0 * blocks) ** -0.25))
    for _ in range(blocks):
        x = net.add(x, attend(net, x, width, output_scheme=ends))
        x = net.add(x, net.chain(x, [width, 4 * width, width], "relu", scheme=ends))
    net.dense(x, width, WORDS)
    return net.layers


def llama(blocks: int) -> Layers:
    net, width = Net(), 32
    x = net.put("embedding", "input", shape=[WORDS, width], scheme=SMALL)
    for _ in range(blocks):
        inner = net.norm(x, width, "rms_norm")
        more: dict[str, Any] = {"scheme": SMALL, "output_scheme": SMALL, "causal": True, "bias": None}
        x = net.add(x, net.put("grouped_query_attention", inner, shape=[width, 4, 8], kv_heads=2, **more))
        inner = net.norm(x, width, "rms_norm")
        gate = net.dense(inner, width, 64, "silu", scheme=SMALL, bias=None)
        up = net.dense(inner, width, 64, scheme=SMALL, bias=None)
        x = net.add(x, net.dense(net.times(gate, up), 64, width, scheme=SMALL, bias=None))
    net.dense(net.norm(x, width, "rms_norm"), width, WORDS, scheme=SMALL, bias=None)
    return net.layers


def mixer(blocks: int) -> Layers:
    net, width, places = Net(), 32, 16
    x = net.put("reshape", net.conv("input", 3, width, 2, strides=2, padding="valid"), shape=[places, width])
    for _ in range(blocks):
        across = net.put("transpose", net.norm(x, width), axes=[2, 1])
        across = net.chain(across, [places, 32, places], "gelu")
        x = net.add(x, net.put("transpose", across, axes=[2, 1]))
        x = net.add(x, net.chain(net.norm(x, width), [width, 64, width], "gelu"))
    net.dense(net.pooled(net.norm(x, width)), width, 4, scheme="zeros")
    return net.layers


def adaln_zero(blocks: int) -> Layers:
    """Put DiT's: a gate for every branch, made from a condition by a dense layer of zeros; the output layer 0 too."""
    net, width = Net(), 32
    condition = net.dense("input", 16, width, "silu", scheme=SMALL)
    x = net.dense("input", 16, width)
    for _ in range(blocks):
        shift, scale, gate = (net.dense(condition, width, width, scheme="zeros") for _ in range(3))
        inner = net.norm(x, width)
        inner = net.add(net.add(inner, net.times(inner, scale)), shift)
        x = net.add(x, net.times(net.chain(inner, [width, 64, width], "gelu"), gate))
    net.dense(net.norm(x, width), width, 4, scheme="zeros")
    return net.layers


def adapters(blocks: int) -> Layers:
    net, width = Net(), 32
    x = tokens(net, width)
    for _ in range(blocks):
        x = pre_norm(net, x, width)
        x = net.add(x, net.chain(x, [width, 8, width], "gelu", scheme=normal(0.01)))
    net.dense(net.norm(x, width), width, WORDS, scheme=SMALL)
    return net.layers


def by_adam(name: str, source: str, verdict: Verdict, layers: Layers, **more: Any) -> Row:
    return Row(name, source, verdict, layers, (STEPS,), 40, "adam", 3e-3, **more)


ROWS = [
    by_adam("norms after, 2 blocks", "Vaswani et al. 2017, Attention is all you need, 3.1", "normal",
        post_layer_norm(2), long=True),
    Row("norms after, 6 blocks", XIONG + "3.2: with a warm-up", "normal", post_layer_norm(6), (STEPS,), 150, "adam",
        3e-4, long=True),
    by_adam("norms before, 4 blocks", XIONG + "3.3", "normal", gpt2(4, "glorot_uniform", False, "glorot_uniform"),
        long=True),
    by_adam("GPT-2", "Radford et al. 2019, Language models are unsupervised multitask learners, 2.3", "normal",
        gpt2(2), long=True),
    by_adam("GPT-2, 12 blocks", "Radford et al. 2019, 2.3", "normal", gpt2(12), long=True),
    by_adam("GPT-2, head of its own", "Radford et al. 2019, 2.3", "normal", gpt2(2, tied=False)),
    by_adam("GPT-2 of zeros", "Goodfellow et al. 2016, Deep Learning, 8.4", "dead", gpt2(2, "zeros", False, "zeros"),
        long=True),
    by_adam("GPT-2 of tenths", "Goodfellow et al. 2016, Deep Learning, 8.4", "symmetric",
        gpt2(2, constant(0.1), False, constant(0.1)), long=True),
    by_adam("BERT", "Devlin et al. 2019, BERT, A.2", "normal", bert(2), long=True),
    Row("ViT, a head of zeros", "Dosovitskiy et al. 2021, An image is worth 16x16 words, 3.1", "normal", vit(2),
        (8, 8, 3), 40, "adam", 3e-3, long=True),
    Row("ViT, LayerScale of 1e-5", "Touvron et al. 2021, Going deeper with image transformers, 2", "normal",
        vit(6, "glorot_uniform", 1e-5), (8, 8, 3), 40, "adam", 3e-3, long=True),
    by_adam("T5", "Raffel et al. 2020, Exploring the limits of transfer learning, 2.1", "normal",
        gpt2(2, normal(32**-0.5), False, normal(32**-0.5)), long=True),
    Row("DeepNorm, 12 blocks", "Wang et al. 2022, DeepNet, fig. 2", "normal",
        post_layer_norm(12, (2 * 12) ** 0.25, (8 * 12) ** -0.25), (STEPS,), 80, "adam", 1e-3, long=True),
    Row("T-Fixup, 6 blocks", "Huang et al. 2020, Improving transformer optimization, 3", "normal", t_fixup(6),
        (STEPS,), 80, "adam", 1e-3, long=True),
    Row("a ReZero transformer, 12 blocks", "Bachlechner et al. 2020, ReZero is all you need, 5", "normal", rezero(12),
        (STEPS,), 60, "adam", 1e-3, long=True),
    by_adam("LLaMA", "Touvron et al. 2023, LLaMA, 2.2", "normal", llama(2)),
    Row("MLP-Mixer", "Tolstikhin et al. 2021, MLP-Mixer, 2", "normal", mixer(2), (8, 8, 3), 40, "adam", 3e-3,
        long=True),
    Row("adaLN-Zero", "Peebles and Xie 2023, Scalable diffusion models with transformers, 3.2", "normal",
        adaln_zero(4), (16,), 60, "adam", 3e-3, long=True),
    by_adam("adapters near the identity", "Houlsby et al. 2019, Parameter-efficient transfer learning, 2.1", "normal",
        adapters(2), long=True),
    by_adam("a readout of zeros under µP", "Yang et al. 2022, Tensor programs V, D.2", "normal",
        [*gpt2(2, "lecun_normal", False, "lecun_normal")[:-1], gpt2(2, tied=False)[-1] | {"scheme": "zeros"}],
        long=True),
]  # fmt: skip
