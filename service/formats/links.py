"""Links: the addresses of an answer's files and of each parameter, on the service that gave it.

They hold the plan's own address, so they are there where it has one; what a dtype has no form for has no link.
"""

from service.formats.sharding import INDEX, SHARD_BYTES
from service.networks.plan import Plan, PlannedParameter
from service.specs.addresses import PREFIX
from service.stream.dtypes import DTYPES, DtypeName

Links = dict[str, str]


def has_npy(dtype: DtypeName) -> bool:
    return DTYPES[dtype].npy is not None


def links_of(plan: Plan, shard_bytes: int = SHARD_BYTES) -> dict[str, Links]:
    """Return the member `links` of an answer: its files; nothing where the plan has no address."""
    if plan.address is None:
        return {}
    at = PREFIX + plan.address
    of_shards = "" if shard_bytes == SHARD_BYTES else f"?shard_bytes={shard_bytes}"
    arrays = {"json": f"{at}.json", "npz": f"{at}.npz"} if has_npy(plan.dtype) else {}
    return {
        "links": {
            **arrays,
            "safetensors": f"{at}.safetensors",
            "statistics": f"{at}.json?include=statistics",
            "svg": f"{at}.svg",
            "index": f"{at}/{INDEX}{of_shards}",
        }
    }


def links_of_parameter(address: str | None, parameter: PlannedParameter) -> dict[str, Links]:
    """Return the member `links` of a parameter, of the plan with this address: its file, its data, its statistics."""
    if address is None:
        return {}
    at = f"{PREFIX}{address}/{parameter.key}"
    file = {"npy": f"{at}.npy"} if has_npy(parameter.dtype) else {}
    return {"links": {**file, "raw": f"{at}.raw", "statistics": f"{at}.json"}}
