"""Specs near one that starts badly, tried until one starts well."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from itertools import islice
from typing import Any

from pydantic import ValidationError

from service.analysis.network import Batches
from service.analysis.study import Findings
from service.analysis.tuning import Tuning, tune
from service.errors import InitserveError
from service.networks.activations import ACTIVATIONS
from service.networks.layers.structure import STRUCTURE
from service.networks.plan import Plan
from service.specs.spec import Spec

SCHEMES = ("scheme", "recurrent_scheme", "pointwise_scheme", "output_scheme")
CANNOT_BE = (InitserveError, ValidationError)  # what a spec raises that cannot be said, or cannot be run
Document = dict[str, Any]


def remedy(candidates: Iterator[Document], studied: Callable[[Spec], Findings], most: int) -> Document | None:
    """Return the first of at most `most` specs whose verdict is normal; None where none has one."""
    for candidate in islice(candidates, most):
        with suppress(*CANNOT_BE):
            if studied(Spec.model_validate(candidate)).verdict == "normal":
                return candidate
    return None


def candidates(plan: Plan, document: Document, found: Findings) -> Iterator[Document]:
    """Yield first what was warned of changed, then what earned a verdict, then all."""
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
    for layer in every["layers"]:
        if layer["type"] in STRUCTURE:
            continue
        layer["gain"] = ACTIVATIONS[layer.get("activation", "linear")].gain
    yield every


def measured_candidates(document: Document, inputs: Batches, most_operations: int) -> Iterator[Document]:
    """Yield the spec with gains that a pass through it measures."""
    every = as_recommended(document)
    kinds: tuple[Tuning, ...] = ("gains", "lsuv")
    for kind in kinds:
        with suppress(*CANNOT_BE):  # orthogonal weights may take too long, say
            yield tune(every, kind, inputs, most_operations)


def as_recommended(document: Document) -> Document:
    """Return the spec with nothing but recommended schemes."""
    every = {key: value for key, value in deepcopy(document).items() if key not in ("rules", "defaults")}
    every["layers"] = [recommended(layer) for layer in every["layers"]]
    return every


def recommended(layer: Document) -> Document:
    """Return a layer of a spec without schemes of its own; what has no bias still has none."""
    gone = {*SCHEMES, "gain", *(["bias"] if layer.get("bias") is not None else [])}
    return {key: value for key, value in layer.items() if key not in gone}
