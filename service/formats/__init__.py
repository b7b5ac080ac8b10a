"""Writes tensors: every answer is a sequence of pieces whose total length is known before the first is made.

To add a format, write its module (one `encode`) and its row in FORMATS. Knows no HTTP beyond media types.
"""

from collections.abc import Callable
from dataclasses import dataclass

from service.formats import base64_json, npy, npz, pictures, safetensors
from service.formats.payload import Include, Payload
from service.networks.plan import Plan


@dataclass(frozen=True, slots=True)
class Format:
    media_type: str
    suffix: str
    encode: Callable[[Plan, Include], Payload]


# In the server's order of preference.
FORMATS: dict[str, Format] = {
    "json": Format("application/json", ".json", base64_json.encode),
    "safetensors": Format("application/vnd.safetensors", ".safetensors", safetensors.encode),
    "npz": Format("application/x-npz", ".npz", npz.encode),
    "npy": Format("application/x-npy", ".npy", npy.encode),
}

# Of statistics alone.
PICTURE = Format("image/svg+xml", ".svg", pictures.encode)

__all__ = ["FORMATS", "PICTURE", "Format", "Include", "Payload"]
