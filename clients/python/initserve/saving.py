"""A file that is downloaded: it has its name when it is whole; what came before is kept beside it, to go on with."""

import hashlib
import os
import re
import shutil
from contextlib import suppress
from io import BufferedRandom
from pathlib import Path
from typing import Any

from initserve.errors import InitserveError
from initserve.progress import Bar

TAG = re.compile(r'"[\x21\x23-\x7e]*"', re.ASCII)  # a strong entity tag
FORMS = {".safetensors": "safetensors", ".npz": "npz"}


def form_of(path: Path) -> str:
    """Return the format that a file's name asks for."""
    if path.suffix not in FORMS:
        raise ValueError(f"{path}: the name ends in {' or '.join(FORMS)}")
    return FORMS[path.suffix]


class PartFile:
    """A sink that is NAME.part, whose entity tag is in NAME.part.etag: another process may go on with it.

    Raises OSError where it cannot be written, InitserveError ("in-use") while another one is at it.
    """

    def __init__(self, path: Path, bar: Bar) -> None:
        self._target, self._bar = Path(os.path.realpath(path)), bar
        if self._target.exists() and not self._target.is_file():
            raise OSError(f"{path} is there and no file")
        self._part = self._target.with_name(f"{self._target.name}.part")
        self._tag = self._target.with_name(f"{self._target.name}.part.etag")
        self._finished = False
        self._file = self._locked()
        self.place = self._file.seek(0, os.SEEK_END)
        self.etag = ""
        with suppress(OSError, ValueError):
            found = TAG.fullmatch(self._tag.read_text())
            self.etag = found[0] if found else ""
        bar.at(self.place)

    def __enter__(self) -> "PartFile":
        return self

    def __exit__(self, *_: Any) -> None:
        if not (self.place or self._finished):  # nothing came that could be gone on with
            self._part.unlink(missing_ok=True)
            self._tag.unlink(missing_ok=True)
        self._file.close()
        self._bar.close()

    def _locked(self) -> BufferedRandom:
        """Return the part, open and for this process alone."""
        while True:
            self._part.touch()
            file = self._part.open("r+b")
            try:
                lock(file)
                if os.path.samestat(os.fstat(file.fileno()), self._part.stat()):
                    return file
            except BlockingIOError:
                file.close()
                raise InitserveError("in-use", f"{self._target} is being saved already") from None
            except FileNotFoundError:  # the other one has just given it its name
                pass
            file.close()

    def begin(self, etag: str, length: int | None) -> None:
        if length is not None and (free := shutil.disk_usage(self._part.parent).free + self.place) < length:
            raise OSError(f"{self._target} takes {length:,} bytes; {free:,} are free there")
        self._file.seek(0)
        self._file.truncate()
        self._tag.write_text(etag)
        self.place, self.etag = 0, etag
        self._bar.at(0)

    def add(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._file.flush()
        self.place += len(chunk)
        self._bar.at(self.place)

    def sha256(self) -> bytes:
        self._file.seek(0)
        found = hashlib.file_digest(self._file, "sha256").digest()
        self._file.seek(0, os.SEEK_END)
        return found

    def finish(self) -> None:
        """Give the file its name, once it is on the disk, and the permissions of one that it replaces."""
        os.fsync(self._file.fileno())
        with suppress(FileNotFoundError):
            self._part.chmod(self._target.stat().st_mode & 0o7777)
        os.replace(self._part, self._target)
        self._finished = True
        self._tag.unlink(missing_ok=True)


def lock(file: BufferedRandom) -> None:
    """Keep others away until the file is closed; raises BlockingIOError where one is at it."""
    with suppress(ImportError):  # a system without: two that save to one name at once are not told apart
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
