"""`keras-numpy/1` and its like: what keras.utils.set_random_seed(seed) gives when the layers are built one by one.

set_random_seed seeds Python's `random`, of which each random initialiser takes a seed when it is constructed without
one. An initialiser draws with a generator of its own: the backend's.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import prod

from service.errors import UnsupportedCombination
from service.networks.parameters import ZEROS
from service.replay.framework import Array, ArrayDraws, Module, Replay
from service.replay.keras.backends import Jax, NumPy, TensorFlow, Torch
from service.replay.keras.draws import LAPACK, STFT, Backend, InFloat32, fixed
from service.replay.keras.laws import Fixed, Law, Normal, Orthogonal, Truncated, Uniform, law_of
from service.replay.keras.layers import FORGETFUL, SEED_GENERATOR, Constructed, check, constructed, fans_of
from service.replay.orthogonal import OrthogonalDraws
from service.stream.draws import Draws
from service.stream.dtypes import DTYPES, DtypeName

SEEDS = 2**32  # numpy.random.seed, which set_random_seed calls on every backend, takes those below
NOTHING = Fixed(ZEROS)  # of an array that the layer does not have
MOST = 10**9  # the largest seed of an initialiser without one
LORA = "Keras keeps LoRA's arrays in float32 whatever the layer's dtype; here they have the answer's"


def seeds_of(seed: int) -> Callable[[], int]:
    """Return what gives the seeds of initialisers one after the other."""
    if not 0 <= seed < SEEDS:
        raise UnsupportedCombination(
            f"keras.utils.set_random_seed takes seeds from 0 to below {SEEDS}", "/seed", {"seed": seed % SEEDS}
        )
    sequence = random.Random(seed)
    return lambda: sequence.randint(1, MOST)


def laws_of(module: Module) -> dict[str, Law]:
    return {
        name: law_of(array.scheme_in("keras"), array, fans_of(module, array)) for name, array in module.arrays.items()
    }


def take_seeds(
    initialisers: Sequence[Constructed], own: int | None, laws: dict[str, Law], following: Callable[[], int]
) -> Iterator[tuple[str, int]]:
    """Yield each random array's seed; a layer's own is that of its seed generator and of all its initialisers."""
    for each in initialisers:
        if each in (SEED_GENERATOR, FORGETFUL) or not isinstance(laws.get(each.array, NOTHING), Fixed):
            seed = following() if own is None or each is FORGETFUL else own
            if each.used:
                yield each.array, seed


def draw(law: Law, seed: int, array: Array, dtype: DtypeName, backend: Backend) -> Draws:
    elements = prod(array.shape)
    match law:
        case Normal():
            return backend.normal(law, seed, elements, dtype)
        case Truncated():
            return backend.truncated(law, seed, elements, dtype)
        case Uniform():
            return backend.uniform(law, seed, elements, dtype)
        case Orthogonal():
            if dtype not in backend.with_orthogonal:
                raise UnsupportedCombination(
                    f"Keras's Orthogonal has no {dtype} on {backend.name}",
                    array.pointer,
                    {"dtype": "float32", "exact": False},
                )
            gaussian = backend.normal(Normal(0.0, 1.0), seed, elements, dtype)
            return OrthogonalDraws(gaussian, law.rows, law.columns, law.gain, DTYPES[dtype].drawn)
    raise TypeError(f"nothing is drawn of {law}")


def give(backend: Backend, module: Module, array: Array, law: Law, seed: int | None) -> ArrayDraws:
    """Return how an array comes about; LoRA's are drawn in float32."""
    lora = array.name.startswith("lora_kernel")
    kind: DtypeName = "float32" if lora else array.dtype
    fans = fans_of(module, array)
    expected = law.expected(array, backend.farthest) if isinstance(law, Truncated) else law.expected(array)
    if isinstance(law, Fixed):
        draws, reason = fixed(law.scheme, array, backend)
        return ArrayDraws(expected, fans, draws, reason)
    assert seed is not None
    draws = draw(law, seed, array, kind, backend)
    if lora and array.dtype != "float32":
        return ArrayDraws(expected, fans, InFloat32(draws), LORA)
    return ArrayDraws(expected, fans, draws, LAPACK if isinstance(law, Orthogonal) else None)


def check_seed(backend: Backend, module: Module, initialisers: Sequence[Constructed]) -> None:
    """Refuse a layer's own seed that Keras refuses; recurrent layers and dropout have a seed generator as well."""
    own, pointer = module.spec.seed, f"{module.pointer}/seed"
    if own is not None and own > backend.largest_seed:
        raise UnsupportedCombination(
            f"an initialiser's seed is at most {backend.largest_seed} on {backend.name}", pointer
        )
    least, largest = backend.least_state, backend.largest_state
    if own is not None and not least <= own <= largest and SEED_GENERATOR in initialisers:
        raise UnsupportedCombination(
            f"the seed of a layer with a seed generator is from {least} to {largest} on {backend.name}", pointer
        )


def construct(backend: Backend, modules: Sequence[Module], seed: int) -> list[dict[str, ArrayDraws]]:
    """Construct and build the layers one after the other."""
    following = seeds_of(seed)
    found = []
    for module in modules:
        initialisers = list(constructed(module))
        check(module)
        check_seed(backend, module, initialisers)
        laws = laws_of(module)
        seeds = dict(take_seeds(initialisers, module.spec.seed, laws, following))
        found.append({
            name: give(backend, module, array, laws[name], seeds.get(name)) for name, array in module.arrays.items()
        })  # fmt: skip
    return found


EXACT = (
    "RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling and its presets, Constant, Zeros, Ones, Identity",
    "every layer's defaults, with the seeds in the order in which Keras's layers take them",
)


def replay(backend: Backend, title: str, dtypes: tuple[DtypeName, ...], versions: dict[str, str], addressable: bool,
           exact: tuple[str, ...] = (), inexact: tuple[str, ...] = ()) -> Replay:  # fmt: skip
    name = f"keras-{backend.name}/1"
    return Replay(
        name=name,
        summary=f"keras.utils.set_random_seed(seed), the layers built one after the other, with {title} as backend.",
        layout="keras",
        dtypes=dtypes,
        versions={"keras": "3.15.1", **versions},
        addressable=addressable,
        exact=(*EXACT, *exact),
        inexact=(LAPACK, STFT, LORA, *inexact),
        example={"algorithm": name, "seed": 0, "layers": [{"type": "dense", "shape": [784, 256]}]},
        construct=partial(construct, backend),
        seeds=SEEDS,
        least_seed=backend.least_seed,
    )


KERAS = (
    replay(
        NumPy(), "NumPy", ("float32", "float16", "bfloat16"), {"numpy": "2.4.6"}, addressable=False,
        exact=("normals' tails by the C library's exp and log1p: glibc 2.28 or newer",),
        inexact=("in float64, Keras keeps float32 values on this backend: refused",),
    ),
    replay(
        Torch(), "torch", ("float32", "float64", "float16", "bfloat16"), {"torch": "2.13.0"}, addressable=False,
        exact=(
            "as on x86-64 processors with AVX2 and FMA, with any number of threads",
            "float64 normals by the C library's log, sin, cos and log1p: glibc 2.28 or newer",
        ),
    ),
    replay(
        Jax(), "JAX", ("float32", "float16", "bfloat16"), {"jax": "0.10.2"}, addressable=True,
        inexact=("in float64, JAX without jax_enable_x64 makes float32 values: refused",),
    ),
    replay(
        TensorFlow(), "TensorFlow", ("float32", "float64", "float16", "bfloat16"), {"tensorflow": "2.21.0"},
        addressable=True,
        exact=("float64 normals by the C library's log, sin and cos: glibc 2.28 or newer",),
    ),
)  # fmt: skip
