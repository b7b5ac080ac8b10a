"""`jax-threefry/1`: jax.nn.initializers called for each array with a key of the spec's seed, or of its layer's own."""

from collections.abc import Sequence

from service.networks.fans import Fans
from service.networks.layers.tensor import Tensor
from service.replay.framework import Array, ArrayDraws, Module, Replay, no_such_member
from service.replay.jax.call import Call, count, whole
from service.replay.jax.initialisers import initialise
from service.replay.jax.matrices import LAPACK
from service.replay.jax.random import LEAST_SEED, Key, key_of
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


def construct(modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]:
    made = []
    for module in modules:
        refuse_stated_fans(module)
        key = key_for(module, seed)
        made.append({
            name: initialise(call_of("JAX", array, key), array.scheme_in("flax"))
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
