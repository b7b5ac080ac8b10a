"""A spec as a framework constructs it: canonical parameters in, the framework's arrays and what draws them out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from service.errors import InitserveError, NotExact, UnsupportedCombination
from service.networks.asked import Asked, Decided, Made, Source
from service.networks.families.engine import Step
from service.networks.inversion import ZEROS as ZEROS_ARRAY
from service.networks.inversion import inverted
from service.networks.layouts import SEPARATOR, as_they_are
from service.networks.parameters import ZEROS, Choice
from service.networks.plan import Caution
from service.replay.framework import NO_STREAM, Array, ArrayDraws, Module, Replay
from service.stream.distributions import Constant, Distribution
from service.stream.draws import Addressed, Draws, ZeroRow
from service.stream.dtypes import DtypeName
from service.stream.matrices import WithZeroRow
from service.stream.streams import Streams
from service.stream.views import View

WEIGHTS = ("weights", "recurrent", "embedding")


def modules_of(layers: Sequence[Asked], replay: Replay, dtype: DtypeName) -> list[Module]:
    """Return the layers with the arrays that the framework has of them; refuses what one array cannot be.

    `dtype` is that of layers that state none.
    """
    found = []
    for layer in layers:
        forms = as_they_are({parameter.name: parameter.shape for parameter in layer.parameters})
        arrays = {}
        for placement in layer.placements[replay.layout]:
            first, *others = (layer.choices[name] for name in placement.of.sources())
            for other in others:
                # What no member of the layer sets, a second bias, goes with the first.
                if other.stated.member is not None and other.choice.scheme != first.choice.scheme:
                    raise UnsupportedCombination(
                        f"{other.stated.name} and {first.stated.name} are one array in this framework, "
                        "which has one scheme; state the same for both",
                        layer.pointer_to(other.said_by),
                    )
            kind = layer.typed(placement).dtype
            stated = None if first.choice.of == replay.layout else first.choice.scheme
            shape = placement.of.form(forms).shape
            path = f"{layer.name}{SEPARATOR[replay.layout]}{placement.name}" if placement.name else layer.name
            pointer = layer.pointer_to(first.said_by)
            arrays[placement.name] = Array(placement.name, path, shape, stated, first.stated, pointer, kind)
        found.append(Module(layer.name, layer.spec, arrays, layer.pointer, layer.spec.dtype or dtype))
    return found


def construct(
    replay: Replay, layers: Sequence[Asked], seed: int, dtype: DtypeName, exact: bool, steps: Sequence[Step]
) -> tuple[list[Made], list[Caution]]:
    """Return what draws each layer, and a caution for each array that may differ from the framework's own.

    `steps` are those of a published model, none for layers that are constructed one after the other.
    """
    refuse_dtypes(replay, layers, dtype)
    modules = modules_of(layers, replay, dtype)
    if steps and replay.build is not None:
        built = replay.build(steps, modules, seed)
    else:
        built = replay.construct(modules, seed)
    made = []
    cautions = list(twins(modules, built))
    for layer, module, given in zip(layers, modules, built, strict=True):
        cautions.extend(not_exact(module, given, exact))
        made.append(assemble(layer, given, replay))
    return made, cautions


def refuse_dtypes(replay: Replay, layers: Iterable[Asked], dtype: DtypeName) -> None:
    """Refuse a dtype that the framework's stream does not give: the spec's, a layer's or a rule's."""
    own = ((each.dtype, layer.pointer_to(each.typed_by)) for layer in layers for each in layer.choices.values())
    for asked, pointer in ((dtype, "/dtype"), *own):
        if asked not in replay.dtypes:
            raise UnsupportedCombination(
                f"{replay.name} gives {', '.join(replay.dtypes)}, not {asked}", pointer, {"dtype": replay.dtypes[0]}
            )


def not_exact(module: Module, given: Mapping[str, ArrayDraws], exact: bool) -> Iterator[Caution]:
    """Yield a caution for each array that may differ from the framework's own; raises NotExact if `exact`."""
    for name, each in given.items():
        array = module.arrays[name]
        if each.inexact is not None and exact:
            raise NotExact(each.inexact, array.pointer, {"exact": False})
        if each.inexact is not None:
            detail = f"{array.path}: {each.inexact}"
            yield Caution("not-exact", array.pointer, detail, {"algorithm": "initserve/1"})


def twins(modules: Sequence[Module], built: Sequence[Mapping[str, ArrayDraws]]) -> Iterator[Caution]:
    """Yield a caution for weights that are the same as others: drawn with one key or seed, by one scheme.

    Of those that are alike within a layer, the first is named; no seed of the layer's own tells them apart.
    """
    seen: dict[Draws, tuple[str, Module]] = {}
    for module, given in zip(modules, built, strict=True):
        within = False
        for name, each in given.items():
            array = module.arrays[name]
            if each.draws is None or each.distribution.deterministic:
                continue  # no key or seed is in it
            if array.parameter.role not in WEIGHTS or len(array.shape) < 2:
                continue
            first, owner = seen.setdefault(each.draws, (array.path, module))
            if first == array.path or (within and owner is module):
                continue
            within = within or owner is module
            detail = f"{array.path} has the values of {first}: the same key or seed, scheme and shape"
            remedy = {"algorithm": "initserve/1"} if owner is module else {"seed": len(seen)}
            yield Caution("identical-parameters", array.pointer, detail, remedy)


def assemble(layer: Asked, given: Mapping[str, ArrayDraws], replay: Replay) -> Made:
    """Return a layer's canonical parameters as they stand in the framework's arrays."""
    shapes = {parameter.name: parameter.shape for parameter in layer.parameters}
    placements = layer.placements[replay.layout]
    forms = inverted(placements, shapes)
    sources: dict[str, Source] = {}
    arrays: dict[str, Draws] = {ZEROS_ARRAY: Addressed(Constant(0.0), NO_STREAM, 1)}
    for placement in placements:
        each = given[placement.name]
        if each.draws is not None:
            arrays[placement.name] = each.draws
        for name in placement.of.sources():
            if name in sources or forms[name].names == (ZEROS_ARRAY,):
                continue
            asked = layer.choices[name]
            choice = replace(asked.choice, scheme=each.scheme or asked.choice.scheme, fans=replay.layout)
            distribution = each.distribution
            if each.draws is None:
                distribution = without_chance(layer, asked, choice, replay)
                forms[name] = View.whole(name, asked.stated.shape)
                arrays[name] = Addressed(distribution, NO_STREAM, asked.stated.elements)
            row = asked.stated.zero_row
            if row is not None and each.padded:
                distribution = WithZeroRow(distribution, row, *asked.stated.shape)
                held = name if each.draws is None else placement.name
                arrays[held] = ZeroRow(arrays[held], row, asked.stated.shape[1])
            sources[name] = Source(asked.stated, choice, each.fans, distribution)
    for name in shapes.keys() - sources.keys():
        stated = layer.choices[name].stated
        sources[name] = Source(stated, Choice(ZEROS, "the framework has no such array"), stated.fans, Constant(0.0))
    return Made(sources, forms, {name: partial(alone, draws) for name, draws in arrays.items()})


def alone(draws: Draws, streams: Streams) -> Draws:
    """Return what draws an array, whatever streams of the service's own its layer has."""
    return draws


def without_chance(layer: Asked, asked: Decided, choice: Choice, replay: Replay) -> Distribution:
    """Return what a scheme without chance gives a canonical parameter, in its own shape."""
    try:
        distribution = choice.scheme.realise(asked.stated.site(replay.layout))
    except InitserveError as error:
        raise error.at(layer.pointer_to(asked.said_by)) from None
    if not distribution.deterministic:
        raise TypeError(f"{replay.name} says that {choice.scheme.name} of {asked.stated.name} is without chance")
    return distribution
