"""What makes shards side by side: processes of this machine, or a cluster that is there.

To add one: a module here, and a row of ENGINES that imports it when it is asked for.
"""

from collections.abc import Callable
from typing import NamedTuple

from service.materialize.engines.engine import Engine


class Asked(NamedTuple):
    """What a command line says of an engine; None where it says nothing."""

    workers: int | None
    address: str | None
    scheduler: str | None


def processes(asked: Asked) -> Engine:
    from service.materialize.engines.processes import Processes

    return Processes(asked.workers)


ENGINES: dict[str, Callable[[Asked], Engine]] = {"processes": processes}
