"""A request from its head to the last byte of its answer: who sends it, and what came of it."""

import time
from dataclasses import dataclass, field

from fastapi import Request

from service.api.door.clients import Client


@dataclass(slots=True)
class Visit:
    client: Client
    began: float = field(default_factory=time.monotonic)
    status: int = 0  # of the answer; 0 before it has begun
    sent: int = 0  # bytes of its content
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)  # for the answer, beside its own
    private: bool = False  # no shared cache may keep the answer: it took a key


def visit_of(request: Request) -> Visit:
    """Return the visit that a request belongs to."""
    found: Visit = request.scope["visit"]
    return found
