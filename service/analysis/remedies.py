"""Specs near one that starts badly, tried until one starts well."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from itertools import islice
from typing import Any

from pydantic import ValidationError

from service.analysis.blocks import sites_of
from service.analysis.first_step import HIGH
from service.analysis.network import Batches
from service.analysis.residuals.branches import Branch, branches_of
from service.analysis.residuals.ways import Ways
from service.analysis.study import Findings
from service.analysis.tuning import Tuning, tune
from service.errors import InitserveError
from service.networks.activations import ACTIVATIONS
from service.networks.graph.graph import Graph, Place
from service.networks.layers.attention import Attention
from service.networks.layers.structure import STRUCTURE, Add, Multiply
from service.networks.layers.tensor import Tensor
from service.networks.plan import Plan
from service.specs.spec import Spec

SCHEMES = ("scheme", "recurrent_scheme", "pointwise_scheme", "output_scheme")
# Whose arrays scale what others give: where they start at 0, a branch does.
SCALES = ("tensor", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm")
MARGIN = 4.0
MOST_RULES = 4  # of which each alone is left out
CANNOT_BE = (InitserveError, ValidationError)  # what a spec raises that cannot be said, or cannot be run
Document = dict[str, Any]


def remedy(candidates: Iterator[Document], studied: Callable[[Spec], Findings], most: int) -> Document | None:
    """Return the first of at most `most` specs whose verdict is normal, well within the zone if any is.

    None where none has this verdict.
    """
    near = None
    for candidate in islice(candidates, most):
        with suppress(*CANNOT_BE):
            found = studied(Spec.model_validate(candidate))
            if found.verdict == "normal":
                if is_well_within(found):
                    return candidate
                near = near or candidate
    return near


def is_well_within(found: Findings) -> bool:
    """Whether slopes are so far below the zone's upper limit that other inputs or another seed change no verdict."""
    return all(by.slope is None or by.slope <= HIGH / MARGIN for by in found.judged_by)


def candidates(plan: Plan, document: Document, found: Findings) -> Iterator[Document]:
    """Yield first what was warned of changed, then what earned a verdict, then all; at last branches that start at 0.

    Of a document that says no layers, a listing of tensors, only rules can be changed.
    """
    if "layers" not in document:
        yield from with_fewer_rules(document)
        return
    warned = {warning.pointer.split("/")[2] for warning in plan.warnings if "/layers/" in warning.pointer}
    judged = {str(index) for index, one in enumerate(found.judgements) if one.verdict != "normal"}
    for faulty in (warned, judged):
        some = deepcopy(document)
        some["layers"] = [
            recommended(layer) if str(index) in faulty else layer for index, layer in enumerate(some["layers"])
        ]
        yield some
    every = as_recommended(document)
    yield deepcopy(every)
    if every["layers"][0]["type"] == "embedding":  # rows of length 1, where nothing after them sets a size
        every["layers"][0]["scheme"] = {"name": "random_normal", "mean": 0.0, "stddev": 1.0}
        yield deepcopy(every)
    for some in (document, every):
        with suppress(*CANNOT_BE):
            if (begun := with_branches_at_0(some)) is not None:
                yield begun
    for layer in every["layers"]:
        if layer["type"] in STRUCTURE:
            continue
        layer["gain"] = ACTIVATIONS[layer.get("activation", "linear")].gain
    yield every


def with_fewer_rules(document: Document) -> Iterator[Document]:
    """Yield the document without one of its rules, the last one first, and then without any."""
    rules = document.get("rules") or []
    for index in reversed(range(len(rules) if 1 < len(rules) <= MOST_RULES else 0)):
        yield {**document, "rules": rules[:index] + rules[index + 1 :]}
    bare = {key: value for key, value in document.items() if key not in ("rules", "defaults")}
    if bare != document:
        yield bare


def with_branches_at_0(document: Document) -> Document | None:
    """Return the document with residual branches that end in zeros (Goyal et al. 2017; Zhang et al. 2019)."""
    graph = Spec.model_validate(document).graph
    ends = [end for at in branches_of(Ways(sites_of(graph))) for one in at if (end := end_of(graph, one)) is not None]
    if not ends:
        return None
    begun = deepcopy(document)
    for place in ends:
        layer = begun["layers"][place.index]
        layer |= {"output_scheme" if isinstance(place.layer, Attention) else "scheme": "zeros"}
        layer.pop("gain", None)
    return begun


def end_of(graph: Graph, branch: Branch) -> Place | None:
    """Return what a branch that is added ends in: an array that scales it, or its last layer with weights.

    None where an activation comes after these, or something else.
    """
    first = len(graph.inputs)
    place = graph.places[branch.end - first]
    if not isinstance(graph.places[branch.at - first].layer, Add):
        return None
    if isinstance(place.layer, Multiply):
        factors = (graph.places[one.place] for one in place.takes if one.place is not None)
        return next((factor for factor in factors if isinstance(factor.layer, Tensor)), None)
    plain = getattr(place.layer, "activation", "linear") == "linear"
    return place if plain and place.has_weights and not isinstance(place.layer, Tensor) else None


def measured_candidates(document: Document, inputs: Batches, most_operations: int) -> Iterator[Document]:
    """Yield the spec with gains that a pass through it measures."""
    if "layers" not in document:
        return
    every = as_recommended(document)
    kinds: tuple[Tuning, ...] = ("gains", "lsuv")
    for kind in kinds:
        with suppress(*CANNOT_BE):  # orthogonal weights may take too long, say
            yield tune(every, kind, inputs, most_operations)


def as_recommended(document: Document) -> Document:
    """Return the spec with nothing but recommended schemes for its weights; scales stay what they are."""
    every = {key: value for key, value in deepcopy(document).items() if key not in ("rules", "defaults")}
    every["layers"] = [layer if layer["type"] in SCALES else recommended(layer) for layer in every["layers"]]
    return every


def recommended(layer: Document) -> Document:
    """Return a layer of a spec without schemes of its own; what has no bias still has none."""
    gone = {*SCHEMES, "gain", *(["bias"] if layer.get("bias") is not None else [])}
    return {key: value for key, value in layer.items() if key not in gone}
