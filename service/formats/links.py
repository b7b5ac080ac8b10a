"""Links: the addresses of an answer's files and of each parameter, on the service that gave it.

They hold the plan's own address, so they are there where it has one; what a dtype has no form for has no link.
"""

from service.formats.sharding import INDEX, SHARD_BYTES
from service.networks.plan import Caution, Plan, PlannedParameter
from service.specs.addresses import PREFIX
from service.stream.dtypes import DTYPES

Links = dict[str, str]

# Bytes of all parameters' links: an address of some thousand characters, thousands of times, would be all the answer.
MOST_BYTES = 2**22
EACH = 48  # bytes about the address in a parameter's link: its name, quotes, suffix


def has_npy(parameter: PlannedParameter) -> bool:
    return DTYPES[parameter.dtype].npy is not None


def links_of(plan: Plan, shard_bytes: int = SHARD_BYTES) -> dict[str, Links]:
    """Return the member `links` of an answer: its files; nothing where the plan has no address."""
    if plan.address is None:
        return {}
    at = PREFIX + plan.address
    of_shards = "" if shard_bytes == SHARD_BYTES else f"?shard_bytes={shard_bytes}"
    arrays = {"json": f"{at}.json", "npz": f"{at}.npz"} if all(map(has_npy, plan.parameters)) else {}
    return {
        "links": {
            **arrays,
            "safetensors": f"{at}.safetensors",
            "statistics": f"{at}.json?include=statistics",
            "svg": f"{at}.svg",
            "index": f"{at}/{INDEX}{of_shards}",
        }
    }


def parameters_at(plan: Plan) -> str | None:
    """Return the address that parameters' links begin with; None where there is none, or where they are left out."""
    if plan.address is None or 3 * len(plan.parameters) * (len(plan.address) + EACH) > MOST_BYTES:
        return None
    return plan.address


def left_out(plan: Plan) -> list[Caution]:
    """Return a warning where the plan has an address and its parameters' links would be too long to be listed."""
    if plan.address is None or parameters_at(plan) is not None:
        return []
    detail = (
        f"links of {len(plan.parameters):,} parameters would be too long to list them: a parameter is at the address "
        "of the files with /{layer}/{parameter}.npy, .raw or .json behind the spec"
    )
    return [Caution("links-left-out", "", detail, {})]


def links_of_parameter(address: str | None, parameter: PlannedParameter) -> dict[str, Links]:
    """Return the member `links` of a parameter, of the plan with this address: its file, its data, its statistics."""
    if address is None:
        return {}
    at = f"{PREFIX}{address}/{parameter.key}"
    file = {"npy": f"{at}.npy"} if has_npy(parameter) else {}
    return {"links": {**file, "raw": f"{at}.raw", "statistics": f"{at}.json"}}
