"""`torch-cpu/1`: what torch.manual_seed(seed) gives when the layers are constructed one after the other, on the CPU.

All layers are constructed with their defaults first; then the schemes that the spec states are applied in order, as
`model.apply(init)` would. A layer with a seed of its own is constructed, and its schemes are applied, with a generator
of its own. A recipe of a published model is built as that model is (torch_models.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from service.weights.distributions import Constant
from service.weights.dtypes import DtypeName
from service.weights.errors import InvalidSpec
from service.weights.fans import Fans
from service.weights.layers.dense import TransformersConv1D
from service.weights.layers.layer import LayerSpec
from service.weights.layers.tensor import Tensor as TensorLayer
from service.weights.parameters import ZEROS
from service.weights.replay.framework import Array, Given, Module, Replay
from service.weights.replay.torch_draws import Call, Step, Tensor, Walk
from service.weights.replay.torch_models import MODELS
from service.weights.replay.torch_modules import called, constructed, expected, fans_of, kaiming_uniform
from service.weights.replay.torch_whole import DiracTensor, Orthogonal, TruncNormal
from service.weights.schemes import Scheme
from service.weights.schemes.linear import Dirac
from service.weights.schemes.plain import RandomNormal

LAPACK = "orthogonal_ takes a QR decomposition from LAPACK, whose last bits differ between builds and processors"
LAST_BIT = (
    "trunc_normal_ with bounds that leave so little compares with logarithms, whose last bit in float32 and float64 "
    "is the library's; up to 65,536 elements it is checked that none decides"
)
TRANSFORMERS = {"weight": RandomNormal(name="random_normal", mean=0.0, stddev=0.02), "bias": ZEROS}
CERTAIN = 2**16  # elements of which that is checked


def why_inexact(call: Call, tensor: Tensor, step: Step) -> str:
    match call:
        case Orthogonal():
            return LAPACK
        case TruncNormal() if not call.from_normals and not tensor.half:
            return "" if step.walk.certain(step.index, CERTAIN) else LAST_BIT
    return ""


def give(walk: Walk, call: Call, array: Array, dtype: DtypeName) -> Given:
    tensor = Tensor(prod(array.shape), dtype)
    step = walk.add(call, tensor)
    fans = fans_of(array) if len(array.shape) > 1 else array.parameter.site("pytorch").fans
    return Given(expected(call, array), fans, step, why_inexact(call, tensor, step))


def construct(modules: Sequence[Module], seed: int, dtype: DtypeName) -> list[dict[str, Given]]:
    """Construct every module, then apply the schemes that are stated."""
    shared = Walk(seed)
    walks = [shared if module.spec.seed is None else Walk(module.spec.seed) for module in modules]
    found: list[dict[str, Given]] = []
    later: list[tuple[int, Array]] = []
    for index, (module, walk) in enumerate(zip(modules, walks, strict=True)):
        found.append({name: without_chance(array) for name, array in module.arrays.items()})
        if isinstance(module.spec, TensorLayer):
            (array,) = module.arrays.values()
            apply(found[index], walk, array, array.stated, module.spec, dtype)
            continue
        for draw in constructed(module):
            if draw.name:
                found[index][draw.name] = give(walk, draw.call, module.arrays[draw.name], dtype)
            else:
                walk.add(draw.call, Tensor(prod(draw.shape), dtype))
        if isinstance(module.spec, TransformersConv1D):  # the transformers library's own defaults
            for name, scheme in TRANSFORMERS.items():
                found[index][name] = replace(found[index][name], scheme=scheme)
        later += [(index, array) for array in module.arrays.values() if array.stated is not None]
    for index, array in later:
        apply(found[index], walks[index], array, array.stated, modules[index].spec, dtype)
    return found


def build(recipe: str, modules: Sequence[Module], seed: int, dtype: DtypeName) -> list[dict[str, Given]]:
    """Make a model's draws in its own order; the last one of an array is what it keeps."""
    walk = Walk(seed)
    found = {module.name: {name: without_chance(array) for name, array in module.arrays.items()} for module in modules}
    for module, draw in MODELS[recipe](modules):
        step = walk.add(draw.call, Tensor(prod(draw.shape), dtype))
        if module is not None and draw.name == next(iter(module.arrays)):  # a bias becomes 0, whatever was drawn
            array = module.arrays[draw.name]
            found[module.name][draw.name] = Given(expected(draw.call, array), array.parameter.fans, step)
    return list(found.values())


def without_chance(array: Array) -> Given:
    return Given(Constant(0.0), array.parameter.site("pytorch").fans, None)


def apply(
    given: dict[str, Given], walk: Walk, array: Array, scheme: Scheme | None, spec: LayerSpec, dtype: DtypeName
) -> None:
    """Give an array what a scheme draws at this place; no scheme, on a bare tensor, is the default of weights."""
    of_bare = isinstance(spec, TensorLayer) and not (spec.fan_in is None and spec.fan_out is None)

    def fans() -> Fans:
        return array.parameter.fans if of_bare else fans_of(array)

    if isinstance(scheme, Dirac) and isinstance(spec, TensorLayer):
        given[array.name] = dirac(scheme, array)
        return
    call = kaiming_uniform(fans().fan_in) if scheme is None else called(array, scheme, fans)
    given[array.name] = without_chance(array) if call is None else give(walk, call, array, dtype)


def dirac(scheme: Dirac, array: Array) -> Given:
    """Return dirac_ on a bare tensor, whose axes stand as torch's."""
    groups = scheme.groups or 1
    if not 3 <= len(array.shape) <= 5 or array.shape[0] % groups:
        raise InvalidSpec("torch's dirac_ takes three to five axes, and groups that divide the first", array.pointer)
    return Given(Constant(0.0), fans_of(array), DiracTensor(array.shape, groups, scheme.gain))


TORCH = Replay(
    name="torch-cpu/1",
    summary="torch.manual_seed(seed), the layers constructed one after the other on the CPU, then the stated schemes.",
    layout="pytorch",
    dtypes=("float32", "float64", "float16", "bfloat16"),
    versions={"torch": "2.13.0", "transformers": "5.24.0"},
    addressable=False,
    exact=(
        "uniform_, normal_, trunc_normal_, sparse_, kaiming_*, xavier_*, constants, dirac_, eye_",
        "every layer's defaults, in the order in which torch draws them",
        "the recipes gpt2, bert, t5 and vit: GPT2Model, BertModel, T5Model, ViTModel from their configurations after "
        "set_seed(seed); without further rules",
        "as on x86-64 processors with AVX2 and FMA, with any number of threads",
        "float64 normals by the C library's log, sin, cos and log1p: glibc 2.28 or newer",
    ),
    inexact=(
        LAPACK,
        LAST_BIT,
        "processors without AVX2 and FMA, and GPUs, have other arithmetic or other generators",
    ),
    example={"algorithm": "torch-cpu/1", "seed": 0, "layers": [{"type": "dense", "shape": [784, 256]}]},
    construct=construct,
    recipes=tuple(MODELS),
    build=build,
)
