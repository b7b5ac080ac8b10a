"""Limits of settings against those of the machine, the control group and the process."""

from collections.abc import Iterator
from pathlib import Path

from service.api.connections import RESERVED
from service.cgroups import Limits
from service.doctor.findings import Finding, fine, warning, wrong
from service.processors import processors
from service.settings import Settings

MIB = 2**20
BASE = 256 * MIB  # bytes of a process that has started and does nothing, and of the parent of several
# Threads beside those that draw: those of the event loop's pool, of matrix products, of metrics.
BESIDE = 48


def of_the_limits(settings: Settings, limits: Limits) -> Iterator[Finding]:
    """Yield what settings allow and the machine does not."""
    yield from of_memory(settings, limits.memory())
    yield from of_threads(settings, limits.threads())
    yield from of_files(settings)
    if settings.max_standing_bytes > settings.max_standing_bytes_in_flight:
        yield warning("limits", "MAX_STANDING_BYTES is more than MAX_STANDING_BYTES_IN_FLIGHT, which then is the limit")
    if settings.drain_seconds >= settings.shutdown_seconds:
        yield warning("limits", "DRAIN_SECONDS are as long as SHUTDOWN_SECONDS: answers under way have no time to end")
    if settings.processes > processors():
        yield warning("processes", f"{settings.processes} processes serve on {processors()} processors")


def of_memory(settings: Settings, allowed: int | None) -> Iterator[Finding]:
    """Yield whether what requests may hold together, with the process itself, is there to be had."""
    total = memory_of_the_machine()
    least = min(each for each in (allowed, total) if each is not None) if allowed or total else None
    flight, standing = settings.max_bytes_in_flight, settings.max_standing_bytes_in_flight
    held = flight + standing + settings.max_kept_plan_bytes
    base = BASE * (settings.processes + (settings.processes > 1))
    needed = base + held
    if least is None:
        return
    have = "the control group allows" if least == allowed else "the machine has"
    sums = f"requests may hold {held // MIB:,} MiB together, and {base // MIB:,} MiB go to the processes themselves"
    if needed > least:
        yield wrong(
            "memory",
            f"{sums}, but {have} {least // MIB:,} MiB: under load the process is killed; lower MAX_BYTES_IN_FLIGHT, "
            "MAX_STANDING_BYTES_IN_FLIGHT or MAX_KEPT_PLAN_BYTES, or give it more",
        )
    else:
        yield fine("memory", f"{sums}; {have} {least // MIB:,} MiB")


def memory_of_the_machine(file: Path = Path("/proc/meminfo")) -> int | None:
    """Return the bytes of memory there are, None where nothing says so."""
    lines = file.read_text().splitlines() if file.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")), None)


def of_threads(settings: Settings, allowed: int | None) -> Iterator[Finding]:
    threads = settings.drawing_threads or processors()
    if threads > processors():
        yield warning(
            "processors", f"{threads} threads draw on {processors()} processors, and only take each other's time"
        )
    most = threads + BESIDE * settings.processes
    if allowed is not None and most > allowed:
        yield wrong("threads", f"up to {most} are started; the control group allows {allowed}")


def of_files(settings: Settings) -> Iterator[Finding]:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < settings.max_connections + RESERVED:
        yield warning(
            "files",
            f"the process may open {hard:,}, so that it takes {max(1, hard - RESERVED):,} connections and not "
            f"{settings.max_connections:,}; raise its limit (ulimit -n, LimitNOFILE)",
        )
