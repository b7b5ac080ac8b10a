"""GET /weights/…: what a spec comes to, at an address that holds the spec itself.

To add a form, add its route and what its bytes come of. All of them answer as representation.py has it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from service import __version__
from service.api.addressed import BINARY, addressed
from service.api.admission import admit
from service.api.described import one_of
from service.api.kept import Kept
from service.api.negotiation import read_include
from service.api.openapi import reference
from service.api.problems import RequestProblem
from service.api.representation import Representation, answer
from service.api.routing import DirectRoute, read_query
from service.api.services import services_of
from service.formats import FORMATS, PICTURE, Include, Payload, base64_json, npy
from service.formats.payload import raw
from service.networks.plan import PlannedParameter
from service.specs.nearness import Nearest
from service.specs.slices import LONGEST as LONGEST_SLICE
from service.specs.slices import parse_slice

# What entity tags tell of how bytes are written: tensor files as always; texts in this version's words.
WRITTEN, WORDED = "1", __version__
OCTETS = "application/octet-stream"
LONGEST_KEY = 256  # characters of a name that are looked at to find the one that was meant
JSON, SVG = FORMATS["json"].media_type, PICTURE.media_type


def in_path(name: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema} | (
        {"example": example} if example else {}
    )


EXAMPLE = (  # the first of examples.py
    "eNpljMsKwkAMRf8l64BURUp_pbgITnQC85BJWiyl_964UnR5zr2cFSg9ahOLGQaQIqbcZj50gJBo4aYwjCvQzWQmk1r81ThNPhfK"
    "7BQlBC7OGunpYuwu2F8RbHkT-KYMG_40tN4t0-uTqZN9NXo8_SVcKHNwcT7CtgN2KTwI"
)
SPEC = in_path("spec", "The canonical spec, packed: `links` of /init and /plan have it.", EXAMPLE)
PARAMETER = in_path("parameter", "A parameter's name in a file of all.", "hidden/kernel")
INCLUDE = ["weights", "statistics", "weights,statistics"]
WHOLE = one_of("include", "What the JSON holds.", INCLUDE, default="weights")
SLICE: dict[str, Any] = {
    "name": "slice",
    "in": "query",
    "description": "A part of it, as NumPy slices: `0:128,::2`, an index for each axis. Only that is drawn.",
    "schema": {"type": "string", "maxLength": LONGEST_SLICE},
    "example": "",
}
OF_PARAMETER = one_of("include", "What the JSON holds.", INCLUDE, default="statistics")

router = APIRouter(tags=["addresses"], route_class=DirectRoute)


async def kept_at(request: Request) -> Kept:
    """Return the plan of the spec in a request's address."""
    return await services_of(request).plans.at(request.path_params["spec"], request)


def represented(
    request: Request,
    kept: Kept,
    form: str,
    name: str,
    media_type: str,
    lay_out: Callable[[], Payload],
    refuse_whole: Callable[[], None] = lambda: None,
) -> Representation:
    """Return what a plan has in a form, laid out when it is first needed; `form` tells it from the plan's others."""
    plans = services_of(request).plans
    shown = media_type in (JSON, SVG)
    # The links in a text are this service's own, of its build of zlib.
    revision = f"{WORDED} {kept.plan.address}" if shown else WRITTEN
    lay = partial(plans.payload, kept, form, lay_out, request)
    return Representation(
        name, media_type, (kept.plan.digest, form, revision), lay, refuse_whole, kept.plan.algorithm, shown
    )


def file_of(request: Request, kept: Kept, format_name: str, include: Include) -> Representation:
    """Return all of a plan in one of the formats, as POST /init answers it."""
    plan, settings = kept.plan, services_of(request).settings
    format = PICTURE if format_name == "svg" else FORMATS[format_name]
    return represented(
        request,
        kept,
        f"{format_name}?{include.weights:d}{include.statistics:d}",
        f"weights{format.suffix}",
        format.media_type,
        lambda: format.encode(plan, include),
        lambda: admit(plan, format_name, include, settings),
    )


def parameter_of(kept: Kept, key: str, wanted: str | None) -> tuple[PlannedParameter, str]:
    """Return the parameter of this name, or a slice of it, and how the slice is said in one way.

    Raises RequestProblem where there is no such parameter, InvalidSlice where it has no such slice.
    """
    if key not in kept.parameters:
        near = Nearest(kept.parameters).to(key[:LONGEST_KEY])
        raise RequestProblem("not-found", f"this spec has no parameter {key!r}; did you mean {near}?")
    parameter = kept.parameters[key]
    if wanted is None:
        return parameter, ""
    part = parse_slice(wanted, parameter.shape)
    return parameter.sliced(part.indices), part.text


@addressed(
    router,
    "/weights/{spec}.json",
    "weights_json",
    "All weights, in JSON",
    {JSON: reference("InitAnswer")},
    [SPEC, WHOLE],
)
async def weights_json(request: Request) -> Response:
    """Answer what POST /init answers for the spec that the address holds."""
    include = read_include(read_query(request, ("include",)).get("include", "weights"))
    return await answer(request, file_of(request, await kept_at(request), "json", include))


@addressed(
    router, "/weights/{spec}.npz", "weights_npz", "All weights, as .npz", {FORMATS["npz"].media_type: BINARY}, [SPEC]
)
async def weights_npz(request: Request) -> Response:
    """Answer a ZIP of .npy files. For ranges ask for safetensors: the end of a ZIP tells of all that stands before."""
    read_query(request, ())
    return await answer(request, file_of(request, await kept_at(request), "npz", Include()))


@addressed(
    router,
    "/weights/{spec}.safetensors",
    "weights_safetensors",
    "All weights, as .safetensors",
    {FORMATS["safetensors"].media_type: BINARY},
    [SPEC],
)
async def weights_safetensors(request: Request) -> Response:
    """Answer one safetensors file; any range of it costs what stands in it."""
    read_query(request, ())
    return await answer(request, file_of(request, await kept_at(request), "safetensors", Include()))


@addressed(
    router, "/weights/{spec}.svg", "weights_svg", "All weights, as histograms", {SVG: {"type": "string"}}, [SPEC]
)
async def weights_svg(request: Request) -> Response:
    """Answer the histograms of the parameters, with what their distributions promise over them."""
    read_query(request, ())
    return await answer(request, file_of(request, await kept_at(request), "svg", Include(False, True)))


@addressed(
    router,
    "/weights/{spec}/{parameter:path}.npy",
    "parameter_npy",
    "One parameter, as .npy",
    {FORMATS["npy"].media_type: BINARY},
    [SPEC, PARAMETER, SLICE],
)
async def parameter_npy(request: Request) -> Response:
    """Answer one parameter as NumPy's file: what it holds, then the values."""
    return await parameter_as(request, ".npy", FORMATS["npy"].media_type, npy.encode_parameter)


@addressed(
    router,
    "/weights/{spec}/{parameter:path}.raw",
    "parameter_raw",
    "One parameter's data",
    {OCTETS: BINARY},
    [SPEC, PARAMETER, SLICE],
)
async def parameter_raw(request: Request) -> Response:
    """Answer the values alone, little-endian, in C order."""
    return await parameter_as(request, ".raw", OCTETS, lambda parameter: Payload([raw(parameter)]))


async def parameter_as(
    request: Request, suffix: str, media_type: str, encode: Callable[[PlannedParameter], Payload]
) -> Response:
    """Answer one parameter, or a slice of it, in a binary form."""
    asked = read_query(request, ("slice",))
    kept, key = await kept_at(request), request.path_params["parameter"]
    parameter, part = parameter_of(kept, key, asked.get("slice"))
    found = one_parameter(request, kept, (key, part, suffix), media_type, lambda: encode(parameter))
    return await answer(request, found)


def one_parameter(
    request: Request, kept: Kept, of: tuple[str, str, str], media_type: str, lay_out: Callable[[], Payload]
) -> Representation:
    """Return a parameter, or a slice of it, in a form; `of` is its name, the slice and the form."""
    key, part, form = of
    name = f"{key.replace('/', '.')}{'.slice' if part else ''}{form.partition('?')[0]}"
    return represented(request, kept, f"{form} {key} {part}", name, media_type, lay_out)


@addressed(
    router,
    "/weights/{spec}/{parameter:path}.json",
    "parameter_json",
    "One parameter, in JSON",
    {JSON: reference("ParameterAnswer")},
    [SPEC, PARAMETER, OF_PARAMETER, SLICE],
)
async def parameter_json(request: Request) -> Response:
    """Answer what is told of one parameter in the answer of /init: its statistics, unless `include` says otherwise."""
    asked = read_query(request, ("include", "slice"))
    include = read_include(asked.get("include", "statistics"))
    kept, key = await kept_at(request), request.path_params["parameter"]
    parameter, part = parameter_of(kept, key, asked.get("slice"))
    form = f".json?{include.weights:d}{include.statistics:d}"
    address = None if part else kept.plan.address  # whose links are those of the whole
    lay_out = partial(base64_json.encode_parameter, parameter, address, include)
    return await answer(request, one_parameter(request, kept, (key, part, form), JSON, lay_out))
