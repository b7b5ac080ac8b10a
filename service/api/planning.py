"""What planning a spec takes, refused where that is too much, and held against whoever asks while it is under way."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from service.api.admission import refuse_seconds
from service.api.door.visits import visit_of
from service.prices import planning
from service.settings import Settings
from service.specs.spec import Spec


@contextmanager
def held(seconds: float, request: Request) -> Iterator[None]:
    """Hold a price against a request's client for a block; raises RequestProblem where too little is left to it."""
    release = visit_of(request).hold(seconds)
    try:
        yield
    finally:
        release()


@contextmanager
def admitted(spec: Spec, request: Request) -> Iterator[None]:
    """Let a spec be planned, in this block, for a request: on whatever route it comes, and wherever it was kept.

    Raises TooLarge where planning takes more than a request may, and RequestProblem where too little is left to its
    client. For any thread.
    """
    seconds = planning(spec)
    settings: Settings = request.app.state.services.settings
    refuse_seconds(seconds, settings.max_processor_seconds, "to be planned")
    with held(seconds, request):
        yield
