"""Layers and how NumPy has them: each case takes `x`, (batch, places, features), and ends in one layer."""

from typing import Any

import numpy as np

from tests.analysis.forecast.chance import (
    Array,
    Case,
    Draw,
    Function,
    Generator,
    attended,
    normal,
    relu,
    sigmoid,
    softmax,
    standardised,
    windows,
)

PLACES, WIDTH = 6, 64


def gaussian(stddev: float, mean: float = 0.0) -> dict[str, Any]:
    return {"name": "random_normal", "mean": mean, "stddev": stddev}


def dense(name: str, came: int = WIDTH, given: int = WIDTH, stddev: float = WIDTH**-0.5, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "dense", "shape": [came, given], "scheme": gaussian(stddev), "bias": None, **more}


def plain(kind: str, name: str = "y", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def fixed(function: Function) -> Draw:
    return lambda generator: function


def matrix(generator: Generator, came: int = WIDTH, given: int = WIDTH, stddev: float = WIDTH**-0.5) -> Array:
    return normal(generator, came, given, stddev=stddev)


def with_bias(generator: Generator) -> Function:
    w, b = matrix(generator), normal(generator, WIDTH, stddev=0.4)
    return lambda x: np.tanh(x @ w + b)


def constant_centre(generator: Generator) -> Function:
    w = 0.02 + matrix(generator)
    return lambda x: np.tanh(x @ w)


def lora(generator: Generator) -> Function:
    w, a, b = matrix(generator), matrix(generator, WIDTH, 16), matrix(generator, 16, WIDTH, 0.25)
    return lambda x: x @ w + x @ a @ b


LORA = [
    {"match": "y/lora_kernel_a", "scheme": gaussian(WIDTH**-0.5)},
    {"match": "y/lora_kernel_b", "scheme": gaussian(0.25)},
]


def convolved(size: int, step: int, before: int, after: int, gap: int = 1) -> Draw:
    def draw(generator: Generator) -> Function:
        kernel = normal(generator, size, WIDTH, WIDTH, stddev=(2.0 / (size * WIDTH)) ** 0.5)
        span = (size - 1) * gap + 1

        def function(x: Array) -> Array:
            seen = windows(x, span, step, before, after)[:, :, ::gap]
            return relu(np.einsum("bpkf,kfo->bpo", seen, kernel))

        return function

    return draw


def conv(size: int, **more: Any) -> dict[str, Any]:
    scheme = gaussian((2.0 / (size * WIDTH)) ** 0.5)
    shape = [size, WIDTH, WIDTH]
    return plain("conv1d", shape=shape, scheme=scheme, bias=None, activation="relu", **more)


def ring(generator: Generator) -> Function:
    kernel = normal(generator, 3, WIDTH, WIDTH, stddev=(2.0 / (3 * WIDTH)) ** 0.5)
    return lambda x: relu(sum(np.roll(x, 1 - tap, axis=1) @ kernel[tap] for tap in range(3)))


def depthwise(generator: Generator) -> Function:
    kernel = normal(generator, 3, WIDTH, stddev=3**-0.5)
    return lambda x: np.einsum("bpkf,kf->bpf", windows(x, 3, 1, 1, 1), kernel)


def separable(generator: Generator) -> Function:
    kernel, point = normal(generator, 3, WIDTH, stddev=3**-0.5), matrix(generator)
    return lambda x: np.tanh(np.einsum("bpkf,kf->bpf", windows(x, 3, 1, 1, 1), kernel) @ point)


def transposed(generator: Generator) -> Function:
    kernel = normal(generator, 3, WIDTH, WIDTH, stddev=WIDTH**-0.5)

    def function(x: Array) -> Array:
        out = np.zeros((len(x), 2 * (PLACES - 1) + 3, WIDTH))
        for place in range(PLACES):
            for tap in range(3):
                out[:, 2 * place + tap] += x[:, place] @ kernel[tap]
        return out

    return function


def normed(axes: tuple[int, ...], groups: int = 1, centred: bool = True) -> Draw:
    def draw(generator: Generator) -> Function:
        gamma, beta = normal(generator, WIDTH) * 0.3 + 1.0, normal(generator, WIDTH) * 0.2

        def function(x: Array) -> Array:
            parts = x.reshape(*x.shape[:-1], groups, WIDTH // groups)
            if centred:
                return standardised(parts, axes).reshape(x.shape) * gamma + beta
            root: Array = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
            return x / root * gamma

        return function

    return draw


def norm(kind: str, **more: Any) -> dict[str, Any]:
    shift = {} if kind == "rms_norm" else {"bias": gaussian(0.2)}
    return plain(kind) | {"shape": [WIDTH], "scheme": gaussian(0.3, 1.0)} | shift | more


def plus(x: Array, y: Array) -> Array:
    return x + y


def branch(generator: Generator) -> Function:
    w = matrix(generator)
    return lambda x: x + 0.5 * np.tanh(x @ w)


def two_branches_of_one(generator: Generator) -> Function:
    """A stream that its own norm is added to: what is added is a line of what it is added to."""
    w = matrix(generator)
    return lambda x: plus(x @ w, standardised(x @ w, (-1,)))


def relu_of_itself(generator: Generator) -> Function:
    w = matrix(generator)
    return lambda x: (h := x @ w) + relu(h)


def both_sides(generator: Generator) -> Function:
    w = matrix(generator)
    return lambda x: np.tanh(h := x @ w) + relu(h)


def pool_of_itself(generator: Generator) -> Function:
    w = matrix(generator)

    def function(x: Array) -> Array:
        h = x @ w
        counts = windows(np.ones_like(h), 3, 1, 1, 1).sum(axis=2)
        found: Array = windows(h, 3, 1, 1, 1).sum(axis=2) / counts - h
        return found

    return function


def gate(generator: Generator) -> Function:
    w, u = matrix(generator), matrix(generator)
    return lambda x: (x @ w) * sigmoid(x @ u)


def gate_of_itself(generator: Generator) -> Function:
    w = matrix(generator)
    return lambda x: (h := x @ w) * sigmoid(h)


def squeeze(generator: Generator) -> Function:
    """A gate for each feature, of its mean over places (Hu et al. 2018)."""
    w, u = matrix(generator), matrix(generator)
    return lambda x: (x @ w) * sigmoid((x @ w).mean(axis=1, keepdims=True) @ u)


def mixer(generator: Generator) -> Function:
    """Places through weights of their own, feature by feature, and a norm after the sum (Tolstikhin et al. 2021)."""
    w, u = matrix(generator, PLACES, 24, PLACES**-0.5), matrix(generator, 24, PLACES, 24**-0.5)
    return lambda x: standardised(x + (relu(x.transpose(0, 2, 1) @ w) @ u).transpose(0, 2, 1), (-1,))


MIXER = [
    plain("transpose", "turned", axes=[2, 1]), dense("w", PLACES, 24, PLACES**-0.5, activation="relu"),
    dense("u", 24, PLACES, 24**-0.5), plain("transpose", "back", axes=[2, 1]),
    plain("add", "sum", inputs=["x", "back"]), plain("layer_norm", shape=[WIDTH]),
]  # fmt: skip


def pooled(size: int, step: int, before: int, after: int) -> Draw:
    def draw(generator: Generator) -> Function:
        w = matrix(generator)
        return lambda x: windows(relu(x @ w), size, step, before, after, -np.inf).max(axis=2)

    return draw


def averaged(size: int, step: int, before: int, after: int, zeros: bool) -> Draw:
    def function(x: Array) -> Array:
        total = windows(x, size, step, before, after).sum(axis=2)
        found: Array = total / (size if zeros else windows(np.ones_like(x), size, step, before, after).sum(axis=2))
        return found

    return fixed(function)


def linear_between(x: Array) -> Array:
    at = np.clip((np.arange(2 * PLACES) + 0.5) / 2.0 - 0.5, 0.0, PLACES - 1.0)
    left = np.floor(at).astype(int)
    right, share = np.minimum(left + 1, PLACES - 1), (at - left)[:, None]
    found: Array = x[:, left] * (1.0 - share) + x[:, right] * share
    return found


def attention(causal: bool, scale: float, cap: float = 0.0) -> Draw:
    def draw(generator: Generator) -> Function:
        q, k, v = (matrix(generator) for _ in range(3))
        return lambda x: attended(x @ q, x @ k, x @ v, 4, causal, scale, cap=cap)

    return draw


def projections(**more: Any) -> list[dict[str, Any]]:
    each = [dense(name, inputs=["x"]) for name in "qkv"]
    return [*each, plain("dot_product_attention", inputs=["q", "k", "v"], heads=4, **more)]


def with_projections(generator: Generator) -> Function:
    q, k, v, o = (matrix(generator) for _ in range(4))
    return lambda x: attended(x @ q, x @ k, x @ v, 4, True, 0.25) @ o


def grouped(generator: Generator) -> Function:
    q, k, v, o = (matrix(generator, WIDTH, width) for width in (WIDTH, 32, 32, WIDTH))

    def function(x: Array) -> Array:
        few = [(x @ w).reshape(*x.shape[:2], 2, 1, 16) for w in (k, v)]
        keys, values = (np.repeat(each, 2, axis=3).reshape(*x.shape[:2], WIDTH) for each in few)
        return attended(x @ q, keys, values, 4, False, 0.25) @ o

    return function


def turned(generator: Generator) -> Function:
    q, k, v = (matrix(generator) for _ in range(3))
    angles = np.arange(PLACES)[:, None] * 100.0 ** (-np.arange(8) / 8.0)

    def rotated(x: Array) -> Array:
        heads = x.reshape(*x.shape[:2], 4, 16)
        low, high = heads[..., :8], heads[..., 8:]
        cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
        return np.concatenate([low * cos - high * sin, high * cos + low * sin], axis=-1).reshape(x.shape)

    return lambda x: attended(rotated(x @ q), rotated(x @ k), x @ v, 4, False, 0.25)


ROTARY = [
    *(dense(name, inputs=["x"]) for name in "qkv"), plain("rotary", "rq", inputs=["q"], heads=4, base=100.0),
    plain("rotary", "rk", inputs=["k"], heads=4, base=100.0),
    plain("dot_product_attention", inputs=["rq", "rk", "v"], heads=4),
]  # fmt: skip


def simple_cell(generator: Generator) -> Function:
    w, u = matrix(generator), matrix(generator)

    def function(x: Array) -> Array:
        state, found = np.zeros((len(x), WIDTH)), []
        for time in range(PLACES):
            state = np.tanh(x[:, time] @ w + state @ u)
            found.append(state)
        return np.stack(found, axis=1)

    return function


def lstm(generator: Generator) -> Function:
    w, u = (matrix(generator, WIDTH, 4 * WIDTH) for _ in range(2))

    def function(x: Array) -> Array:
        state, memory, found = np.zeros((len(x), WIDTH)), np.zeros((len(x), WIDTH)), []
        for time in range(PLACES):
            enter, keep, new, leave = np.split(x[:, time] @ w + state @ u, 4, axis=1)
            memory = sigmoid(keep + 1.0) * memory + sigmoid(enter) * np.tanh(new)
            state = sigmoid(leave) * np.tanh(memory)
            found.append(state)
        return np.stack(found, axis=1)

    return function


def gru(generator: Generator) -> Function:
    w, u = (matrix(generator, WIDTH, 3 * WIDTH) for _ in range(2))

    def function(x: Array) -> Array:
        state, found = np.zeros((len(x), WIDTH)), []
        for time in range(PLACES):
            fed, past = (np.split(each, 3, axis=1) for each in (x[:, time] @ w, state @ u))
            update, reset = sigmoid(fed[0] + past[0]), sigmoid(fed[1] + past[1])
            state = update * state + (1.0 - update) * np.tanh(fed[2] + reset * past[2])
            found.append(state)
        return np.stack(found, axis=1)

    return function


def cell(kind: str, **more: Any) -> dict[str, Any]:
    deviation = gaussian(WIDTH**-0.5)
    return plain(kind, shape=[WIDTH, WIDTH], scheme=deviation, recurrent_scheme=deviation, **more)


def shares(generator: Generator) -> Function:
    w = matrix(generator, stddev=1.5 * WIDTH**-0.5)
    return lambda x: softmax(x @ w)


def tanh_gelu(x: Array) -> Array:
    found: Array = 0.5 * x * (1.0 + np.tanh((2.0 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))
    return found


def after_tanh_gelu(generator: Generator) -> Function:
    w = matrix(generator)
    return lambda x: tanh_gelu(x @ w)


def halves(generator: Generator) -> Function:
    """A gated linear unit: one matrix, cut in two (Dauphin et al. 2017)."""
    w = matrix(generator, WIDTH, 2 * WIDTH)
    return lambda x: (x @ w)[..., :WIDTH] * sigmoid((x @ w)[..., WIDTH:])


GLU = [
    dense("w", WIDTH, 2 * WIDTH), plain("split", "parts", sizes=[WIDTH, WIDTH]),
    plain("activation", "gate", activation="sigmoid", inputs=["parts:1"]),
    plain("multiply", inputs=["parts:0", "gate"]),
]  # fmt: skip


def first_place(generator: Generator) -> Function:
    w = matrix(generator)
    return lambda x: x[:, :1] @ w


CASES: dict[str, Case] = {
    "dense with a bias": ([dense("y", activation="tanh", bias=gaussian(0.4))], with_bias),
    "dense with a mean": ([dense("y", activation="tanh") | {"scheme": gaussian(WIDTH**-0.5, 0.02)}], constant_centre),
    "convolution, same": ([conv(3, padding="same")], convolved(3, 1, 1, 1)),
    "convolution, valid": ([conv(3, padding="valid")], convolved(3, 1, 0, 0)),
    "convolution, strides and numbers": ([conv(3, padding=2, strides=2)], convolved(3, 2, 2, 2)),
    "convolution, dilation": ([conv(3, padding="same", dilation=2)], convolved(3, 1, 2, 2, gap=2)),
    "convolution on a ring": ([conv(3)], ring),
    "depthwise": (
        [plain("depthwise_conv1d", shape=[3, WIDTH, 1], scheme=gaussian(3**-0.5), bias=None, padding="same")],
        depthwise,
    ),
    "separable": (
        [
            plain(
                "separable_conv1d",
                shape=[3, WIDTH, WIDTH],
                scheme=gaussian(3**-0.5),
                pointwise_scheme=gaussian(WIDTH**-0.5),
                bias=None,
                padding="same",
                activation="tanh",
            )
        ],
        separable,
    ),
    "transposed": (
        [
            plain(
                "conv1d_transpose",
                shape=[3, WIDTH, WIDTH],
                scheme=gaussian(WIDTH**-0.5),
                bias=None,
                strides=2,
                padding="valid",
            )
        ],
        transposed,
    ),
    "layer norm": ([norm("layer_norm")], normed((-1, -2))),
    "rms norm": ([norm("rms_norm")], normed((), centred=False)),
    "rms norm that counts from 1": (
        [plain("rms_norm", shape=[WIDTH], scheme=gaussian(0.3), offset=1.0)],
        normed((), centred=False),
    ),
    "group norm": ([norm("group_norm", num_groups=8)], normed((1, -1), groups=8)),
    "instance norm": (
        [dense("h"), norm("instance_norm")],
        lambda g: (lambda w, f: lambda x: f(x @ w))(matrix(g), normed((1, -1), groups=WIDTH)(g)),
    ),
    "batch norm": ([norm("batch_norm")], normed((0, 1, -1), groups=WIDTH)),
    "residual branch": (
        [dense("w", activation="tanh"), plain("scale", "half", by=0.5), plain("add", inputs=["x", "half"])],
        branch,
    ),
    "its own norm added": (
        [dense("h"), plain("layer_norm", "n", shape=[WIDTH]), plain("add", inputs=["h", "n"])],
        two_branches_of_one,
    ),
    "its own relu added": (
        [dense("h"), plain("activation", "r", activation="relu"), plain("add", inputs=["h", "r"])],
        relu_of_itself,
    ),
    "two functions of one added": (
        [
            dense("h"),
            plain("activation", "t", activation="tanh"),
            plain("activation", "r", activation="relu", inputs=["h"]),
            plain("add", inputs=["t", "r"]),
        ],
        both_sides,
    ),
    "its own mean over places less itself": (
        [
            dense("h"),
            plain("average_pool", "m", window=3, strides=1, padding="same"),
            plain("scale", "less", by=-1.0, inputs=["h"]),
            plain("add", inputs=["m", "less"]),
        ],
        pool_of_itself,
    ),
    "gate": ([dense("w"), dense("u", inputs=["x"], activation="sigmoid"), plain("multiply", inputs=["w", "u"])], gate),
    "squeeze and excitation": (
        [
            dense("w"),
            plain("global_average_pool", "mean"),
            dense("u", activation="sigmoid"),
            plain("reshape", "one", shape=[1, WIDTH]),
            plain("multiply", inputs=["w", "one"]),
        ],
        squeeze,
    ),
    "gated linear unit": (GLU, halves),
    "mixer": (MIXER, mixer),
    "features beside": (
        [dense("w", given=32), plain("concatenate", inputs=["x", "w"])],
        lambda g: (lambda w: lambda x: np.concatenate([x, x @ w], axis=-1))(matrix(g, WIDTH, 32)),
    ),
    "places beside": (
        [
            plain("tensor", "class", shape=[1, WIDTH], scheme=gaussian(1.0), inputs=[]),
            plain("concatenate", "all", inputs=["class", "x"], axis=1),
            dense("y"),
        ],
        lambda g: (lambda c, w: lambda x: np.concatenate([np.broadcast_to(c, (len(x), 1, WIDTH)), x], axis=1) @ w)(
            normal(g, 1, WIDTH), matrix(g)
        ),
    ),
    "one place of several": (
        [plain("split", "cut", sizes=[1, PLACES - 1], axis=1), dense("y", inputs=["cut:0"])],
        first_place,
    ),
    "largest of windows": ([dense("h", activation="relu"), plain("max_pool", window=3)], pooled(3, 3, 0, 0)),
    "largest of windows that overlap": (
        [dense("h", activation="relu"), plain("max_pool", window=3, strides=1)],
        pooled(3, 1, 0, 0),
    ),
    "mean of windows": ([plain("average_pool", window=2)], averaged(2, 2, 0, 0, False)),
    "mean of windows with zeros": ([plain("average_pool", window=3, strides=1, padding=1)], averaged(3, 1, 1, 1, True)),
    "mean over all places": ([plain("global_average_pool")], fixed(lambda x: x.mean(axis=1))),
    "nearest places": ([plain("upsample", factor=2)], fixed(lambda x: np.repeat(x, 2, axis=1))),
    "between places": ([plain("upsample", factor=2, method="linear")], fixed(linear_between)),
    "zeros around": ([plain("pad", padding=[[1, 2], [0, 0]])], fixed(lambda x: np.pad(x, ((0, 0), (1, 2), (0, 0))))),
    "flattened": (
        [plain("flatten", "flat"), dense("y", PLACES * WIDTH, WIDTH, 0.05)],
        lambda g: (lambda w: lambda x: x.reshape(len(x), -1) @ w)(matrix(g, PLACES * WIDTH, WIDTH, 0.05)),
    ),
    "attention, small logits": (projections(scale=0.02), attention(False, 0.02)),
    "attention, logits of variance 1": (projections(), attention(False, 0.25)),
    "attention whose logits are capped": (projections(softcap=1.5), attention(False, 0.25, cap=1.5)),
    "causal attention, small logits": (projections(scale=0.02, causal=True), attention(True, 0.02)),
    "causal attention": (projections(causal=True), attention(True, 0.25)),
    "attention with its projections": (
        [
            plain(
                "multi_head_attention",
                shape=[WIDTH, 4, 16],
                scheme=gaussian(WIDTH**-0.5),
                output_scheme=gaussian(WIDTH**-0.5),
                bias=None,
                causal=True,
            )
        ],
        with_projections,
    ),
    "grouped queries": (
        [
            plain(
                "grouped_query_attention",
                shape=[WIDTH, 4, 16],
                kv_heads=2,
                scheme=gaussian(WIDTH**-0.5),
                output_scheme=gaussian(WIDTH**-0.5),
                bias=None,
            )
        ],
        grouped,
    ),
    "rotary": (ROTARY, turned),
    "simple cell": ([cell("simple_rnn", bias=None)], simple_cell),
    "lstm": ([cell("lstm", bias="unit_forget_bias")], lstm),
    "gru": ([cell("gru", bias=None)], gru),
    "softmax over features": (
        [
            dense("w", stddev=1.5 * WIDTH**-0.5),
            plain("activation", activation="softmax"),
            plain("scale", "end", by=1.0),
        ],
        shares,
    ),
    "gelu by its tanh formula": (
        [dense("w"), plain("activation", activation="gelu", approximate=True)],
        after_tanh_gelu,
    ),
    "slope below 0": (
        [dense("h"), plain("prelu", shape=[WIDTH], scheme={"name": "constant", "value": 0.25})],
        lambda g: (lambda w: lambda x: np.where((h := x @ w) > 0, h, 0.25 * h))(matrix(g)),
    ),
    "low-rank update": ([dense("y", lora_rank=16)], lora),
    "gate of itself": (
        [dense("h"), plain("activation", "s", activation="sigmoid"), plain("multiply", inputs=["h", "s"])],
        gate_of_itself,
    ),
}
