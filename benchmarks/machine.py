"""What the figures were measured on, without names of hosts or folders."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "torch", "keras", "jax")


def describe() -> dict[str, str | int]:
    return {
        "cores": os.cpu_count() or 1,
        "processor": processor(),
        "python": platform.python_version(),
        **{package: version_of(package) for package in PACKAGES},
    }


def processor() -> str:
    """Return the model as Linux names it; elsewhere the architecture."""
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1) if found else platform.machine()


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
