"""The members of a family: the spec of a network in each of several widths or depths."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from service.analysis.across.asked import Across
from service.analysis.across.axes import Document
from service.analysis.across.depths import depths_of
from service.analysis.across.recipes import member, of_document
from service.analysis.across.widths import widths_of
from service.analysis.network import MOST_LAYERS, Network
from service.errors import InitserveError, InvalidSpec, TooLarge
from service.specs.spec import Spec
from service.stream.views import Shape

SHALLOW = 32  # blocks that are written down in no time


def members_of(across: Across, request: Document, spec: Spec, shapes: Mapping[str, Shape], most: int) -> list[Spec]:
    """Return the spec in each size. `request` names a recipe or is the spec; `spec` has its layers.

    Raises InvalidSpec, pointing at the size, for one in which the network cannot be.
    """
    make, step = maker(across, request, spec, shapes, most)
    if across.by == "depth":
        check_depth(across, make)
    found = []
    for number, size in enumerate(across.sizes):
        try:
            found.append(make(size))
            Network(found[-1], most).shapes(shapes)
        except InvalidSpec as error:
            raise cannot_be(across, number, step, error.detail) from None
        except TooLarge as error:
            raise TooLarge(error.detail, f"/across/{across.by}/{number}") from None
        except ValidationError as error:
            raise cannot_be(across, number, step, error.errors()[0]["msg"]) from None
    return found


def check_depth(across: Across, make: Callable[[int], Spec]) -> None:
    """Refuse a depth of more layers than may be studied before it is written down: each block has as many."""
    if across.sizes[-1] <= SHALLOW:
        return
    one, two = (len(make(depth).graph.places) for depth in (1, 2))
    for number, size in enumerate(across.sizes):
        layers = one + (two - one) * (size - 1)
        if layers > MOST_LAYERS:
            detail = f"in the depth {size} the network has {layers:,} layers; one that is studied has at most"
            raise TooLarge(f"{detail} {MOST_LAYERS:,}", f"/across/depth/{number}")


def cannot_be(across: Across, number: int, step: int, why: str) -> InitserveError:
    """Return the refusal of a size in which the network cannot be."""
    size, at = across.sizes[number], f"/across/{across.by}/{number}"
    detail = f"in the {across.by} {size} the network cannot be: {why}"
    if step == 1 or size % step == 0:
        return InvalidSpec(detail, at)
    nearest = sorted({max(1, round(one / step)) * step for one in across.sizes})
    remedy: dict[str, Any] | None = {"across": {across.by: nearest}} if len(nearest) > 1 else None
    return InvalidSpec(f"{detail}; multiples of {step} divide all sizes", at, remedy)


def maker(
    across: Across, request: Document, spec: Spec, shapes: Mapping[str, Shape], most: int
) -> tuple[Callable[[int], Spec], int]:
    """Return what makes the spec of a size, and of what the sizes are multiples that surely can be."""
    if request.get("recipe") is not None and member(request, across.by, across.sizes[0]) is not None:
        return lambda size: of_document(member(request, across.by, size) or {}), 1
    network = Network(spec, most)
    document = spec.model_dump(mode="json", exclude_unset=True)
    documents = document["layers"]
    if across.by == "width":
        widths = widths_of(network.graph, documents, shapes, network.shapes(shapes))
        return lambda size: Spec.model_validate({**document, "layers": widths.at(size)}), widths.step
    depths = depths_of(network.graph, documents, network.shapes(shapes))
    return lambda size: Spec.model_validate({**document, "layers": depths.at(size)}), 1
