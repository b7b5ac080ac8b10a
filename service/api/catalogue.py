"""The catalogue: every scheme, layer, activation, recipe and algorithm, as lists and one by one."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from service.api.content import REVALIDATED, Content
from service.api.entries import (
    EVERY_LAYER,
    describe_activation,
    describe_algorithm,
    describe_layer,
    describe_recipe,
    describe_scheme,
)
from service.api.openapi import PROBLEM_RESPONSES
from service.api.services import services_of
from service.networks import activations
from service.networks.layers import names
from service.networks.schemes import ALIASES, PRESETS
from service.replay import ALGORITHMS
from service.specs.recipes import RECIPES
from service.stream.streams import ALGORITHM

router = APIRouter(tags=["catalogue"])


def find(name: str, names: Mapping[str, Any] | list[str], aliases: Mapping[str, str]) -> str:
    """Return the name that `name` stands for; raises a 404 where there is none."""
    found = aliases.get(name, name)
    if found not in names:
        raise HTTPException(404)
    return found


SCHEME_NAMES = [*PRESETS, "array"]
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: PROBLEM_RESPONSES[404]}


Listing: TypeAlias = dict[str, list[dict[str, Any]]]


def listing(plural: str, names: list[str], describe: Callable[[str], dict[str, Any]]) -> Listing:
    return {plural: [describe(name) for name in names]}


# Of these every replica of a version has the same to say.
LISTINGS: dict[str, tuple[list[str], Callable[[str], dict[str, Any]]]] = {
    "schemes": (SCHEME_NAMES, describe_scheme),
    "layers": (list(EVERY_LAYER), describe_layer),
    "activations": (list(activations.ACTIVATIONS), describe_activation),
    "recipes": (list(RECIPES), describe_recipe),
}


@cache
def made(plural: str) -> Content:
    """Return a listing as it is sent; the first time takes up to a second."""
    return Content.of_json(listing(plural, *LISTINGS[plural]))


async def answered(request: Request, plural: str) -> Response:
    return (await to_thread.run_sync(made, plural)).answer(request, {"cache-control": REVALIDATED})


@router.get("/schemes", response_model=Listing, operation_id="list_schemes", summary="Every scheme")
async def list_schemes(request: Request) -> Response:
    """List every scheme: formula, parameters with their ranges, aliases, references, an example request."""
    return await answered(request, "schemes")


@router.get("/schemes/{name}", operation_id="show_scheme", summary="One scheme, by name or alias", responses=NOT_FOUND)
def show_scheme(name: str) -> dict[str, Any]:
    """Describe one scheme; an alias answers as the scheme that it stands for."""
    return describe_scheme(find(name, SCHEME_NAMES, ALIASES))


@router.get("/layers", response_model=Listing, operation_id="list_layers", summary="Every layer type")
async def list_layers(request: Request) -> Response:
    """List every layer type: its fields, and what it holds in each layout for an example."""
    return await answered(request, "layers")


@router.get(
    "/layers/{name}", operation_id="show_layer", summary="One layer type, by name or alias", responses=NOT_FOUND
)
def show_layer(name: str) -> dict[str, Any]:
    """Describe one layer type."""
    return describe_layer(find(name, EVERY_LAYER, names.ALIASES))


@router.get("/activations", response_model=Listing, operation_id="list_activations", summary="Every activation")
async def list_activations(request: Request) -> Response:
    """List every activation: the scheme it recommends and why, and its gains by three definitions and torch's."""
    return await answered(request, "activations")


@router.get(
    "/activations/{name}",
    operation_id="show_activation",
    summary="One activation, by name or alias",
    responses=NOT_FOUND,
)
def show_activation(name: str) -> dict[str, Any]:
    """Describe one activation."""
    return describe_activation(find(name, activations.ACTIVATIONS, activations.ALIASES))


@router.get("/recipes", response_model=Listing, operation_id="list_recipes", summary="Every recipe")
async def list_recipes(request: Request) -> Response:
    """List every recipe: a published model or start, its sizes, the rules of its first; POST /plan shows its layers."""
    return await answered(request, "recipes")


@router.get("/recipes/{name}", operation_id="show_recipe", summary="One recipe", responses=NOT_FOUND)
def show_recipe(name: str) -> dict[str, Any]:
    """Describe one recipe."""
    return describe_recipe(find(name, RECIPES, {}))


@router.get("/algorithms", operation_id="list_algorithms", summary="Every random stream")
async def list_algorithms(request: Request) -> Listing:
    """List every random stream that a spec can choose, and whether it is ready on this replica.

    It is not while its kernels are being compiled, where a request for it waits, and not where its golden digest came
    out in other bytes than everywhere else, where it is refused.
    """
    is_ready = services_of(request).readiness.is_ready
    names = [ALGORITHM, *ALGORITHMS]
    return listing("algorithms", names, lambda name: describe_algorithm(name, is_ready(name)))


@router.get("/algorithms/{family}/{version}", operation_id="show_algorithm", summary="One stream", responses=NOT_FOUND)
async def show_algorithm(request: Request, family: str, version: str) -> dict[str, Any]:
    """Describe one random stream, e.g. initserve/1."""
    name = find(f"{family}/{version}", [ALGORITHM, *ALGORITHMS], {})
    return describe_algorithm(name, services_of(request).readiness.is_ready(name))
