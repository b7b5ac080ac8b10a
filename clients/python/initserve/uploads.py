"""A file as the body of a request, read while it is sent."""

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from initserve.steps import Ask

CHUNK = 2**20  # bytes


def verification(path: Path, spec: bytes | None) -> Ask:
    """Return the request that compares a file with a spec, or with the one that it holds."""
    size = os.path.getsize(path)
    if spec is None:
        headers = {"content-type": "application/octet-stream", "content-length": str(size)}
        return Ask("POST", "/verify", headers, chunks_of(path))
    boundary = secrets.token_hex(16)
    before = field(boundary, 'name="spec"', "application/json") + spec + b"\r\n"
    before += field(boundary, 'name="file"; filename="file"', "application/octet-stream")
    after = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "content-type": f"multipart/form-data; boundary={boundary}",
        "content-length": str(len(before) + size + len(after)),
    }
    return Ask("POST", "/verify", headers, chunks_of(path, before, after))


def field(boundary: str, disposition: str, kind: str) -> bytes:
    lines = f"--{boundary}\r\ncontent-disposition: form-data; {disposition}\r\ncontent-type: {kind}\r\n\r\n"
    return lines.encode()


def chunks_of(path: Path, before: bytes = b"", after: bytes = b"") -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        yield before
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
        yield after

    return chunks
