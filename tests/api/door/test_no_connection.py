"""The service asks nobody: with every way out forbidden by the kernel, all routes answer as ever."""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.answered.requests import requests
from tests.api.door.test_guards import asked_of
from tests.conftest import ROOT, serving

FORBIDDEN = f"{Path(__file__).parent / 'forbidden'}{os.pathsep}{ROOT}"
OUTWARDS = [
    "import socket; socket.create_connection(('127.0.0.1', 9))",
    "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "import subprocess, sys; raise SystemExit(subprocess.call([sys.executable, '-c', "
    "'import urllib.request; urllib.request.urlopen(\"http://127.0.0.1:9\")']))",
]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="seccomp is Linux's"
)


@pytest.mark.parametrize("outwards", OUTWARDS, ids=["connect", "send", "another process"])
def test_what_would_reach_out_is_ended(outwards: str) -> None:
    variables = {**os.environ, "PYTHONPATH": FORBIDDEN}
    done = subprocess.run([sys.executable, "-c", outwards], env=variables, capture_output=True, timeout=60)
    assert done.returncode in (-signal.SIGSYS, 256 - signal.SIGSYS)


def test_no_route_needs_to_reach_anybody(tmp_path: Path) -> None:
    with (
        serving(PYTHONPATH=FORBIDDEN, INITSERVE_SPECS=str(tmp_path)) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        found = asked_of(client)
        for asked in requests():
            if not asked.condition and "content-length" not in asked.headers:
                found.append(client.request(asked.method, asked.target, headers=asked.headers, content=asked.body))
        assert server.process.poll() is None
        logged = server.logged()
    assert len(found) > 300
    assert not [each.url.path for each in found if each.status_code == 500]
    assert "Traceback" not in logged
