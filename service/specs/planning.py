"""Planning: from what a spec asks for to what draws each array of the answer, and what to warn of."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from service import stopping
from service.errors import InitserveError, UnsupportedCombination
from service.networks import sources
from service.networks.asked import Asked, Made, Source, own_member
from service.networks.expectations import without_zeros
from service.networks.layers.layer import LARGEST_EXACT
from service.networks.layouts import Layout
from service.networks.plan import Caution, Plan, PlannedLayer, PlannedParameter
from service.replay import ALGORITHMS, Replay
from service.replay.network import construct
from service.specs.addresses import short
from service.specs.choosing import Wanted, choose
from service.specs.refusals import refuse_overflow, refuse_seed, refuse_shared_keys
from service.specs.selection import Tied, selected
from service.specs.warnings import warn, warn_of_config, warn_of_twins
from service.stream.dtypes import DTYPES


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
        canonical=text,
        written_out=lambda: written_out(seed),
        addressed=lambda: short(text()),
    )


def posted(pointer: str, spec: Wanted) -> str:
    """Return the pointer into a spec with a recipe, for one into the layers and rules that the recipe comes to."""
    _, member, *rest = [*pointer.split("/"), ""]
    if spec.recipe is None or member not in ("layers", "rules"):
        return pointer
    of_recipe = len(spec.all_rules) - len(spec.rules)
    if member == "layers" or (rest[0] and int(rest[0]) < of_recipe):
        return "/recipe"
    return "/".join(["", member, *([str(int(rest[0]) - of_recipe), *rest[1:-1]] if rest[0] else [])])


def planned(
    spec: Wanted, replay: Replay | None, seed: int
) -> tuple[list[PlannedLayer], list[Caution], Mapping[str, str]]:
    """Return the layers, what to warn of and what is tied; pointers lead into a spec with its recipe's layers in it."""
    asked, unused = choose(spec, replay)
    made, warnings = drawn_by(replay, spec, asked, seed)
    warnings += [*warnings_of(asked, made, replay), *unused, *warn_of_config(spec.expanded.misspelt)]
    tied = Tied.of(asked, spec.expanded.tied)
    layers = [arranged(layer, each, spec.layout, tied) for layer, each in zip(asked, made, strict=True)]
    layers = [layer for layer in layers if layer.parameters or layer.name not in tied.parameters]
    refuse_shared_keys(layers)
    names = tied.named(asked, spec.layout)
    if spec.select is None:
        return layers, warnings, names
    layers = selected(layers, spec.select)
    shown = {parameter.key for layer in layers for parameter in layer.parameters}
    return layers, warnings, {name: source for name, source in names.items() if source in shown}


def first_seed(replay: Replay | None) -> int:
    """Return a fresh seed, one that the stream takes."""
    return secrets.randbelow(LARGEST_EXACT + 1 if replay is None else replay.seeds)


def refuse_seeds(spec: Wanted, replay: Replay | None) -> None:
    """Refuse seeds, of the spec, of layers and of rules, below the least that the stream takes."""
    least = 0 if replay is None else replay.least_seed
    refuse_seed(spec.seed or 0, spec.algorithm, least, "/seed")
    for index, layer in enumerate(spec.layers):
        refuse_seed(layer.seed or 0, spec.algorithm, least, f"/layers/{index}/seed")
    for index, rule in enumerate(spec.rules):
        refuse_seed(rule.seed or 0, spec.algorithm, least, f"/rules/{index}/seed")


def drawn_by(
    replay: Replay | None, spec: Wanted, asked: Sequence[Asked], seed: int
) -> tuple[list[Made], list[Caution]]:
    """Return what draws each layer: initserve's own stream, or the framework's that is replayed."""
    if replay is None:
        return [sources.made(layer, seed) for layer in asked], []
    if spec.fans != replay.layout:
        raise UnsupportedCombination(
            f"{replay.name} counts fans as the framework does: {replay.layout}", "/fans", {"fans": replay.layout}
        )
    return construct(replay, asked, seed, spec.dtype, spec.exact, spec.expanded.steps)


def warnings_of(asked: Iterable[Asked], made: Iterable[Made], replay: Replay | None) -> list[Caution]:
    """Return what to warn of in the canonical parameters; refuses values that the dtype cannot hold."""
    found: list[Caution] = []
    drawn: list[tuple[str, Source]] = []
    dtypes = DTYPES if replay is None else replay.dtypes
    for layer, each in zip(asked, made, strict=True):
        stopping.check()
        for name, source in each.sources.items():
            decided, pointer = layer.choices[name], layer.choices[name].pointer
            too_large = decided.typed_by if own_member(decided) else pointer_to_scale(layer, pointer)
            refuse_overflow(source.distribution, decided.dtype, too_large, dtypes)
            drawn.append((pointer, source))
            found.extend(warn(source, layer.spec.activation, pointer))
    return [*found, *warn_of_twins(drawn)]


def pointer_to_scale(layer: Asked, pointer: str) -> str:
    """Return the pointer to what makes a parameter's values as large as they are: its scheme, or the layer's gain."""
    by_gain = layer.spec.gain is not None and layer.spec.scheme is None
    return f"{layer.pointer}/gain" if by_gain and pointer == f"{layer.pointer}/scheme" else pointer


def arranged(layer: Asked, made: Made, layout: Layout, tied: Tied) -> PlannedLayer:
    """Return a layer's arrays as the layout names and shapes them, those left out that are tied to others."""
    parameters = []
    for placement in layer.placements[layout]:
        if tied.holds(layer.name, placement):
            continue
        arrangement = without_zeros(placement.of, made.distributions)
        typed = layer.typed(placement)
        parameters.append(
            PlannedParameter(
                layer=layer.name,
                name=placement.name,
                form=arrangement.form(made.forms),
                dtype=typed.dtype,
                typed_by=typed.typed_by,
                layout=layout,
                arrangement=arrangement,
                sources=made.sources,
                arrays=made.arrays,
            )
        )
    return PlannedLayer(layer.name, layer.spec.type, layer.spec.activation, tuple(parameters))
