"""What one of several processes may take of what all of them may take together."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from service.processors import processors
from service.settings import Settings, is_shared

ROOT = Path(__file__).parents[2]


def share_of(settings: Settings) -> Settings:
    """Return the settings of one of `processes`: together they stay within these, but for at least 1 of anything."""
    count = settings.processes
    shares = {name: share(getattr(settings, name), count) for name in Settings.model_fields if is_shared(name)}
    threads = max(1, (settings.drawing_threads or processors()) // count)
    return settings.model_copy(update={**shares, "drawing_threads": threads, "processes": 1})


def share(whole: float, count: int) -> float:
    """Return an equal share; of 0, which says that there is none or no limit, 0."""
    if isinstance(whole, int):
        return max(1, whole // count) if whole else 0
    return whole / count


def as_environment(settings: Settings) -> Mapping[str, str]:
    """Return the environment in which a process reads these settings, and finds this package."""
    values = settings.model_dump(mode="json")
    said = {
        f"INITSERVE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **said, "PYTHONPATH": path}
