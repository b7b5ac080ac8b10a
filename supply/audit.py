"""Asks which locked packages have known vulnerabilities: `python -m supply.audit LOCK …`, where pip-audit is installed.

Ends with 1 where one has; where the database cannot be reached it says so, and ends with 1 only if REQUIRE is set.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

OPTIONS = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]


def found_in(lock: str) -> list[dict[str, Any]]:
    """Return what pip-audit says of every package of a lock."""
    command = [sys.executable, "-m", "pip_audit", *OPTIONS, "--requirement", lock]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        raise SystemExit(f"audit: {lock}: pip-audit failed: {done.stderr.strip()[-600:]}") from None
    return packages


def told(packages: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return a line for each vulnerability, and the names of packages of which nothing could be learnt."""
    vulnerable = [
        f"{package['name']} {package['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or '-'}"
        for package in packages
        for each in package.get("vulns", ())
    ]
    return vulnerable, [package["name"] for package in packages if "skip_reason" in package]


def main(locks: Sequence[str]) -> int:
    """Print what is known of the packages of some locks; return the exit status."""
    packages = {package["name"]: package for lock in locks for package in found_in(lock)}
    vulnerable, unknown = told(list(packages.values()))
    for line in vulnerable:
        sys.stdout.write(f"audit: {line}\n")
    known = len(packages) - len(unknown)
    sys.stdout.write(f"audit: {known} of {len(packages)} packages looked up, {len(vulnerable)} vulnerabilities\n")
    if unknown:
        some = ", ".join(unknown[:10]) + (" …" if unknown[10:] else "")
        sys.stdout.write(f"audit: nothing could be learnt of {some}: is the database within reach?\n")
    return int(bool(vulnerable or (unknown and os.environ.get("REQUIRE"))))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
