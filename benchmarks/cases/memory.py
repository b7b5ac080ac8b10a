"""Memory that one large answer takes above the idle server's."""

import re
from itertools import repeat
from pathlib import Path

from benchmarks.curl import npy
from benchmarks.measuring import Reading, Section, Target, seeds
from benchmarks.servers import initserve

ELEMENTS = 2**31  # 8 GiB
WARM_UP = 20  # small requests
TARGET = Target(64.0)


def measure(rounds: int) -> Section:
    section = Section("Peak memory above the idle server's while one answer of 8 GiB streams")
    if not Path("/proc/self/status").exists():
        section.left_out.append("no /proc to read the peak from")
        return section
    new = seeds()
    with initserve() as server:
        small = npy(server.url, "random_normal", [10], new)
        for run in repeat(small, WARM_UP):
            run()
        idle = forget_peak(server.pid)
        npy(server.url, "random_normal", [ELEMENTS], new)()
        above = peak(server.pid) - idle
    section.readings.append(Reading("idle server", "MiB", idle, idle, idle))
    section.readings.append(Reading("8 GiB streaming, above that", "MiB", above, above, above, TARGET))
    return section


def forget_peak(pid: int) -> float:
    """Make the present memory the peak and return it: starting up may have taken more than idling does."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak(pid)


def peak(pid: int) -> float:
    """Return the most memory in MiB that a process has had resident."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found.group(1)) / 1024
