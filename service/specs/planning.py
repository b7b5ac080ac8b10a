"""Planning: from what a spec asks for to what draws each array of the answer, and what to warn of."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from service import stopping
from service.errors import InitserveError, UnsupportedCombination
from service.networks import sources
from service.networks.arrays import PlannedArray
from service.networks.asked import Asked, Decisions, Made, Member, Source, own_member
from service.networks.expectations import without_zeros
from service.networks.layers.layer import LARGEST_EXACT
from service.networks.layouts import Layout, Placement, key_of
from service.networks.plan import Caution, Plan, PlannedLayer, PlannedParameter
from service.replay import ALGORITHMS, Replay
from service.replay.network import construct
from service.specs.addresses import short
from service.specs.choosing import Wanted, choose, weighted
from service.specs.refusals import refuse_overflow, refuse_seed, refuse_shared_keys
from service.specs.selection import selected
from service.specs.ties import Tied, Ties
from service.specs.warnings import may_repeat, warn, warn_of_config, warn_of_shifted_gates, warn_of_twins
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.streams import Streams


def plan(spec: Wanted, canonical: Callable[[int], str], written_out: Callable[[int], dict[str, Any]]) -> Plan:
    """Return every parameter with its scheme and address; raises InitserveError for what cannot be.

    `canonical` and `written_out` return the spec that gives the same answer again: its one text, and as a request to
    be changed. They are told the seed, which is drawn here where there is none.
    """
    replay = ALGORITHMS.get(spec.algorithm)
    refuse_seeds(spec, replay)
    seed = first_seed(replay) if spec.seed is None else spec.seed
    try:
        layers, warnings, tied = planned(spec, replay, seed)
    except InitserveError as error:
        raise type(error)(error.detail, posted(error.pointer, spec), error.remedy) from None
    text = cache(lambda: canonical(seed))
    return Plan(
        algorithm=spec.algorithm,
        exact=all(warning.code != "not-exact" for warning in warnings),
        seed=seed,
        layout=spec.layout,
        dtype=spec.dtype,
        layers=tuple(layers),
        warnings=tuple(replace(warning, pointer=posted(warning.pointer, spec)) for warning in warnings),
        tied=tied,
        partial=spec.select is not None,
        left_alone={} if spec.tensors is None else spec.tensors.told.left_alone,
        canonical=text,
        written_out=lambda: written_out(seed),
        addressed=lambda: short(text()),
    )


def posted(pointer: str, spec: Wanted) -> str:
    """Return the pointer into a spec with a recipe or a listing, for one into the layers and rules that it comes to."""
    _, member, *rest = [*pointer.split("/"), ""]
    if spec.tensors is not None and member == "layers":
        return spec.tensors.pointer(spec.tensors.told.first[int(rest[0])]) if rest[0] else "/tensors"
    if spec.recipe is None or member not in ("layers", "rules"):
        return pointer
    of_recipe = len(spec.expanded.rules)
    if member == "layers" or (rest[0] and int(rest[0]) < of_recipe):
        return "/recipe"
    return "/".join(["", member, *([str(int(rest[0]) - of_recipe), *rest[1:-1]] if rest[0] else [])])


def planned(
    spec: Wanted, replay: Replay | None, seed: int
) -> tuple[list[PlannedLayer], list[Caution], Mapping[str, str]]:
    """Return the layers, what to warn of and what is tied; pointers lead into a spec with its recipe's layers in it."""
    asked, ties, unused = choose(spec, replay)
    made, warnings = drawn_by(replay, spec, asked, seed)
    warnings += [*warnings_of(asked, made, replay, ties), *unused, *warn_of_config(spec.expanded.misspelt)]
    warnings += warn_of_shifted_gates(asked, spec.layout)
    warnings += [] if spec.tensors is None else spec.tensors.cautions(ruled(asked, spec.layout))
    layers = arranged(spec, asked, made, seed, ties)
    refuse_shared_keys(layers)
    if spec.select is None:
        return layers, warnings, ties.names
    layers = selected(layers, spec.select, ties)
    shown = {parameter.key for layer in layers for parameter in layer.parameters}
    return layers, warnings, {name: source for name, source in ties.names.items() if source in shown}


def ruled(layers: Iterable[Asked], layout: Layout) -> set[str]:
    """Return the names of arrays for all of whose parameters rules say how they start."""
    found: set[str] = set()
    by_rules: dict[Decisions, list[str]] = {}
    for layer in layers:
        if layer.decisions not in by_rules:
            by_rules[layer.decisions] = [
                placement.name
                for placement in layer.placements[layout]
                if all(not layer.choices[name].said_by.of_layer for name in placement.of.sources())
            ]
        found.update(key_of(layer.name, name, layout) for name in by_rules[layer.decisions])
    return found


def first_seed(replay: Replay | None) -> int:
    """Return a fresh seed, one that the stream takes."""
    return secrets.randbelow(LARGEST_EXACT + 1 if replay is None else replay.seeds)


def refuse_seeds(spec: Wanted, replay: Replay | None) -> None:
    """Refuse seeds, of the spec, of layers and of rules, below the least that the stream takes."""
    least = 0 if replay is None else replay.least_seed
    refuse_seed(spec.seed or 0, spec.algorithm, least, "/seed")
    for index, layer in weighted(spec.layers):
        if layer.seed is not None:
            refuse_seed(layer.seed, spec.algorithm, least, f"/layers/{index}/seed")
    for index, rule in enumerate(spec.rules):
        refuse_seed(rule.seed or 0, spec.algorithm, least, f"/rules/{index}/seed")


def drawn_by(
    replay: Replay | None, spec: Wanted, asked: Sequence[Asked], seed: int
) -> tuple[list[Made], list[Caution]]:
    """Return what draws each layer: initserve's own stream, or the framework's that is replayed."""
    if replay is None:
        made: dict[Decisions, Made] = {}
        for layer in asked:
            if layer.decisions not in made:
                stopping.give_way()
                made[layer.decisions] = sources.made(layer)
        return [made[layer.decisions] for layer in asked], []
    if spec.fans != replay.layout:
        raise UnsupportedCombination(
            f"{replay.name} counts fans as the framework does: {replay.layout}", "/fans", {"fans": replay.layout}
        )
    return construct(replay, asked, seed, spec.dtype, spec.exact, spec.expanded.steps)


def warnings_of(asked: Iterable[Asked], made: Iterable[Made], replay: Replay | None, ties: Ties) -> list[Caution]:
    """Return what to warn of in the canonical parameters that are answered; refuses what the dtype cannot hold."""
    found: list[Caution] = []
    repeated: list[tuple[str, Source]] = []
    dtypes = DTYPES if replay is None else replay.dtypes
    known: dict[tuple[Made, frozenset[str]], Doubts] = {}
    for layer, each in zip(asked, made, strict=True):
        tied = ties.in_layer(layer.name)
        kind = each, frozenset(tied)
        if kind not in known:
            stopping.give_way()
            known[kind] = doubts_of(layer, each, dtypes, tied)
        cautions, repeating = known[kind]
        found += [replace(caution, pointer=layer.pointer_to(member)) for member, caution in cautions]
        repeated += [(layer.pointer_to(member), source) for member, source in repeating]
    every = [*found, *warn_of_twins(repeated)]
    return list({(each.code, each.pointer, each.detail): each for each in every}.values())


class Doubts(NamedTuple):
    """What to warn of in layers that are alike, and their weights that others may be the same as."""

    cautions: list[tuple[Member, Caution]]
    repeating: list[tuple[Member, Source]]


def doubts_of(layer: Asked, made: Made, dtypes: Iterable[DtypeName], tied: Tied) -> Doubts:
    """Return what is doubtful in a layer and those that are like it; refuses values that the dtype cannot hold."""
    found = Doubts([], [])
    for name, source in made.sources.items():
        if name in tied:
            continue
        decided = layer.choices[name]
        member, pointer = decided.said_by, layer.pointer_to(decided.said_by)
        too_large = layer.pointer_to(decided.typed_by) if own_member(decided) else pointer_to_scale(layer, pointer)
        refuse_overflow(source.distribution, decided.dtype, too_large, dtypes)
        found.cautions.extend((member, caution) for caution in warn(source, layer.spec.activation, pointer))
        if may_repeat(source):
            found.repeating.append((member, source))
    return found


def pointer_to_scale(layer: Asked, pointer: str) -> str:
    """Return the pointer to what makes a parameter's values as large as they are: its scheme, or the layer's gain."""
    by_gain = layer.spec.gain is not None and layer.spec.scheme is None
    return f"{layer.pointer}/gain" if by_gain and pointer == f"{layer.pointer}/scheme" else pointer


def arranged(spec: Wanted, asked: Iterable[Asked], made: Iterable[Made], seed: int, ties: Ties) -> list[PlannedLayer]:
    """Return the layers with the arrays that the layout has of them, but for those that are tied to others."""
    known: dict[Made, list[PlannedArray]] = {}
    layers = []
    for layer, each in zip(asked, made, strict=True):
        placements = layer.placements[spec.layout]
        if each not in known:
            stopping.give_way()
            known[each] = [array_of(placement, layer, each, spec.layout) for placement in placements]
        arrays = known[each]
        if layer.name in ties.parameters:
            both = zip(placements, arrays, strict=True)
            arrays = [array for placement, array in both if not ties.holds(layer.name, placement)]
            if not arrays:
                continue
        own = layer.spec
        streams = Streams(layer.streams, seed if own.seed is None else own.seed)
        parameters = tuple(
            [PlannedParameter(layer.name, layer.pointer, spec.algorithm, streams, array) for array in arrays]
        )
        layers.append(PlannedLayer(layer.name, own.type, own.activation, parameters))
    return layers


def array_of(placement: Placement, layer: Asked, made: Made, layout: Layout) -> PlannedArray:
    """Return an array of a layer and of those that are like it."""
    arrangement = without_zeros(placement.of, made.distributions)
    typed, listed = layer.typed(placement), layer.spec.listed
    return PlannedArray(
        name=placement.name,
        form=arrangement.form(made.forms),
        dtype=typed.dtype,
        typed_by=typed.typed_by,
        layout=layout,
        arrangement=arrangement,
        sources=made.sources,
        arrays=made.arrays,
        taken_for=None if listed is None or listed.layout != layout else listed.taken[placement.name],
    )
