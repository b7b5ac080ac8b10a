"""Answers what is no request, or is none that is taken: beside the gate, since nothing comes in."""

from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.api.door.clients import Client, name_of, parse
from service.api.door.visits import Visit
from service.api.problems import RequestProblem, problem
from service.api.services import Services
from service.api.telemetry.identity import identify
from service.api.telemetry.requests import tell

Headers = Sequence[tuple[bytes, bytes]]
UNSAID: dict[str, object] = {"type": "http", "method": "-", "raw_path": b"-", "http_version": "1.1"}


def refusal(
    refused: RequestProblem, came: Headers, peer: Sequence[object] | None, services: Services, default: Headers
) -> bytes:
    """Return the last answer on a connection, counted and logged; `came` are the headers that had been read."""
    identity = identify(came)
    told = {**refused.headers, "connection": "close", "x-request-id": identity.request_id}
    answer = problem(refused.code, refused.detail, headers=told, identity=identity)
    client = Client(name_of(parse(str(peer[0])) if peer else None))
    visit = Visit(client, identity, services.accounts, status=answer.status_code, complete=True, problem=refused.code)
    visit.sent = len(answer.body)
    services.metrics.count_refusal(refused)
    tell(UNSAID, visit, services.metrics, None, "complete")
    guards, origins = services.access.guards.of(answer.raw_headers), services.access.origins.of(came)
    headers = [b"%s: %s\r\n" % pair for pair in (*default, *answer.raw_headers, *origins, *guards)]
    return b"".join([STATUS_LINE[answer.status_code], *headers, b"\r\n", answer.body])
