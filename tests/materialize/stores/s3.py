"""A server that speaks S3, moto's, as a process of its own, with one bucket."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.conftest import free_port
from tests.nginx import wait_for

BUCKET = "checkpoints"
# moto does not look who has signed, only whether any did.
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request"}
KEY, SECRET = "AKIDNEVERTOLD", "secretnevertold"


@dataclass(frozen=True)
class S3:
    """Where a store is, or what stands before it."""

    url: str

    @property
    def options(self) -> dict[str, str]:
        """What the command is told by options."""
        keys = {"access_key_id": KEY, "secret_access_key": SECRET}
        return {"endpoint": self.url, "allow_http": "true", "region": "us-east-1"} | keys

    @property
    def environment(self) -> dict[str, str]:
        """The same in the environment."""
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"} | keys

    def objects(self, folder: str) -> dict[str, bytes]:
        """Return all that is in a folder, by its name there; asked of the store by hand, not through obstore."""
        listed = httpx.get(
            f"{self.url}/{BUCKET}", params={"list-type": "2", "prefix": f"{folder}/"}, headers=SIGNED, timeout=60
        ).text
        names = re.findall(r"<Key>([^<]+)</Key>", listed)
        return {name.removeprefix(f"{folder}/"): self.get(name) for name in names}

    def get(self, name: str) -> bytes:
        return httpx.get(f"{self.url}/{BUCKET}/{name}", headers=SIGNED, timeout=60).raise_for_status().content

    def put(self, name: str, content: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        httpx.put(
            f"{self.url}/{BUCKET}/{name}", content=content, headers=SIGNED | headers, timeout=60
        ).raise_for_status()

    def remove(self, name: str) -> None:
        httpx.delete(f"{self.url}/{BUCKET}/{name}", headers=SIGNED, timeout=60).raise_for_status()

    def uploads(self) -> int:
        """Return how many uploads in parts were begun and are neither finished nor given up."""
        return httpx.get(f"{self.url}/{BUCKET}?uploads", headers=SIGNED, timeout=60).text.count("<UploadId>")


@contextmanager
def storing() -> Iterator[S3]:
    """Serve a store on a free port of this machine."""
    port = free_port()
    program = "import sys, moto.server; moto.server.main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        store = S3(f"http://127.0.0.1:{port}")
        httpx.put(f"{store.url}/{BUCKET}", headers=SIGNED, timeout=60).raise_for_status()
        yield store
    finally:
        process.kill()
        process.wait()
