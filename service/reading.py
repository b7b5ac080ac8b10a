"""Reads a file or an address from first byte to last, in chunks; a download that breaks off is taken up again."""

import json
import os
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from service import __version__

CHUNK = 2**20  # bytes
SILENCE = 60.0  # seconds
TRIES = 8  # in a row without a byte
PAUSE, LONGEST_PAUSE = 0.25, 30.0  # seconds before the second try, doubled from then on; and the most
CHECKPOINTS = ("model.safetensors.index.json", "model.safetensors")  # what a directory holds
PASSING = (408, 429, 500, 502, 503, 504)  # statuses of what may be over soon


class Source(Protocol):
    """Something to be read. `name` is what a person calls it."""

    name: str

    @property
    def length(self) -> int | None:
        """Bytes, None where that is not known."""
        ...

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield its bytes; raises OSError where they are not to be had."""
        ...

    def beside(self, name: str) -> "Source":
        """Return what has this name in the same place."""
        ...


class File:
    """A file; - is standard input."""

    def __init__(self, path: str | Path) -> None:
        self.name = str(path)

    @property
    def length(self) -> int | None:
        return os.path.getsize(self.name) if os.path.isfile(self.name) else None

    def chunks(self) -> Generator[bytes, None, None]:
        with sys.stdin.buffer if self.name == "-" else Path(self.name).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def beside(self, name: str) -> "File":
        return File(Path(self.name).parent / name)


class Final(OSError):
    """What no other try would mend."""


class Refused(OSError):
    """An answer that is none, in a problem document's words where it has them."""

    def __init__(self, error: HTTPError) -> None:
        self.passing = error.code in PASSING
        asked = error.headers.get("retry-after", "")
        self.pause = float(asked) if asked.isdecimal() else None
        words = f"{error.code} {error.reason}"
        with error, suppress(ValueError, AttributeError, OSError, HTTPException):
            words += f": {json.loads(error.read(2**16)).get('detail')}"
        super().__init__(words)


class Address:
    """A file behind a URL. Where it breaks off, the rest is asked for, of the very same file."""

    def __init__(self, url: str) -> None:
        self.name = url
        self._answer: HTTPResponse | None = None
        self._length: int | None = None
        self._validator = ""

    @property
    def length(self) -> int | None:
        if self._answer is None:
            self._begin()
        return self._length

    def beside(self, name: str) -> "Address":
        """Return its neighbour, asked for with the same query."""
        query = urlsplit(self.name).query
        return Address(urlunsplit(urlsplit(urljoin(self.name, name))._replace(query=query)))

    def chunks(self) -> Generator[bytes, None, None]:
        if self._answer is None:
            self._begin()
        place = tries = 0
        while True:
            try:
                with self._answer or self._rest(place) as answer:
                    self._answer = None
                    while chunk := answer.read(CHUNK):
                        place, tries = place + len(chunk), 0
                        yield chunk
                if self._length is None or place >= self._length:
                    return
                raise OSError(f"it ended after {place:,} of {self._length:,} bytes")
            except Final:
                raise
            except (OSError, HTTPException) as error:
                tries += 1
                if not self._validator or tries == TRIES:
                    raise OSError(f"{self.name} broke off after {place:,} bytes: {error}") from None
                time.sleep(pause(error, tries))

    def _begin(self) -> None:
        """Ask for all of it, and remember what tells it from another file of this name."""
        for tries in range(1, TRIES + 1):
            try:
                self._answer = answer = self._ask({})
                break
            except (OSError, HTTPException, ValueError) as error:  # the last of what is no URL
                if not isinstance(error, Refused) or not error.passing or tries == TRIES:
                    raise OSError(f"{self.name}: {getattr(error, 'reason', error)}") from None
                time.sleep(pause(error, tries))
        length = answer.headers.get("content-length", "")
        self._length = int(length) if length.isdecimal() else None
        self._validator = validator_of(answer)

    def _rest(self, place: int) -> HTTPResponse:
        """Return what follows the first `place` bytes; raises Final where that is another file's by now."""
        try:
            answer = self._ask({"range": f"bytes={place}-", "if-range": self._validator} if place else {})
        except Refused as error:
            if error.passing:
                raise
            raise Final(f"{self.name}: {error}") from None
        with ExitStack() as stack:
            stack.enter_context(answer)
            self._refuse_another(answer, place)
            left = 0 if answer.status == 206 else place  # a server without ranges sends all of it again
            while left:
                left -= len(answer.read(min(left, CHUNK)) or fail("it ended before the place where it broke off"))
            stack.pop_all()
        return answer

    def _refuse_another(self, answer: HTTPResponse, place: int) -> None:
        if validator_of(answer) != self._validator:
            raise Final(f"{self.name} has changed while it was read")
        if answer.status == 206 and not answer.headers.get("content-range", "").startswith(f"bytes {place}-"):
            raise Final(f"{self.name}: another range was answered than the one from byte {place:,} on")

    def _ask(self, headers: dict[str, str]) -> HTTPResponse:
        asked = {"accept-encoding": "identity", "user-agent": f"initserve/{__version__}", **headers}
        try:
            answer: HTTPResponse = urlopen(Request(self.name, headers=asked), timeout=SILENCE)
        except HTTPError as error:
            raise Refused(error) from None
        return answer


def fail(why: str) -> bytes:
    raise OSError(why)


def validator_of(answer: HTTPResponse) -> str:
    """Return what If-Range may hold: a strong entity tag, or else the time of the last change."""
    tag = answer.headers.get("etag", "")
    return tag if tag.startswith('"') else answer.headers.get("last-modified", "")


def pause(error: Exception, tries: int) -> float:
    """Return the seconds to wait before another try: as a server says, or longer each time."""
    asked = error.pause if isinstance(error, Refused) else None
    return min(PAUSE * 2 ** (tries - 1) if asked is None else asked, LONGEST_PAUSE)


def source_of(name: str) -> Source:
    """Return what a name stands for: an address, a file, or the checkpoint in a directory."""
    if name.lower().startswith(("http://", "https://")):
        return Address(name)
    folder = Path(name)
    if not folder.is_dir():
        return File(name)
    found = next((folder / each for each in CHECKPOINTS if (folder / each).is_file()), None)
    if found is None:
        raise OSError(f"{name} holds neither {' nor '.join(CHECKPOINTS)}: name a file")
    return File(found)
