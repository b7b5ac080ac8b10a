"""`torch-cpu/1`: what torch.manual_seed(seed) gives when the layers are constructed one after the other, on the CPU.

All layers are constructed with their defaults first; then the schemes that the spec states are applied in order, as
`model.apply(init)` would. A layer with a seed of its own is constructed, and its schemes are applied, with a generator
of its own. A recipe of a published model is built as that model is (models.py).
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from math import prod

import numpy as np

from service.errors import InvalidSpec, UnsupportedCombination
from service.networks.families import FAMILIES
from service.networks.families.engine import Construct, Filled, Step
from service.networks.fans import Fans
from service.networks.layers.convolution import DepthwiseConvolution, Grouped, SeparableConvolution
from service.networks.layers.dense import TransformersConv1D
from service.networks.layers.layer import LayerSpec
from service.networks.layers.tensor import Tensor as TensorLayer
from service.networks.parameters import ZEROS
from service.networks.schemes import Scheme
from service.networks.schemes.linear import Dirac, IdentityScheme, of_ones
from service.networks.schemes.plain import RandomNormal
from service.networks.schemes.tables import SinusoidalTable
from service.replay.framework import NO_STREAM, Array, ArrayDraws, Module, Replay, described, untruncated
from service.replay.orthogonal import by_decomposition
from service.replay.torch.draws import BLOCK, Call, Normal, Uniform, Walk
from service.replay.torch.draws import Step as Drawn
from service.replay.torch.inverse import ByInverse, before_2_12
from service.replay.torch.modules import called, constructed, expected, fans_of, kaiming_uniform
from service.replay.torch.steps import StepBiases
from service.replay.torch.whole import ColumnLengths, DiracTensor, Orthogonal, Sparse, TruncNormal
from service.stream.addresses import Runs
from service.stream.distributions import Constant
from service.stream.draws import Addressed
from service.stream.dtypes import DTYPES as DTYPES_OF
from service.stream.dtypes import DtypeName
from service.stream.matrices import Computed, Diagonal
from service.stream.stacks import Stack

LAPACK = by_decomposition("orthogonal_")
LAST_BIT = (
    "trunc_normal_ with bounds that leave so little compares with logarithms, whose last bit in float32 and float64 "
    "is the library's; it is checked that none decides where that takes a tenth of a second"
)
FUNCTIONS = (
    "torch makes mamba's biases of steps with exp, log and expm1 of the library that it is built with, by which a "
    "value may be 2 units off in the last place"
)
MKL = "the inverse error function of float64 is MKL's, whose last bits are its own"
OTHER_LIBRARY = "this machine's C library has other logarithms, sines or cosines than glibc, which torch's wheels use"
ANGLES = (
    "torch makes the sines and cosines of whisper's positions from angles rounded to the model's dtype: in float32 "
    "those at position n are up to n / 2^23 from the ones here"
)
# sha256 of 65,536 float64 normals made at once, and as many made few by few, of seed 0.
LIBRARY_SAMPLE = 2**16
LIBRARY_DIGEST = "e1eeec09d568eb3b6293b3632f87f58e2450a455c38e2bf21145e5db62c5ee85"
TRANSFORMERS = {"weight": RandomNormal(name="random_normal", mean=0.0, stddev=0.02), "bias": ZEROS}
CERTAIN = 2**32  # operations that checking it may take


def reason_inexact(step: Drawn) -> str | None:
    """Return why a call's values may differ from torch's own, None where they cannot."""
    tensor = step.tensor
    match step.call:
        case Orthogonal():
            return LAPACK
        case StepBiases():
            return FUNCTIONS
        case TruncNormal() as call if not call.from_normals and not (tensor.half and tensor.fused):
            return None if step.walk.certain(step.index, CERTAIN) else LAST_BIT
        case ByInverse() if tensor.wide:
            return MKL
        case Normal() | TruncNormal() | Sparse() if tensor.by_library and not library_agrees():
            return OTHER_LIBRARY
    return None


def refuse_dtype(step: Drawn, array: Array) -> None:
    """Refuse what torch refuses in half precision."""
    dtype = step.tensor.dtype
    match step.call:
        case Orthogonal() if step.tensor.half:
            why = f"torch takes no QR decomposition in {dtype}"
        case Uniform(low, high) if high - low > DTYPES_OF[dtype].largest:
            why = f"torch's uniform_ takes no interval wider than {dtype}'s largest number"
        case _:
            return
    raise UnsupportedCombination(why, array.pointer, {"dtype": "float32"})


@lru_cache(maxsize=1)
def library_agrees() -> bool:
    """Whether this machine's log, log1p, sine and cosine are, in float64, those that torch was compared with."""
    walk = Walk(0)
    values = np.empty(LIBRARY_SAMPLE)
    walk.add(Normal(0.0, 1.0), (LIBRARY_SAMPLE,), "float64").open()(Runs.one(0, LIBRARY_SAMPLE), values)
    few = [walk.add(Normal(0.0, 1.0), (BLOCK - 1,), "float64").open() for _ in range(LIBRARY_SAMPLE // BLOCK)]
    digest = hashlib.sha256(values.tobytes())
    for fill in few:
        fill(Runs.one(0, BLOCK - 1), values[: BLOCK - 1])
        digest.update(values[: BLOCK - 1].tobytes())
    return digest.hexdigest() == LIBRARY_DIGEST


def give(walk: Walk, call: Call, array: Array, fans: Fans | None = None) -> ArrayDraws:
    """Return what a call gives an array; `fans` are those of the layer's own default unless a scheme counted others."""
    step = walk.add(call, array.shape, array.dtype)
    refuse_dtype(step, array)
    fans = fans or array.parameter.site("pytorch").fans
    return ArrayDraws(expected(call, array), fans, step, reason_inexact(step))


def construct(modules: Sequence[Module], seed: int, start: Callable[[int], Walk] = Walk) -> list[dict[str, ArrayDraws]]:
    """Construct every module, then apply the schemes that are stated."""
    shared = start(seed)
    walks = [shared if module.spec.seed is None else start(module.spec.seed) for module in modules]
    found: list[dict[str, ArrayDraws]] = []
    later: list[tuple[int, Array]] = []
    for index, (module, walk) in enumerate(zip(modules, walks, strict=True)):
        found.append({name: without_chance(array) for name, array in module.arrays.items()})
        if isinstance(module.spec, TensorLayer):
            (array,) = module.arrays.values()
            apply(found[index], walk, array, array.stated, module.spec)
            continue
        for draw in constructed(module):
            if draw.name:
                given = give(walk, draw.call, module.arrays[draw.name])
                found[index] |= dict.fromkeys((draw.name, *draw.copies), given)
            else:
                walk.add(draw.call, draw.shape, module.dtype)
        if isinstance(module.spec, TransformersConv1D):  # the transformers library's own defaults
            for name, each in found[index].items():
                found[index][name] = replace(each, scheme=TRANSFORMERS[name])
        # Drawn all the same, but 0 by the layer's own table: torch's second bias, where one is stated.
        zeros = [array for array in module.arrays.values() if array.parameter.defaults.get("pytorch") == ZEROS]
        found[index] |= {array.name: without_chance(array) for array in zeros}
        later += [(index, array) for array in visited(module) if array.stated is not None]
    for index, array in later:
        apply(found[index], walks[index], array, array.stated, modules[index].spec)
    return priced(found)


def priced(found: list[dict[str, ArrayDraws]]) -> list[dict[str, ArrayDraws]]:
    """Charge each array, in the order of an answer, with the calls that must be made to know where its own begins."""
    known: dict[int, int] = {}  # of each walk, the calls whose place is known by then
    for given in found:
        for name, each in given.items():
            step = each.draws
            if isinstance(step, Drawn):
                before = known.get(id(step.walk), 0)
                known[id(step.walk)] = max(before, step.index + 1)
                passed = step.walk.work_between(before, step.index)
                given[name] = replace(each, draws=replace(step, passed=passed))
    return found


def build(
    steps: Sequence[Step], modules: Sequence[Module], seed: int, start: Callable[[int], Walk] = Walk
) -> list[dict[str, ArrayDraws]]:
    """Make a model's draws in its own order; an array keeps the last one that is not lost."""
    walk = start(seed)
    named = {module.name: module for module in modules}
    found = {module.name: {name: left_by_model(array) for name, array in module.arrays.items()} for module in modules}
    for step in steps:
        module, given = named[step.layer], found[step.layer]
        match step:
            case Construct():
                for draw in constructed(module):
                    drawn = walk.add(draw.call, draw.shape, module.dtype)
                    if draw.name:
                        given[draw.name] = kept(module.arrays[draw.name], draw.call, drawn)
            case Filled(scheme=scheme, lengths_of=source) if source:
                (array,), (of,) = module.arrays.values(), found[source].values()
                given[array.name] = measured(array, scheme, of, walk)
            case Filled(parameter=parameter, scheme=scheme, lost=lost, inexact=inexact):
                array = next(each for each in module.arrays.values() if each.parameter.name == parameter)
                call = called(array, scheme, partial(fans_of, array))
                made = computed(array, scheme) if call is None else None
                if call is not None:
                    made = kept(array, call, walk.add(call, array.shape, array.dtype), inexact)
                if not lost and made is not None:
                    given[array.name] = made
    return priced(list(found.values()))


def computed(array: Array, scheme: Scheme) -> ArrayDraws:
    """Return what a scheme without chance leaves; torch makes tables of halves in float32, with its own library."""
    by_library = isinstance(scheme, SinusoidalTable) and scheme.order == "halves"
    return replace(left_by_model(array), scheme=scheme, inexact=ANGLES if by_library else None)


def measured(array: Array, about: Scheme, of: ArrayDraws, walk: Walk) -> ArrayDraws:
    """Return the lengths of another array's columns, which are about as a constant says."""
    if not isinstance(of.draws, Drawn):
        raise TypeError("weight_norm measures what is drawn")
    length = about.realise(array.parameter.site("pytorch")).mean
    spread = length / math.sqrt(5.0 * of.draws.elements / prod(array.shape))  # of the length of so many uniforms
    expected = Computed((length, spread, 0.0, None), ("lengths",), 0, lambda chance: np.empty(0), by_chance=True)
    return ArrayDraws(expected, array.parameter.fans, walk.add(ColumnLengths(of.draws), array.shape, array.dtype))


def kept(array: Array, call: Call, step: Drawn, inexact: str = "") -> ArrayDraws:
    return ArrayDraws(expected(call, array), array.parameter.fans, step, inexact or reason_inexact(step))


def left_by_model(array: Array) -> ArrayDraws:
    """Return what a published model's own initialisation leaves without chance: biases at 0, whatever the defaults."""
    return replace(without_chance(array), scheme=ZEROS if array.parameter.role == "bias" else None)


def visited(module: Module) -> list[Array]:
    """Return a module's arrays as `model.apply` comes to them: those of modules within it first."""
    return [module.arrays[name] for name in in_post_order(list(module.arrays))]


def in_post_order(names: Sequence[str], prefix: str = "") -> Iterator[str]:
    """Yield the names of arrays, dots in which part modules within modules, those of a module's own last."""
    own, within = [], dict[str, list[str]]()
    for name in names:
        child, dot, _ = name.removeprefix(prefix).partition(".")
        if dot:
            within.setdefault(f"{prefix}{child}.", []).append(name)
        else:
            own.append(name)
    for child, inner in within.items():
        yield from in_post_order(inner, child)
    yield from own


def without_chance(array: Array) -> ArrayDraws:
    return ArrayDraws(Constant(0.0), array.parameter.site("pytorch").fans, None)


def apply(given: dict[str, ArrayDraws], walk: Walk, array: Array, scheme: Scheme | None, spec: LayerSpec) -> None:
    """Give an array what a scheme draws at this place; no scheme, on a bare tensor, is the default of weights."""
    of_bare = isinstance(spec, TensorLayer) and not (spec.fan_in is None and spec.fan_out is None)

    def fans() -> Fans:
        return array.parameter.fans if of_bare else fans_of(array)

    counted = fans() if of_bare or len(array.shape) > 1 else None

    match scheme:
        case Dirac():
            given[array.name] = dirac(scheme, array, spec)
        case IdentityScheme():
            given[array.name] = eye(scheme, array)
        case _:
            call = kaiming_uniform(fans().fan_in) if scheme is None else called(array, scheme, fans)
            made = without_chance(array) if call is None else give(walk, call, array, counted)
            given[array.name] = replace(made, padded=False)  # it overwrites a padding token's row too


def dirac(scheme: Dirac, array: Array, spec: LayerSpec) -> ArrayDraws:
    """Return dirac_, which reads the axes as torch has them; groups are the layer's unless the scheme says."""
    match spec:
        case DepthwiseConvolution(shape=[*_, inputs, _]):
            own = inputs
        case SeparableConvolution(shape=[*_, inputs, _]) if array.name == "depthwise.weight":
            own = inputs
        case Grouped():
            own = spec.groups
        case _:
            own = 1
    groups = scheme.groups or own
    if not 3 <= len(array.shape) <= 5 or array.shape[0] % groups:
        raise InvalidSpec(
            f"torch's dirac_ takes three to five axes, and groups that divide the first, not {described(array)}",
            array.pointer,
        )
    ones = min(array.shape[0] // groups, array.shape[1]) * groups
    expected = of_ones(ones, prod(array.shape), scheme.gain)
    known = Computed(expected, ("dirac", array.shape, groups, scheme.gain), 0, lambda chance: np.empty(0))
    return ArrayDraws(known, fans_of(array), DiracTensor(array.shape, groups, scheme.gain))


def eye(scheme: IdentityScheme, array: Array) -> ArrayDraws:
    """Return eye_ on an array as torch has it: of a recurrent layer, all gates together."""
    if len(array.shape) != 2:
        raise InvalidSpec(f"torch's eye_ takes exactly two axes, not {described(array)}", array.pointer)
    rows, columns = array.shape
    diagonal = Diagonal(Stack.one(rows, columns), scheme.gain)
    return ArrayDraws(diagonal, fans_of(array), Addressed(diagonal, NO_STREAM, rows * columns), padded=False)


DTYPES: tuple[DtypeName, ...] = ("float32", "float64", "float16", "bfloat16")
ERFINV = (
    "truncated normals by the inverse error function (timm's, and torch's before 2.12), but in float64: as MKL 2024.2 "
    "has it on an AMD processor, which rounds 3 of 10,000 numbers of float32 to the farther one"
)
REST = (FUNCTIONS, ANGLES, "GPUs have other generators; recipes that are no published model have none to be like")
EXACT = (
    "uniform_, normal_, trunc_normal_, sparse_, kaiming_*, xavier_*, constants, dirac_, eye_",
    "every layer's defaults, in the order in which torch draws them",
    "published models, with and without heads: AutoModel….from_config of the transformers library after set_seed(seed)",
    ERFINV,
    "float64 normals by the C library's log, log1p, sin and cos, which a test at start compares with glibc's",
)
TORCH = Replay(
    name="torch-cpu/1",
    summary="torch.manual_seed(seed), the layers constructed one after the other on the CPU, then the stated schemes.",
    layout="pytorch",
    dtypes=DTYPES,
    versions={"torch": "2.13.0", "transformers": "5.24.0"},
    addressable=False,
    exact=("as on x86-64 processors with AVX2 and FMA, with any number of threads", *EXACT),
    inexact=(LAPACK, LAST_BIT, MKL, *REST),
    example={"algorithm": "torch-cpu/1", "seed": 0, "layers": [{"type": "dense", "shape": [784, 256]}]},
    construct=construct,
    least_seed=-(2**63),
    in_kind=untruncated,
    recipes=tuple(FAMILIES),
    build=build,
)
TORCH_DEFAULT = replace(
    TORCH,
    name="torch-cpu-default/1",
    summary="As torch-cpu/1, on processors without AVX2 and FMA, or with ATEN_CPU_CAPABILITY=default.",
    exact=EXACT,
    inexact=(LAPACK, LAST_BIT, MKL),
    example={**TORCH.example, "algorithm": "torch-cpu-default/1"},
    construct=partial(construct, start=partial(Walk, fused=False)),
    build=partial(build, start=partial(Walk, fused=False)),
)
BEFORE_2_12 = partial(Walk, older=before_2_12)
TORCH_2_11 = replace(
    TORCH,
    name="torch-cpu-2.11/1",
    summary="As torch-cpu/1, before torch 2.12: trunc_normal_ by the inverse error function.",
    dtypes=("float32", "float64"),
    versions={"torch": "2.11.0"},
    exact=("as on x86-64 processors with AVX2 and FMA, with any number of threads", *EXACT),
    inexact=(LAPACK, MKL, "in half precision torch drew uniforms otherwise then: refused", *REST),
    example={
        "algorithm": "torch-cpu-2.11/1",
        "seed": 0,
        "layers": [{"type": "dense", "shape": [784, 256], "scheme": {"name": "torch:trunc_normal", "std": 0.02}}],
    },
    construct=partial(construct, start=BEFORE_2_12),
    build=partial(build, start=BEFORE_2_12),
)
