"""What makes shards side by side: processes of this machine, or a cluster that is there.

To add one: a module here, and a row of ENGINES that imports it when it is asked for.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from service.materialize.engines.engine import Engine, EngineError


class Asked(NamedTuple):
    """What a command line says of an engine; None where it says nothing."""

    workers: int | None
    address: str | None
    scheduler: str | None


# Ray listens on every interface, to whoever comes; it reads these when it is imported.
RAY_ALONE = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}


def processes(asked: Asked) -> Engine:
    from service.materialize.engines.processes import Processes

    return Processes(asked.workers)


def ray(asked: Asked) -> Engine:
    address = asked.address or os.environ.get("RAY_ADDRESS")
    if address is None:
        os.environ |= RAY_ALONE
    with extra("ray", "Ray"):
        from service.materialize.engines.ray import Ray
    return Ray(address, asked.workers)


def dask(asked: Asked) -> Engine:
    with extra("dask", "Dask"):
        from service.materialize.engines.dask import Dask
    return Dask(asked.scheduler, asked.workers)


@contextmanager
def extra(name: str, package: str) -> Iterator[None]:
    """Raise EngineError where the packages of an extra are not installed."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise EngineError(f"--engine {name} needs {package}: pip install initserve[{name}]") from missing


ENGINES: dict[str, Callable[[Asked], Engine]] = {"processes": processes, "ray": ray, "dask": dask}
