"""The one exception for all that a service refuses, and for a service that does not answer."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


class InitserveError(Exception):
    """What was refused, and what would work.

    `status` is the HTTP status, None where there was no answer; `code` names the kind of problem, as in the service's
    /problems, or is "no-answer" or "broken-answer"; `errors` are pairs of `pointer` (RFC 6901, into the spec) and
    `detail`; `try_` holds members of a spec that would work, where the service knows some.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        status: int | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        try_: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.status = code, detail, status
        self.errors = [dict(each) for each in errors]
        self.try_ = None if try_ is None else dict(try_)

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.detail}"]
        lines += [f"  {each.get('pointer') or '(the whole)'}: {each.get('detail')}" for each in self.errors]
        if self.try_ is not None:
            lines.append(f"  try {json.dumps(self.try_)}")
        return "\n".join(lines)


def error_of(status: int, body: bytes) -> InitserveError:
    """Return the error of an answer: its problem document's, or one that quotes what came instead of one."""
    try:
        document = json.loads(body)
        code, detail = document["type"].rpartition("/")[2], document["detail"]
        return InitserveError(code, detail, status, document.get("errors") or (), document.get("try"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        words = body[:200].decode("utf-8", "replace")
        return InitserveError("broken-answer", f"status {status} without a problem document: {words!r}", status)
