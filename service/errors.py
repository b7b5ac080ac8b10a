"""Everything that a spec, or a file made of one, can have wrong with it, beyond what its fields' types already refuse.

    InitserveError
    ├── InvalidSpec              what it says cannot be: a scheme on a shape that it cannot fill, a name twice
    ├── UnsupportedCombination   each part is fine, together they are not: bfloat16 as .npy
    ├── InvalidAddress           an address of weights that this service never gave: cut short, tampered with
    ├── InvalidSlice             what ?slice= says is no slice of the array, or is none at all
    ├── NotExact                 a framework's stream is asked for, and its very bits cannot be promised
    ├── TooLarge                 it could be made, but costs more than this service may spend on one answer
    └── InvalidFile              a file that is to be compared with its spec is cut short, damaged or of no known kind

Each class has a stable `code`; `api/problems.py` maps it to an HTTP status and to a page that explains it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class InitserveError(Exception):
    """What was asked, why it cannot be, what is possible.

    `pointer` is the JSON Pointer (RFC 6901) of the member at fault, "" for the whole; `remedy` is a change to the
    request that would work, in the request's own terms, or None.
    """

    code: ClassVar[str]

    def __init__(self, detail: str, pointer: str = "", remedy: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.remedy = remedy

    def at(self, pointer: str) -> "InitserveError":
        """Return the same error with `pointer` put before its own."""
        return type(self)(self.detail, pointer + self.pointer, self.remedy)


class InvalidSpec(InitserveError):
    code = "invalid-spec"


class UnsupportedCombination(InitserveError):
    code = "unsupported-combination"


class InvalidAddress(InitserveError):
    code = "invalid-address"


class InvalidSlice(InitserveError):
    code = "invalid-slice"


class NotExact(InitserveError):
    code = "not-exact"


class TooLarge(InitserveError):
    code = "too-large"


class InvalidFile(InitserveError):
    code = "invalid-file"
