"""`flax-linen/1`: Module.init(jax.random.key(seed), …), each parameter's key by its module's path.

`flax-nnx/1`: nnx.Rngs(seed), the layers built one after the other, a count of the parameters before each.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from service.networks.layers.dropout import Dropout
from service.networks.layers.recurrent import Gru, Recurrent
from service.networks.layers.tensor import Tensor
from service.replay.flax.gru import give_gru
from service.replay.flax.layers import LINEN, NNX, called_with, check, is_statistic, kind_of
from service.replay.framework import ArrayDraws, Module, Replay
from service.replay.jax.algorithm import DTYPES, VERSIONS, call_of, key_for, refuse_stated_fans
from service.replay.jax.initialisers import initialise
from service.replay.jax.matrices import LAPACK
from service.replay.jax.random import LEAST_SEED, Key, fold_in

FLAX = {**VERSIONS, "flax": "0.12.8"}
EAGER = "init called eagerly: under jax.jit the constants of a normal are folded, Embed's too, and its last bits differ"
RECURRENT = f"recurrent kernels by default: {LAPACK}"


def key_at(root: Key, path: Sequence[str], number: int) -> Key:
    """Return the key of the parameter with this number, from 1, of the module at a path of names."""
    digest = hashlib.sha1()
    for name in path:
        digest.update(name.encode())
    digest.update(number.to_bytes((number.bit_length() + 7) // 8, "big"))
    return fold_in(root, int.from_bytes(digest.digest()[:4], "big"))


def places_of(module: Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each array's name and the path of names of the module that makes it, that of statistics left out."""
    path = tuple(module.name.split("."))
    for name in module.arrays:
        if isinstance(module.spec, Tensor):
            yield name, path[:-1]  # self.param(…) of the module that it is named in
        elif not is_statistic(module, name):
            yield name, (*path, *name.split("/")[:-1])


def give(framework: str, module: Module, keys: dict[str, Key]) -> dict[str, ArrayDraws]:
    """Return how a module's arrays come about, each with its key; statistics need none."""
    made = {}
    for name, array in module.arrays.items():
        call = replace(call_of(framework, array, keys.get(name, (0, 0))), shape=called_with(module, array))
        by_default = array.stated is None and array.parameter.role == "recurrent"
        if framework == NNX and module.spec.type == "lstm" and by_default:
            call = replace(call, dtype="float32")  # nnx's own orthogonal, which is cast afterwards
        made[name] = initialise(call, array.scheme_in("flax"))
    return made


def construct_linen(modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]:
    made = []
    counts: dict[tuple[str, ...], int] = {}  # parameters made so far, by their module's path
    for module in modules:
        check(LINEN, module)
        refuse_stated_fans(module)
        root = key_for(module, seed)
        keys = {}
        for name, path in places_of(module):
            counts[path] = counts.get(path, 0) + 1
            keys[name] = key_at(root, path, counts[path])
        made.append(give(LINEN, module, keys))
    return made


class Stream:
    """nnx's counter of keys."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.count = 0

    def following(self) -> Key:
        self.count += 1
        return fold_in(self.key, self.count - 1)


def in_order(module: Module) -> Iterator[str]:
    """Yield a module's arrays that take a key, in the order in which nnx makes them."""
    names = [name for name in module.arrays if not is_statistic(module, name) and module.spec.type != "prelu"]
    if isinstance(module.spec, Recurrent):
        cells = {name: name.rpartition("/")[0].rpartition("/")[0] for name in names}
        places = list(dict.fromkeys(cells.values()))
        # LSTM's input matrices come first, the simple cell's state; a name is that side's letter and the gate's.
        last = "h" if module.spec.type == "lstm" else "i"
        names.sort(key=lambda name: (places.index(cells[name]), name.split("/")[-2].startswith(last)))
    yield from names


def construct_nnx(modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]:
    made = []
    shared: Stream | None = None
    for module in modules:
        check(NNX, module)
        refuse_stated_fans(module)
        if module.spec.seed is not None:
            stream = Stream(key_for(module, seed))
        else:
            shared = stream = shared or Stream(key_for(module, seed))
        if isinstance(module.spec, Dropout):
            stream.following()  # its masks' own
        if isinstance(module.spec, Gru):
            made.append(give_gru(module, stream.following))
        else:
            keys = {name: stream.following() for name in in_order(module)}
            made.append(give(NNX, module, keys))
    return made


LINEN_REPLAY = Replay(
    name="flax-linen/1",
    summary="Module.init(jax.random.key(seed), …) of linen modules with the layers' names.",
    layout="flax",
    dtypes=DTYPES,
    versions=FLAX,
    addressable=True,
    exact=(
        "on x86-64 processors with FMA, whatever the number of threads",
        EAGER,
        "a layer's name is its module's; dots in it part the names of modules within modules (Blk_0.Conv_0)",
        "a layer without a name has linen's own, by class and order: Dense_0, Conv_0, Conv_1, LSTMCell_0",
        "a tensor is self.param(name, init, shape) of the module that it is named in, in the order of the layers",
        "recurrent layers are nn.RNN(Cell(name=…)), both ways nn.Bidirectional with its cells as attributes; "
        "a separable convolution is two nn.Conv, depthwise and pointwise, in a module",
        "param_dtype is the answer's dtype; a layer's own seed is that of its root key",
    ),
    inexact=(RECURRENT, "GPUs and TPUs compute other last bits"),
    example={
        "algorithm": "flax-linen/1",
        "seed": 0,
        "layers": [{"type": "conv2d", "shape": [3, 3, 1, 8]}, {"type": "dense", "shape": [512, 10]}],
    },
    construct=construct_linen,
    least_seed=LEAST_SEED,
    kind_of=kind_of,
)
NNX_REPLAY = replace(
    LINEN_REPLAY,
    name="flax-nnx/1",
    summary="nnx.Rngs(seed), the nnx modules built one after the other.",
    exact=(
        "on x86-64 processors with FMA, whatever the number of threads",
        EAGER,
        "arrays take one key each, in the order in which nnx's constructors make them; statistics and PReLU take none",
        "a tensor is nnx.Param(init(rngs.params(), shape, dtype)), with a key whatever its scheme",
        "nnx.RNN and nnx.Bidirectional are given no rngs; a dropout layer takes a key, as nnx.Dropout does",
        "GRU's matrices are drawn side by side, as nnx has them, and named as linen's; nnx has no bias hn, here 0",
        "param_dtype, and LoRA's, is the answer's dtype; a layer's own seed is nnx.Rngs(seed) for it alone",
    ),
    example={**LINEN_REPLAY.example, "algorithm": "flax-nnx/1"},
    construct=construct_nnx,
    kind_of=None,
)
