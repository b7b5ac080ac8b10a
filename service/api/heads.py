"""Bounds of a request's head, held while its bytes come: before a parser gathers them."""

import re

from service.api.problems import RequestProblem

LONGEST_LINE = 8 * 1024  # bytes of the request line, or of a header
LARGEST_HEAD = 64 * 1024  # bytes of all of them together
MOST_HEADERS = 128
REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ \r\n]+( HTTP/(?P<version>\d+(\.\d+)?))?\r?")
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]")
HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")
# An Upgrade is never followed, but its header would make the parser leave a body unread.
UPGRADE = re.compile(rb"(?<=\n)upgrade[ \t]*:[^\n]*\n", re.IGNORECASE)


def refuse_version(version: str) -> RequestProblem:
    return RequestProblem("http-version", f"this service speaks HTTP/1.1 and HTTP/1.0, not HTTP/{version}")


class Head:
    """The head at the beginning of a buffer that grows; every line is looked at once."""

    def __init__(self) -> None:
        self._line = 0  # where the line begins that has not ended yet
        self._lines = 0

    def end(self, received: bytearray) -> int | None:
        """Return where the head ends, None where not all has come; raises RequestProblem where it is out of bounds."""
        if not TOKEN.match(received):
            raise RequestProblem("malformed-request", "this is no request line: it begins with no method")
        while True:
            newline = received.find(b"\n", self._line)
            stop = len(received) if newline < 0 else newline
            self._refuse_beyond(stop)
            if newline < 0:
                return None
            line = bytes(received[self._line : newline])
            if not self._lines:
                refuse_request_line(line)
            self._line, self._lines = newline + 1, self._lines + 1
            if line in (b"", b"\r"):
                return self._line

    def _refuse_beyond(self, stop: int) -> None:
        if not self._lines and stop > LONGEST_LINE:
            raise RequestProblem("uri-too-long", f"the request line has more than {LONGEST_LINE:,} bytes")
        if stop - self._line > LONGEST_LINE:
            raise RequestProblem("headers-too-large", f"a header has more than {LONGEST_LINE:,} bytes")
        if stop > LARGEST_HEAD:
            raise RequestProblem("headers-too-large", f"the headers have more than {LARGEST_HEAD:,} bytes together")
        if self._lines > MOST_HEADERS + 1:
            raise RequestProblem("headers-too-large", f"there are more than {MOST_HEADERS} headers")


def refuse_request_line(line: bytes) -> None:
    """Refuse what is no request line of HTTP/1."""
    found = REQUEST_LINE.fullmatch(line)
    if found is None:
        raise RequestProblem("malformed-request", "this is no request line: method, target and version, a space apart")
    if found["version"] not in (b"1.1", b"1.0"):
        raise refuse_version("0.9" if found["version"] is None else found["version"].decode())
    if line.startswith(b"CONNECT "):  # what follows it would be no HTTP
        raise RequestProblem("malformed-request", "CONNECT asks for a tunnel, and this service is no proxy")


def refuse_headers(headers: list[tuple[bytes, bytes]], version: str) -> None:
    """Refuse a request that does not say whom it is for, or whose body's end could be told in two ways (RFC 9112)."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        detail = "a request has one Host header" if hosts else "a request of HTTP/1.1 has a Host header"
        raise RequestProblem("malformed-request", detail)
    if hosts and not HOST.fullmatch(hosts[0].strip()):
        raise RequestProblem("malformed-request", "the Host header is a host, and a port if need be")
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if codings and version == "1.0":
        raise RequestProblem("malformed-request", "HTTP/1.0 has no Transfer-Encoding")
    if codings and b",".join(codings).strip().lower() != b"chunked":
        raise RequestProblem("transfer-encoding", "the only Transfer-Encoding that is understood is chunked")
