"""Starts of transformers: an embedding and blocks of attention and two dense layers, with norms or without."""

from collections.abc import Iterator
from typing import Any

from service.networks.families.tree import Layer
from service.networks.families.wiring import STEPS, Network, Wiring
from service.specs.starts.layers import Model, dense, norm, rule, table


def blocks(width: int, depth: int, heads: int, norms: bool = True, **more: Any) -> Iterator[Layer]:
    """Yield an embedding and the blocks of a transformer: attention, then two dense layers."""
    yield table("embedding", 32000, width)
    for i in range(depth):
        if norms:
            yield norm(f"block_{i}.norm_1", width)
        shape = [width, heads, width // heads]
        yield {"name": f"block_{i}.attention", "type": "multi_head_attention", "shape": shape, "fused": False}
        if norms:
            yield norm(f"block_{i}.norm_2", width)
        yield dense(f"block_{i}.mlp_in", width, 4 * width, activation="gelu", **more)
        yield dense(f"block_{i}.mlp_out", 4 * width, width, **more)


OUTPUTS = ("*attention_output/kernel", "*.mlp_out/kernel")  # what a block writes to the stream


def megatron(width: int, depth: int, heads: int) -> Model:
    """Megatron-LM: N(0, 0.02²), outputs of blocks narrowed by √(2 depth)."""
    rules = [rule("*/kernel", "random_normal", stddev=0.02), rule("*/embeddings", "random_normal", stddev=0.02)]
    return list(blocks(width, depth, heads)), rules + [rule(m, "residual_normal", layers=depth) for m in OUTPUTS]


def deepnorm(width: int, depth: int, heads: int) -> Model:
    """DeepNorm (one stack): Xavier normal, values, outputs and dense layers with gain (8 depth)^-1/4.

    The residual is to be multiplied by (2 depth)^1/4 in the model itself.
    """
    narrowed = [rule(m, "torch:xavier_normal", scale=(8.0 * depth) ** -0.5) for m in ("*value/kernel", *OUTPUTS)]
    narrowed += [rule("*.mlp_in/kernel", "torch:xavier_normal", scale=(8.0 * depth) ** -0.5)]
    return list(blocks(width, depth, heads)), [rule("*/kernel", "torch:xavier_normal"), *narrowed]


def t_fixup(width: int, depth: int, heads: int) -> Model:
    """T-Fixup (encoder): no normalisation, no warm-up; Xavier, narrowed by 0.67 depth^-1/4, values by √2 less."""
    narrow = (0.67 * depth**-0.25) ** 2
    rules = [
        rule("*/kernel", "torch:xavier_uniform"),
        rule("*/embeddings", "random_normal", stddev=width**-0.5 * (9.0 * depth) ** -0.25),
        *(rule(m, "torch:xavier_uniform", scale=narrow) for m in (*OUTPUTS, "*.mlp_in/kernel")),
        rule("*value/kernel", "torch:xavier_uniform", scale=2.0 * narrow),
    ]
    return list(blocks(width, depth, heads, norms=False)), rules


def mup(width: int, depth: int, heads: int) -> Model:
    """Maximal update parametrisation from width 256: hidden variance as 1 / width, the output layer's as its square."""
    layers = [*blocks(width, depth, heads), dense("readout", width, 32000, bias=None)]
    rules = [rule("*/kernel", "mup_normal", base=256), rule("*.mlp_out/kernel", "mup_normal", base=1024)]
    rules += [
        rule("*/embeddings", "random_normal", stddev=0.02),
        rule("readout/kernel", "mup_normal", base=256, output=True),
    ]
    return layers, rules


def lora(width: int, depth: int, heads: int) -> Model:
    """LoRA of rank 8 beside a transformer's dense layers: A by He's uniform, B at 0."""
    return list(blocks(width, depth, heads, lora_rank=8)), []


def before(width: int, depth: int, heads: int) -> Network:
    """Return blocks whose norms come before, of which a place sees those before it alone."""
    return decoder(depth).written()


def decoder(depth: int) -> Wiring:
    w = Wiring(input=[STEPS])
    x = w.weighted("embedding", "input")
    for i in range(depth):
        x = w.add(f"block_{i}.add_1", x, attention(w, i, w.weighted(f"block_{i}.norm_1", x), causal=True))
        x = w.add(f"block_{i}.add_2", x, mlp(w, i, w.weighted(f"block_{i}.norm_2", x)))
    return w


def attention(w: Wiring, i: int, x: str, **members: bool) -> str:
    return w.weighted(f"block_{i}.attention", x, **members)


def mlp(w: Wiring, i: int, x: str) -> str:
    return w.weighted(f"block_{i}.mlp_out", w.weighted(f"block_{i}.mlp_in", x))


def after(width: int, depth: int, heads: int) -> Network:
    """Return blocks whose norms come after the sum, in which the shortcut has weight (2 depth)^1/4."""
    w, alpha = Wiring(input=[STEPS]), (2.0 * depth) ** 0.25
    x = w.weighted("embedding", "input")
    for i in range(depth):
        for number, branch in ((1, attention), (2, mlp)):
            y, shortcut = branch(w, i, x), w.plain("scale", f"block_{i}.scale_{number}", x, by=alpha)
            x = w.weighted(f"block_{i}.norm_{number}", w.add(f"block_{i}.add_{number}", shortcut, y))
    return w.written()


def without(width: int, depth: int, heads: int) -> Network:
    """Return blocks without norms."""
    w = Wiring(input=[STEPS])
    x = w.weighted("embedding", "input")
    for i in range(depth):
        x = w.add(f"block_{i}.add_1", x, attention(w, i, x))
        x = w.add(f"block_{i}.add_2", x, mlp(w, i, x))
    return w.written()


def with_readout(width: int, depth: int, heads: int) -> Network:
    """Return blocks whose norms come before, and the layer back to words."""
    w = decoder(depth)
    w.weighted("readout", w.last)
    return w.written()
