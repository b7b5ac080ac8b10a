"""Initial weights of neural networks as NumPy arrays: of an initserve service, or made on the spot by `Local`."""

from initserve.asynchronous import AsyncClient, AsyncLazyArray
from initserve.client import Client
from initserve.errors import InitserveError
from initserve.files import InvalidFile, read_npy, read_safetensors
from initserve.lazy import Arrays, LazyArray
from initserve.local import Local

__version__ = "0.1.0"
__all__ = [
    "Arrays",
    "AsyncClient",
    "AsyncLazyArray",
    "Client",
    "InitserveError",
    "InvalidFile",
    "LazyArray",
    "Local",
    "read_npy",
    "read_safetensors",
]
