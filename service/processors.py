"""How many processors this process may use."""

import os

from service.cgroups import Limits, whole


def processors() -> int:
    """Return how many processors this process may use, which its affinity and its control group may make fewer."""
    present = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = Limits().processors()
    return present if share is None else min(present, whole(share))
