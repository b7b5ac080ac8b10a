"""The servers: the service itself, and what it is measured against."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.processes import ROOT, free_port, module, running

MIB = 2**20
IDENTITY = "/bare"  # answered by bare.py alone: the service must not be measured against itself
ZEROS = 64 * MIB  # bytes of the constant answer
NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        root .;
    }}
}}
"""


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answers(url: str) -> bool:
    try:
        with httpx.stream("GET", url, trust_env=False, timeout=10.0) as response:
            return response.is_success
    except httpx.HTTPError:
        return False


@contextmanager
def initserve(root: Path = ROOT, **more: str) -> Iterator[Server]:
    """Serve from this checkout, or from another folder that holds `service`; `more` are settings."""
    port = free_port()
    # 64 GiB: the cases ask for up to 8.
    settings = {"INITSERVE_PORT": str(port), "INITSERVE_MAX_BINARY_BYTES": str(2**36), **more}
    command = module("service", "serve")
    with running(command, root, lambda: answers(f"http://127.0.0.1:{port}/readyz"), **settings) as process:
        yield Server(port, process.pid)


@contextmanager
def bare(application: str) -> Iterator[Server]:
    """Serve an application of bare.py."""
    port = free_port()
    command = module("benchmarks.bare", application)
    ready = f"http://127.0.0.1:{port}{IDENTITY}"
    with running(command, ready=lambda: answers(ready), INITSERVE_PORT=str(port)) as process:
        yield Server(port, process.pid)


@contextmanager
def nginx() -> Iterator[Server]:
    """Serve /zeros, a file of zeros, by nginx with sendfile."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "zeros").write_bytes(bytes(ZEROS))
        Path(folder, "nginx.conf").write_text(NGINX.format(port=port))
        command = ["nginx", "-p", folder, "-c", "nginx.conf", "-e", "stderr"]
        with running(command, ready=lambda: answers(f"http://127.0.0.1:{port}/zeros")) as process:
            yield Server(port, process.pid)
