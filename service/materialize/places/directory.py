"""Directory: a place on a file system, in which a file gets its name when it is whole and on the disk."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.formats.payload import Chunk
from service.materialize.places.place import Entry, PlaceError
from service.writing import current_umask

CHUNK = 2**20  # bytes
FOLDER, SUFFIX = ".initserve", ".part"  # where files are while they are written, and how they are called
UNABLE = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EMLINK)  # of links or locks
TRIES = 100  # to write in a folder that others, who are done, may remove


class Directory:
    """A directory, made with the first file. A file that is being written is locked by whoever writes it."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._path = Path(os.path.realpath(path))

    def names(self) -> list[str]:
        with told(self.name):
            if not self._path.exists():
                return []
            return sorted(each.name for each in os.scandir(self._path) if not each.is_dir())

    def entry(self, name: str) -> Entry | None:
        """Return what is there under a name. It has no tag: nothing but the bytes themselves tells that they stayed."""
        with told(self.name):
            try:
                return Entry((self._path / name).stat().st_size, None)
            except FileNotFoundError:
                return None

    def read(self, name: str) -> bytes | None:
        with told(self.name):
            try:
                return (self._path / name).read_bytes()
            except FileNotFoundError:
                return None

    def chunks(self, name: str) -> Iterator[Chunk]:
        with told(self.name), (self._path / name).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def create(self, name: str, content: bytes) -> bool:
        with told(self.name):
            self._path.mkdir(parents=True, exist_ok=True)  # nowhere else: what has vanished since is not made anew
            with self._begun(name) as (handle, temporary):
                write(handle, content)
                os.fsync(handle)
                try:
                    os.link(temporary, self._path / name)
                except FileExistsError:
                    return False
                except OSError as error:  # of a file system without links
                    if error.errno not in UNABLE:
                        raise
                    return self._create_without_links(name, content)
                self._sync(name)
        return True

    def _create_without_links(self, name: str, content: bytes) -> bool:
        try:
            with (self._path / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            return False
        return True

    def put(self, name: str, content: bytes) -> None:
        self.write(name, [content], len(content))

    def write(self, name: str, chunks: Iterable[Chunk], length: int) -> Entry:
        with told(self.name), self._begun(name) as (handle, temporary):
            for chunk in chunks:
                write(handle, chunk)
            os.fsync(handle)
            os.replace(temporary, self._path / name)
            self._sync(name)
        return Entry(length, None)

    def remove(self, name: str) -> None:
        with told(self.name):
            path = self._path / name
            path.unlink(missing_ok=True)
            if path.parent != self._path:
                with suppress(OSError):  # others are in it, or have removed it
                    path.parent.rmdir()

    def free(self) -> int:
        with told(self.name):
            return shutil.disk_usage(self._path).free

    def clear(self) -> None:
        folder = self._path / FOLDER
        with told(self.name):
            for path in begun_in(folder):
                with suppress(FileNotFoundError), path.open("rb") as file:
                    if lock(file.fileno()):
                        path.unlink()
            with suppress(OSError):  # it is not there, or others are in it
                folder.rmdir()

    @contextmanager
    def _begun(self, name: str) -> Iterator[tuple[int, str]]:
        """Make and lock a new file, which is gone at the end unless it was given a name."""
        handle, temporary = self._new(name)
        try:
            os.fchmod(handle, 0o666 & ~current_umask())
            yield handle, temporary
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            os.close(handle)

    def _new(self, name: str) -> tuple[int, str]:
        folder, base = self._path / FOLDER, name.rpartition("/")[2]
        for _ in range(TRIES):
            with suppress(FileExistsError):  # exist_ok would raise it where the folder is removed meanwhile
                folder.mkdir()
            with suppress(FileNotFoundError):
                handle, temporary = tempfile.mkstemp(SUFFIX, f"{base}.", folder)
                if lock(handle) is not False and os.fstat(handle).st_nlink:  # nobody took it for a dead run's meanwhile
                    return handle, temporary
                os.close(handle)
        raise PlaceError(f"{folder} is removed again and again")

    def _sync(self, name: str) -> None:
        """Let a name be on the disk as its file is."""
        handle = os.open((self._path / name).parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def begun_in(folder: Path) -> list[Path]:
    """Return the files that were begun in a folder, which others may remove at any time."""
    with suppress(FileNotFoundError):
        return [*folder.glob(f"*{SUFFIX}")]
    return []


def lock(handle: int) -> bool | None:
    """Lock a file until it is closed; return whether nobody else has, None where its file system cannot tell."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in UNABLE:
            raise
        return None
    return True


def write(handle: int, chunk: Chunk) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(handle, left) :]


@contextmanager
def told(name: str) -> Iterator[None]:
    """Let what a file system refuses be told as a place's."""
    try:
        yield
    except PlaceError:
        raise
    except OSError as error:
        raise PlaceError(f"{error.filename or name}: {error.strerror or error}") from error
