"""What every answer tells a browser that it may not do with it: read it as another type, frame it, run code in it."""

from collections.abc import Iterable
from typing import TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]

NOTHING = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# All that a page needs comes from this service, as files: no code and no style stands in its elements.
PAGE = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PICTURE = NOTHING + b"; style-src 'unsafe-inline'"  # an SVG file has its style in itself
BY_TYPE = {
    b"text/html": PAGE,
    b"text/javascript": PAGE,  # a worker goes by what its own script came with
    b"image/svg+xml": PICTURE,
}
UNUSED = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
COMMON: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),  # for browsers that do not know frame-ancestors
    (b"referrer-policy", b"same-origin"),  # addresses hold specs
    (b"permissions-policy", b", ".join(f"{name}=()".encode() for name in UNUSED)),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class Guards:
    """The headers for every answer; `elsewhere` where pages of other origins may show what is here."""

    def __init__(self, elsewhere: bool) -> None:
        policy = b"cross-origin" if elsewhere else b"same-origin"
        common = [*COMMON, (b"cross-origin-resource-policy", policy)]
        self._others = [*common, (b"content-security-policy", NOTHING)]
        self._by_type = {kind: [*common, (b"content-security-policy", told)] for kind, told in BY_TYPE.items()}

    def of(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Return what belongs beside an answer's own headers."""
        for name, value in headers:
            if name == b"content-type":
                return self._by_type.get(value.partition(b";")[0], self._others)
        return self._others


def for_one_client(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return an answer's headers so that no shared cache gives it to whoever has no key for it."""
    return [
        (name, value.replace(b"public", b"private") if name == b"cache-control" else value) for name, value in headers
    ]
