"""Where the kernels' machine code is kept: beside their source, under a digest of all the source that it was made of.

Numba's own stamp is of the file that a kernel stands in, but most of what a kernel does is expanded into it from
other files. Here an edit of any of them gives the machine code another name, whatever the files' dates say, so that
a copy of a checkout or an image finds what it has. One name holds one kernel for one processor and is written in
one step: processes that start together cannot spoil what the others find. One of them compiles, the others wait.
"""

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core import config
from numba.core.caching import InTreeCacheLocator

if sys.platform == "win32":  # no lock between processes there: what each of them compiles is the same

    def lock(descriptor: int) -> None:
        pass

else:
    import fcntl

    def lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


IMPORT = re.compile(rb"^from (service[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)


@cache
def imported_by(module: str) -> tuple[str, ...]:
    """Return the modules of this package that a loaded module imports."""
    found: list[str] = []
    for package, names in IMPORT.findall(source_of(module)):
        within = [f"{package.decode()}.{name}" for name in re.findall(r"\w+", names.decode())]
        submodules = [name for name in within if name in sys.modules]
        found += submodules or [package.decode()]
    return tuple(found)


def source_of(module: str) -> bytes:
    file = sys.modules[module].__file__
    assert file is not None
    return Path(file).read_bytes()


def sources_of(module: str) -> set[str]:
    """Return a loaded module and all of this package that it imports, and that these import, and so on."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imported_by(name)
    return found


@cache
def stamp_of(module: str) -> str:
    """Return the digest of the compiler's versions and of all the source that a module's kernels are made of."""
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    for name in sorted(sources_of(module)):
        digest.update(hashlib.sha256(name.encode() + b"\0" + source_of(name)).digest())
    return digest.hexdigest()[:16]


class BesideTheSource(InTreeCacheLocator):
    """The `__pycache__` beside the source, also where nothing may be written to it (a read-only container)."""

    def __init__(self, kernel: Callable[..., Any], file: str) -> None:
        super().__init__(kernel, file)
        self._stamp = stamp_of(kernel.__module__)

    def ensure_cache_path(self) -> None:
        if not os.path.isdir(self.get_cache_path()):
            super().ensure_cache_path()

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return of_here(self._stamp)


def of_here(stamp: str) -> str:
    """Return what keeps apart, in a file's name, other source and other processors."""
    processor = hashlib.sha256(f"{config.CPU_NAME} {config.CPU_FEATURES}".encode()).hexdigest()[:8]
    return f"{stamp}-{processor}"


def files_of(kernel: Callable[..., Any]) -> tuple[Path, str]:
    """Return the folder that a kernel's files are kept in, and what their names begin with."""
    source = Path(kernel.__code__.co_filename)
    return source.parent / "__pycache__", f"{source.stem}.{kernel.__qualname__}-"


@contextlib.contextmanager
def alone(kernel: Callable[..., Any]) -> Iterator[None]:
    """Keep other processes that want the same kernel waiting, where there is a place to say so."""
    folder, name = files_of(kernel)
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # read-only, or a file system without locks
            lock(held.enter_context((folder / f"{name}compiling.lock").open("ab")).fileno())
        yield


def is_kept(kernel: Callable[..., Any]) -> bool:
    """Whether there is machine code of a kernel for this processor."""
    folder, name = files_of(kernel)
    return any(folder.glob(f"{name}{of_here(stamp_of(kernel.__module__))}*.nbi"))


def can_be_kept(kernel: Callable[..., Any]) -> bool:
    return os.access(files_of(kernel)[0], os.W_OK)


def forget(kernel: Callable[..., Any], kept: str = "") -> None:
    """Remove a kernel's files, except those of the stamp `kept`: what an edit has left, or what cannot be read."""
    folder, name = files_of(kernel)
    with contextlib.suppress(OSError):
        for file in folder.glob(f"{name}*.nb[ci]"):
            if not (kept and file.name.startswith(name + kept)):
                file.unlink(missing_ok=True)
