"""Keeps specs that no address can hold, under the digest of their text: in a directory, or in any object store.

What is kept is kept for good, since addresses name it, so there is a bound on how much that is. Several replicas may
share one store: a text is whatever has its digest, is written as a whole, and twice the same.
"""

import asyncio
import hashlib
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from service.api.problems import RequestProblem

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

SECONDS = 5.0  # that the store may take, whatever is asked of it
CACHED = 2**24  # bytes of texts that were read and are held
# Of the room that was counted, the share that one replica may fill before it counts again: as many may share a store
# without going beyond its bound.
SHARE = 16
FULL_FOR = 60.0  # seconds for which what had no room is taken to have none, and nothing is counted for it
RETRIES: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=SECONDS)}
logger = logging.getLogger("initserve")

T = TypeVar("T")


class StoreFull(Exception):
    """There is no room for another spec."""


class Store:
    """The specs that are kept; for the event loop alone, which it never holds up."""

    def __init__(self, place: "ObjectStore", most: int, longest: int) -> None:
        self._place, self._most, self._longest = place, most, longest
        self._left = 0  # bytes that may be put before all that is kept is counted again
        self._counting: asyncio.Task[None] | None = None
        self._refused, self._refused_until = 0, 0.0  # how much had no room, and for how long nothing of its size has
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._held = 0

    @classmethod
    def at(cls, address: str, most: int, longest: int) -> "Store":
        """Return the store in a directory, which is made where it is not there, or at a URL.

        It keeps `most` bytes, in texts of at most `longest`. Raises OSError for what cannot be opened.
        """
        from obstore.exceptions import BaseError
        from obstore.store import LocalStore, from_url

        try:
            if "://" not in address:
                place: ObjectStore = LocalStore(address, mkdir=True)
            elif address.startswith(("file:", "memory:")):
                place = from_url(address)
            elif address.startswith("http:"):
                place = from_url(address, client_options={"allow_http": True}, retry_config=RETRIES)
            else:  # what the environment says of a bucket's client holds where no options are given here
                place = from_url(address, retry_config=RETRIES)
        except (BaseError, OSError, ValueError) as error:
            why = str(error).partition("\n")[0]
            raise OSError(f"INITSERVE_SPECS: {address!r} cannot be opened: {why}") from None
        return cls(place, most, longest)

    async def keep(self, digest: str, text: str) -> bool:
        """Keep a text under its digest; return whether it was not there before.

        Raises StoreFull where there is no room for it, RequestProblem where the store fails.
        """
        if digest in self._texts:
            return False
        new = await self._asked(self._keep(digest, text.encode()))
        self._remember(digest, text)
        return new

    async def text(self, digest: str) -> str:
        """Return the text that has this digest; raises RequestProblem where none is kept, or the store fails."""
        if digest in self._texts:
            self._texts.move_to_end(digest)
            return self._texts[digest]
        content = await self._asked(self._read(digest))
        if content is None:
            raise RequestProblem("unknown-spec", f"no spec is kept here under sha256-{digest}")
        if hashlib.sha256(content).hexdigest() != digest:
            logger.error("%s holds another text than its name says: the store of specs is damaged", path_of(digest))
            raise RequestProblem("store-unavailable", f"what is kept under sha256-{digest} is damaged")
        self._remember(digest, content.decode())
        return self._texts[digest]

    def _remember(self, digest: str, text: str) -> None:
        self._held += len(text) if digest not in self._texts else 0
        self._texts[digest] = text
        while self._held > CACHED:
            self._held -= len(self._texts.popitem(last=False)[1])

    async def _keep(self, digest: str, content: bytes) -> bool:
        if await self._read(digest) == content:
            return False
        await self._reserve(len(content))
        await self._place.put_async(path_of(digest), content)
        return True

    async def _read(self, digest: str) -> bytes | None:
        """Return what is kept under a digest, whatever that is; None where nothing is."""
        try:
            found = await self._place.get_async(path_of(digest))
        except FileNotFoundError:
            return None
        return bytes(await found.bytes_async()) if found.meta["size"] <= self._longest else b""

    async def _reserve(self, size: int) -> None:
        """Return once so many bytes may be put; raises StoreFull where they would be more than may be kept."""
        while size > self._left:
            if size >= self._refused and monotonic() < self._refused_until:
                raise StoreFull
            if self._counting is None or self._counting.done():
                self._counting = asyncio.create_task(self._count(size))
                self._counting.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.shield(self._counting)  # others may wait for it too
        self._left -= size

    async def _count(self, size: int) -> None:
        """Count what is kept, and find room for so many bytes: a share of all that is left, or just those."""
        left = self._most
        async for some in self._place.list():
            left -= sum(each["size"] for each in some)
        self._left = max(left // SHARE, size if size <= left else 0)
        if size > left:
            self._refused, self._refused_until = size, monotonic() + FULL_FOR

    async def _asked(self, answer: Awaitable[T]) -> T:
        """Return what the store answers; raises RequestProblem where it does not, or not in time."""
        from obstore.exceptions import BaseError

        try:
            async with asyncio.timeout(SECONDS):
                return await answer
        except TimeoutError:
            why = f"did not answer within {SECONDS:g} s"
        except (BaseError, OSError) as error:
            logger.warning("The store of specs failed: %s", str(error).partition("\n")[0])
            why = "failed"
        raise RequestProblem("store-unavailable", f"the store of specs {why}", retry_after=math.ceil(SECONDS))


async def text_of(digest: str, store: Store | None) -> str:
    """Return the text that has this digest; raises RequestProblem where there is none, or no store."""
    if store is None:
        raise RequestProblem("unknown-spec", "this service keeps no specs (INITSERVE_SPECS)")
    return await store.text(digest)


def path_of(digest: str) -> str:
    """Return where a text is kept; two letters make a folder, so that none holds very many."""
    return f"{digest[:2]}/{digest}.json"
