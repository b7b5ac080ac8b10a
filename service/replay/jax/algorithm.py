"""`jax-threefry/1`: jax.nn.initializers called for each array with a key of the spec's seed, or of its layer's own.

`jax-threefry-jit/1`: the same under jax.jit, which folds constants.
`jax-threefry-original/1`: the same with the flag jax_threefry_partitionable off, as it was before JAX 0.5.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from service.errors import UnsupportedCombination
from service.networks.fans import Fans
from service.networks.layers.tensor import Tensor
from service.replay.framework import Array, ArrayDraws, Module, Replay, described, no_such_member
from service.replay.jax.call import Call, count, whole
from service.replay.jax.initialisers import initialise
from service.replay.jax.matrices import LAPACK
from service.replay.jax.random import LEAST_SEED, JaxDraws, JittedDraws, Key, OriginalDraws, key_of
from service.stream.dtypes import DtypeName

DTYPES: tuple[DtypeName, ...] = ("float32", "bfloat16", "float16")
VERSIONS = {"jax": "0.10.2"}
EXACT = (
    "on x86-64 processors with FMA, whatever the number of threads",
    "initialisers called eagerly: under jax.jit the constants of a normal are folded, and its last bits differ",
    "JAX's own defaults: no jax_enable_x64, jax_threefry_partitionable on",
    "random_uniform from 0 is initializers.uniform(scale), otherwise jax.random.uniform(key, shape, dtype, low, high)",
    "a mean other than 0 is added to what the initialiser gives",
    "fans are counted off the array's shape: inputs in the last axis but one, outputs in the last",
)
MOST_AT_ONCE = 2**32 - 1
INEXACT = (LAPACK, "GPUs and TPUs compute other last bits")


def embedding_fans(array: Array) -> Fans | None:
    """Return the fans of an embedding's own default: its rows are outputs, so that both axes are the first."""
    if array.stated is not None or array.parameter.role != "embedding":
        return None
    fan_in = count(array.shape, out_axis=0).fan_in
    return Fans(fan_in=array.shape[0], fan_out=fan_in)


def call_of(framework: str, array: Array, key: Key) -> Call:
    return Call(framework, array, key, array.dtype, array.shape, embedding_fans(array))


def refuse_stated_fans(module: Module) -> None:
    """Refuse a bare array whose spec says other fans than its shape."""
    if not isinstance(module.spec, Tensor) or len(module.spec.shape) < 2:
        return
    own = whole(count(tuple(module.spec.shape)))
    for member, number in (("fan_in", own.fan_in), ("fan_out", own.fan_out)):
        if getattr(module.spec, member) not in (None, number):
            raise no_such_member(
                module, member, f"JAX counts fans off the shape: {member} is {number}", {member: number}
            )


def key_for(module: Module, seed: int) -> Key:
    """Return the key of a layer's own seed, or of the spec's."""
    own = module.spec.seed
    return key_of(seed) if own is None else key_of(own, f"{module.pointer}/seed")


def construct(modules: Sequence[Module], seed: int, draws: type[JaxDraws] = JaxDraws) -> list[dict[str, ArrayDraws]]:
    made = []
    for module in modules:
        refuse_stated_fans(module)
        key = key_for(module, seed)
        made.append({
            name: initialise(replace(call_of("JAX", array, key), draws=draws), array.scheme_in("flax"))
            for name, array in module.arrays.items()
        })  # fmt: skip
    return made


JAX = Replay(
    name="jax-threefry/1",
    summary="jax.nn.initializers: each array drawn with the same jax.random.key(seed), or with its layer's own seed's.",
    layout="flax",
    dtypes=DTYPES,
    versions=VERSIONS,
    addressable=True,
    exact=EXACT,
    inexact=INEXACT,
    example={
        "algorithm": "jax-threefry/1",
        "seed": 42,
        "layers": [{"type": "tensor", "shape": [64, 33], "scheme": "glorot_uniform"}],
    },
    construct=construct,
    least_seed=LEAST_SEED,
)


def construct_jitted(modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]:
    for module in modules:
        for array in module.arrays.values():
            if getattr(array.stated, "mean", 0.0):
                detail = "under jax.jit a mean may be added to a product at once; jax-threefry/1 adds it apart"
                raise UnsupportedCombination(detail, array.pointer, {"algorithm": "jax-threefry/1"})
    return construct(modules, seed, JittedDraws)


def construct_original(modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]:
    for module in modules:
        for array in module.arrays.values():
            if prod(array.shape) > MOST_AT_ONCE:
                detail = f"JAX drew more than {MOST_AT_ONCE:,} elements in parts then: {described(array)}"
                raise UnsupportedCombination(detail, f"{module.pointer}/shape")
    return construct(modules, seed, OriginalDraws)


JAX_JIT = replace(
    JAX,
    name="jax-threefry-jit/1",
    summary="As jax-threefry/1 under jax.jit: jax.jit(initializer)(key), whose normals have other last bits.",
    dtypes=("float32",),
    exact=(
        EXACT[0],
        "initialisers called under jax.jit, each by itself, or in a function that does no more with them",
        *EXACT[2:4],
        EXACT[5],
    ),
    inexact=(*INEXACT, "a mean other than 0 and half precision: refused"),
    example={**JAX.example, "algorithm": "jax-threefry-jit/1"},
    construct=construct_jitted,
)
JAX_ORIGINAL = replace(
    JAX,
    name="jax-threefry-original/1",
    summary="As jax-threefry/1 with jax_threefry_partitionable off, as before JAX 0.5: words by halves of an array.",
    dtypes=("float32",),
    exact=(*EXACT[:2], "with the flag jax_threefry_partitionable off; no jax_enable_x64", *EXACT[3:]),
    inexact=(*INEXACT, "half precision, which drew several elements of a word then: refused"),
    example={**JAX.example, "algorithm": "jax-threefry-original/1"},
    construct=construct_original,
)
