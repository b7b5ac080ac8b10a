"""Begins to serve: in this process, or in several under a parent."""

import os
import sys
from typing import NoReturn

from service.serving.announcing import announce
from service.serving.ending import end_as_told
from service.serving.listeners import listening
from service.serving.server import Server
from service.serving.shares import as_environment
from service.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until a signal says otherwise; raises OSError and ValueError where that cannot be."""
    if settings.processes > 1:
        become_parent(settings)
    with listening(settings) as listeners:
        server = Server(settings)  # first: what settings name may not be there
        announce(listeners)
        server.run(listeners)
    end_as_told(server.told)


def become_parent(settings: Settings) -> NoReturn:
    """Go on as a parent: a fresh interpreter, which holds a fifth of the memory of one that serves."""
    os.execve(sys.executable, [sys.executable, "-m", "service.serving.parent"], as_environment(settings))
