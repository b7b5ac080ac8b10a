"""A request from its head to the last byte of its answer: who sends it, and what came of it."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request

from service.api.door.clients import Client
from service.api.telemetry.identity import Identity
from service.api.telemetry.phases import During, Phase

if TYPE_CHECKING:
    from service.api.door.accounts import Accounts, Release


@dataclass(slots=True)
class Visit:
    client: Client
    identity: Identity
    accounts: "Accounts"
    began: float = field(default_factory=time.monotonic)
    answered: float = 0.0  # when its answer began
    status: int = 0  # of the answer; 0 before it has begun
    sent: int = 0  # bytes of its content
    complete: bool = False  # all of its answer was handed on while its client was there
    problem: str = ""  # the code of the problem that it was answered with
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)  # for the answer, beside its own
    private: bool = False  # no shared cache may keep the answer: it took a key
    phases: list[Phase] = field(default_factory=list)

    def phase(self, name: str) -> During:
        """Return what makes a phase of its block (telemetry/phases.py has their names)."""
        return During(name, self.phases)

    def went_by(self, name: str, seconds: float) -> None:
        """Make a phase of the last so many seconds, if any."""
        if seconds:
            now = time.monotonic()
            self.phases.append(Phase(name, now - seconds, now))

    def hold(self, seconds: float) -> "Release":
        """Hold the price of work against the account; return what ends that. Raises RequestProblem beyond it."""
        return self.accounts.hold(self.client.name, seconds)


def visit_of(request: Request) -> Visit:
    """Return the visit that a request belongs to."""
    found: Visit = request.scope["visit"]
    return found


def whose(request: Request) -> str:
    """Return the name of the client that sends a request."""
    return visit_of(request).client.name
