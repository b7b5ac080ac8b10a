"""GET /weights/{spec}/model.safetensors.index.json and the files that it names: a checkpoint in shards."""

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, Request, Response

from service.api.addressed import BINARY, addressed
from service.api.described import whole_number
from service.api.negotiation import read_shard_bytes
from service.api.problems import RequestProblem
from service.api.representation import answer
from service.api.routing import DirectRoute, read_query
from service.api.services import services_of
from service.api.weights import JSON, SPEC, in_path, kept_at, represented
from service.formats import FORMATS, safetensors, sharding
from service.formats.sharding import INDEX, LARGEST_SHARD_BYTES, SHARD_BYTES, Shard

SAFETENSORS = FORMATS["safetensors"].media_type
NUMBER = in_path("number", "Of the file, from 00001 on.", "00001")
COUNT = in_path("count", "How many files there are; the index names them.", "00001")
SHARD = whole_number(
    "shard_bytes",
    "Bytes of tensors in a file, at the most, unless it has only one. Index and files belong together by it.",
    1,
    LARGEST_SHARD_BYTES,
    SHARD_BYTES,
)
router = APIRouter(tags=["addresses"], route_class=DirectRoute)


@addressed(
    router,
    f"/weights/{{spec}}/{INDEX}",
    "weights_index",
    "Which file of a sharded checkpoint each tensor is in",
    {JSON: {"type": "object"}},
    [SPEC, SHARD],
)
async def weights_index(request: Request) -> Response:
    """Answer the index that the Hub's libraries read: the files' names, by the tensors'."""
    shard_bytes = read_shard_bytes(read_query(request, ("shard_bytes",)))
    kept = await kept_at(request)
    lay_out = partial(sharding.encode_index, kept.plan, shard_bytes)
    return await answer(request, represented(request, kept, f"index {shard_bytes}", INDEX, JSON, lay_out))


@addressed(
    router,
    "/weights/{spec}/model-{number}-of-{count}.safetensors",
    "weights_shard",
    "One file of a sharded checkpoint",
    {SAFETENSORS: BINARY},
    [SPEC, NUMBER, COUNT, SHARD],
)
async def weights_shard(request: Request) -> Response:
    """Answer a safetensors file with the tensors that the index has in it: nothing else is drawn."""
    shard_bytes = read_shard_bytes(read_query(request, ("shard_bytes",)))
    kept = await kept_at(request)
    found = await services_of(request).plans.shards(kept, shard_bytes, request)
    shard = shard_called(found, "model-{number}-of-{count}.safetensors".format_map(request.path_params), shard_bytes)
    lay_out = partial(safetensors.encode_some, kept.plan, shard.parameters)
    form = f"shard {shard_bytes} {shard.name}"
    return await answer(request, represented(request, kept, form, shard.name, SAFETENSORS, lay_out))


def shard_called(found: Sequence[Shard], name: str, shard_bytes: int) -> Shard:
    """Return the file of this name; raises RequestProblem where the checkpoint has none."""
    for shard in found:
        if shard.name == name:
            return shard
    there = f"; there are {len(found)}, from {found[0].name} on" if found else ""
    raise RequestProblem("not-found", f"no file of {shard_bytes} bytes of tensors is called {name[:60]}{there}")
