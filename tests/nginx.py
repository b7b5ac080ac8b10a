"""nginx with the files of deploy/nginx, but for where it listens, writes and passes on to."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.conftest import ROOT, START, free_port

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"  # where a user's path may not lead
needs_nginx = pytest.mark.skipif(not Path(NGINX).exists(), reason="no nginx; make bench-tools installs it")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
NOTHING: Mapping[str, str] = MappingProxyType({})


@contextmanager
def deployed(
    name: str, folder: Path, replicas: str, *, http: str = "", changes: Mapping[str, str] = NOTHING
) -> Iterator[str]:
    """Run nginx with a file of deploy/nginx in a folder of its own; give its address.

    `replicas` is what it passes on to, `http` more directives, `changes` further texts of the file and theirs here.
    """
    port = free_port()
    temporary = "".join(f"{kind}_temp_path {kind};" for kind in TEMPORARY)
    here = {
        name: {
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "http {": f"http {{ access_log off; {temporary} {http}",
            **changes,
        },
        "edge.conf": {"$replicas initserve:8000;": f"$replicas {replicas};"},
    }
    for file, texts in here.items():
        configured = (ROOT / "deploy/nginx" / file).read_text()
        for theirs, ours in texts.items():
            assert theirs in configured
            configured = configured.replace(theirs, ours, 1)
        (folder / file).write_text(configured)
    settings = ["-g", "daemon off; master_process off; pid nginx.pid;"]
    command = [NGINX, "-p", str(folder), "-c", name, "-e", "stderr", *settings]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        time.sleep(0.05)
    raise AssertionError("nginx does not start")
