"""The containers of docker-compose.yml, under a name of their own, and what Docker says of them."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECT = "initserve-tested"
HEALTHY = 300.0  # seconds: a busy machine
PATIENCE = 900  # seconds: a first build fetches packages and compiles kernels


def docker(*arguments: str, **environment: str) -> str:
    """Return what docker prints; raises AssertionError with what it says where it fails."""
    run = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert run.returncode == 0, f"docker {' '.join(arguments)}: {run.stderr[-3000:]}"
    return run.stdout


class Fleet:
    """Replicas behind nginx, published on a port of this machine alone."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {"PORT": f"127.0.0.1:{port}"}

    def compose(self, *arguments: str) -> str:
        return docker("compose", "--project-name", PROJECT, *arguments, **self._environment)

    def up(self) -> None:
        self.compose("up", "--build", "--detach", "--wait", "--wait-timeout", str(PATIENCE))

    def down(self) -> None:
        self.compose("down", "--timeout", "5", "--volumes")

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "--quiet", service).split()

    @property
    def replicas(self) -> list[str]:
        return self.containers("initserve")

    @property
    def everything(self) -> list[str]:
        return [*self.replicas, *self.containers("nginx")]


def inspected(container: str) -> dict[str, Any]:
    (found,) = json.loads(docker("inspect", container))
    return dict(found)


def inside(container: str, *command: str) -> str:
    """Return what a command prints in a container."""
    return docker("exec", container, *command)


def status_of(container: str) -> dict[str, str]:
    """Return what the kernel says of a container's first process."""
    lines = inside(container, "cat", "/proc/1/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def wait_until_healthy(container: str, since: str = "") -> None:
    """Wait until a container answers that it is ready; one started after `since`, where that is given."""
    deadline = time.monotonic() + HEALTHY
    while time.monotonic() < deadline:
        state = inspected(container)["State"]
        if state["Health"]["Status"] == "healthy" and state["StartedAt"] != since:
            return
        time.sleep(0.5)
    raise AssertionError(f"not healthy within {HEALTHY:.0f} s")
