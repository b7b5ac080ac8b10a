"""What a control group leaves to this process: memory, processors, threads. Linux alone has any."""

import math
from collections.abc import Iterator
from pathlib import Path

MOUNTED = Path("/sys/fs/cgroup")
MEMBER_OF = Path("/proc/self/cgroup")
UNLIMITED = 2**60  # version 1 writes the largest page-aligned number where there is no limit


class Limits:
    """Reads limits of the group that this process is in, and of those around it, of which the least counts."""

    def __init__(self, mounted: Path = MOUNTED, member_of: Path = MEMBER_OF) -> None:
        self._mounted = mounted
        # A line a hierarchy: number:controllers:path. Version 2 has one, numbered 0, without controllers.
        lines = member_of.read_text().splitlines() if member_of.exists() else []
        self._paths = {names: path for _, names, path in (line.split(":", 2) for line in lines if line.count(":") > 1)}

    def memory(self) -> int | None:
        """Return the bytes that may be used, None for any number."""
        found = [*self._numbers("", "memory.max"), *self._numbers("memory", "memory.limit_in_bytes")]
        return least(found)

    def threads(self) -> int | None:
        """Return how many threads there may be, None for any number."""
        return least([*self._numbers("", "pids.max"), *self._numbers("pids", "pids.max")])

    def processors(self) -> float | None:
        """Return the processors whose time may be used up, parts of them included; None for all there are."""
        shares = [self._share(*text.split()) for text in self._texts("", "cpu.max")]
        for folder in self._folders("cpu"):
            quota, period = folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us"
            if quota.exists() and period.exists():
                shares.append(self._share(quota.read_text(), period.read_text()))
        return min((share for share in shares if share), default=None)

    @staticmethod
    def _share(quota: str, period: str) -> float:
        """Return a quota as processors: 0.0 for none, which version 2 calls max, and version 1 -1."""
        return 0.0 if quota == "max" or int(quota) <= 0 else int(quota) / int(period)

    def _numbers(self, controller: str, file: str) -> list[int]:
        return [int(text) for text in self._texts(controller, file) if text != "max"]

    def _texts(self, controller: str, file: str) -> list[str]:
        places = [folder / file for folder in self._folders(controller)]
        return [place.read_text().strip() for place in places if place.exists()]

    def _folders(self, controller: str) -> Iterator[Path]:
        """Yield the group's folder and those around it; a container may see its own as the whole."""
        for names, path in self._paths.items():
            if controller not in names.split(","):
                continue
            top = self._mounted / controller if controller else self._mounted
            folder = top / path.strip("/")
            yield folder
            yield from (each for each in folder.parents if each == top or top in each.parents)


def least(limits: list[int]) -> int | None:
    return min((limit for limit in limits if limit < UNLIMITED), default=None)


def whole(processors: float) -> int:
    """Return how many threads use up a share of processors."""
    return max(1, math.ceil(processors))
