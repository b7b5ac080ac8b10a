"""Digests of what was made as a whole, remembered: to make it again for its digest alone would be work for nothing."""

from collections import OrderedDict

MOST_DIGESTS = 4096


class Digests:
    """SHA-256 of representations that were made as a whole, by entity tag; for the event loop alone."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, bytes] = OrderedDict()

    def of(self, etag: str) -> bytes | None:
        return self._known.get(etag)

    def remember(self, etag: str, digest: bytes) -> None:
        self._known[etag] = digest
        if len(self._known) > MOST_DIGESTS:
            self._known.popitem(last=False)
