"""API keys: who has one and what it opens, from a file that holds their digests and is read anew when it changes."""

import asyncio
import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from anyio import to_thread

from service.api.door.scopes import scopes_in
from service.api.door.unsaid import BEGINNING

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
LINE = re.compile(r"(?P<name>\S+)\s+(?P<scopes>\S+)\s+sha256:(?P<digest>[0-9a-f]{64})")
LARGEST_FILE = 2**20  # bytes: some 8,000 keys
EVERY = 1.0  # seconds between two looks at the file
Seen: TypeAlias = tuple[int, int, int]
logger = logging.getLogger("initserve")


class KeysFault(ValueError):
    """A file of keys, or a name for one, that cannot be; says where, and quotes nothing: it may be a key itself."""


@dataclass(frozen=True, slots=True)
class Key:
    name: str  # of whoever has it; keys of one name are one client's
    scopes: frozenset[str]
    digest: (
        bytes  # SHA-256 of the key. Keys are 256 bits of chance, so there is nothing that a slower digest would slow
    )


def new_key(name: str, scopes: Iterable[str]) -> tuple[str, str]:
    """Return a new key, and the line of the file that lets it in; raises ValueError for what cannot be in one."""
    key = BEGINNING + secrets.token_urlsafe(32)
    line = f"{name} {','.join(scopes)} sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    read_line(line)
    return key, line


def read_line(line: str) -> Key:
    """Return the key that a line lets in: its name, its scopes with commas between, its digest."""
    found = LINE.fullmatch(line)
    if found is None:
        raise KeysFault("this is not NAME SCOPES sha256:DIGEST, with 64 hexadecimal digits in small letters")
    if not NAME.fullmatch(found["name"]):
        raise KeysFault("a name has letters, digits and ._@-, 64 at the most, and begins with a letter or digit")
    return Key(found["name"], scopes_in(found["scopes"]), bytes.fromhex(found["digest"]))


def read_keys(text: str) -> list[Key]:
    """Return the keys of a file; empty lines and those that begin with # say nothing."""
    found: dict[bytes, Key] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            key = read_line(stripped)
        except ValueError as fault:
            raise KeysFault(f"line {number}: {fault}") from None
        if key.digest in found:
            raise KeysFault(f"line {number}: this key stands in the file already")
        found[key.digest] = key
    return list(found.values())


class Keys:
    """The keys of a file as it is now, or as it last could be read. Raises OSError and ValueError at first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._secret = secrets.token_bytes(32)
        self._by_mark: dict[bytes, Key] = {}
        self._nobody = Key("", frozenset(), secrets.token_bytes(32))
        self._seen = self._look()
        self._read()

    def find(self, key: bytes) -> Key | None:
        """Return whose key this is.

        What is looked up is a keyed digest of the key's digest, so how long it takes says nothing about those that
        are in the file; what is found is compared in constant time.
        """
        digest = hashlib.sha256(key).digest()
        found = self._by_mark.get(self._mark(digest), self._nobody)
        return found if hmac.compare_digest(found.digest, digest) else None

    def _mark(self, digest: bytes) -> bytes:
        return hashlib.blake2b(digest, key=self._secret, digest_size=16).digest()

    def _look(self) -> Seen | None:
        """Return what tells one state of the file from another; None where there is no file."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> None:
        with self._path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise KeysFault(f"a file of keys has no more than {LARGEST_FILE:,} bytes")
        try:
            keys = read_keys(content.decode())
        except UnicodeDecodeError:
            raise KeysFault("this is no text in UTF-8") from None
        self._by_mark = {self._mark(key.digest): key for key in keys}

    def follow(self) -> None:
        """Read the file anew if it has changed; where it cannot be read, the keys of before go on."""
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._read()
        except (OSError, KeysFault) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else fault
            logger.error("%s cannot be read (%s): the keys of before go on", self._path, reason)
        else:
            names = {key.name for key in self._by_mark.values()}
            logger.info("%s has changed: %d keys of %d clients", self._path, len(self._by_mark), len(names))

    async def watch(self) -> None:
        """Follow the file's changes for good."""
        while True:
            await asyncio.sleep(EVERY)
            await to_thread.run_sync(self.follow)
