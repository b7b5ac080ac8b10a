"""What every request's handler may use: made once at start-up, handed over by the server with each request."""

from dataclasses import dataclass, field

from fastapi import Request

from service.api.admission import Room
from service.api.connections import Connections
from service.api.digests import Digests
from service.api.door.access import Access
from service.api.door.accounts import Accounts
from service.api.draining import Draining
from service.api.kept import Plans
from service.api.loop_turns import LoopTurns
from service.api.readiness import Readiness
from service.api.store import Store
from service.api.telemetry.exposing import Exposer
from service.api.telemetry.metrics import Metrics
from service.api.telemetry.spans import Spans
from service.pipeline import Workers
from service.settings import Settings


@dataclass(slots=True)
class Services:
    settings: Settings
    access: Access
    metrics: Metrics
    exposer: Exposer
    spans: Spans | None
    room: Room
    workers: Workers
    connections: Connections
    readiness: Readiness
    plans: Plans
    store: Store | None
    digests: Digests
    accounts: Accounts
    sending: LoopTurns
    draining: Draining = field(default_factory=Draining)


def services_of(request: Request) -> Services:
    """Return the services of the application that a request came to."""
    found: Services = request.app.state.services
    return found
