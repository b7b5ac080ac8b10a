"""Verifications without a server: a file's bytes in, in chunks of any size, and the answer out."""

import json
from typing import Any

from service.formats import FORMATS, Include
from service.networks.plan import Plan
from service.specs.spec import Spec
from service.verification import Result, Verification
from service.verification.means import Unbounded

MOST = 2**30  # bytes that may be inflated


def planned(**document: Any) -> Plan:
    return Spec.model_validate({"seed": 42, **document}).plan()


def file_of(plan: Plan, format: str) -> bytes:
    return FORMATS[format].encode(plan, Include()).whole()


def verify(file: bytes, plan: Plan | None = None, step: int = 2**20, most: int = MOST) -> dict[str, Any]:
    """Return the answer for a file that comes in chunks of `step` bytes; its own spec is taken where none is given."""
    means = Unbounded()
    means.most = most
    verification = Verification(means)
    results: list[Result] = []

    def advance(chunk: bytes, last: bool = False) -> None:
        for piece in verification.pieces(chunk, last):
            piece.make()()
        if verification.waits_for_plan:
            assert verification.listing is not None
            wanted = plan or Spec.model_validate(json.loads(verification.listing.spec or "{}")).plan()
            results.append(Result(wanted))
            verification.begin(results[0])
            advance(b"")

    for start in range(0, len(file), step):
        advance(file[start : start + step])
    advance(b"", last=True)
    answer = results[0].answer()
    json.dumps(answer, allow_nan=False)
    return answer
