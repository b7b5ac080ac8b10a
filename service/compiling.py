"""Compiles kernels ahead: a module at a time, two at once, in processes of their own, so that this one can answer.

What is compiled is kept, and loaded from there by whoever calls it first.
"""

import asyncio
import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from service.stream.cache import can_be_kept, is_kept, sources_of
from service.stream.targets import KERNELS, Kernel

# Every module that holds kernels: those of initserve/1 first, then by how long they take, the longest first.
MODULES = (
    "service.stream.kernels",
    "service.stream.householder",
    "service.stream.rounding",
    "service.specs.stretches",
    "service.analysis.kernels",
    "service.replay.torch.kernels.values",
    "service.replay.jax.kernels.threefry",
    "service.replay.torch.kernels.mersenne",
    "service.replay.torch.kernels.erfinv",
    "service.replay.keras.kernels.tensorflow",
    "service.replay.numpy.kernels.pcg64",
    "service.replay.numpy.kernels.polar",
    "service.replay.jax.kernels.xla",
    "service.replay.keras.kernels.tensorflow64",
    "service.replay.keras.kernels.first_of_four",
)
AT_ONCE = 2
PROGRAM = "from service.compiling import serve; serve()"
ROOT = Path(__file__).parents[1]


def kernels_of(module: str) -> list[Kernel]:
    importlib.import_module(module)
    return [kernel for kernel in KERNELS if kernel.function.__module__ == module]


def serve() -> None:
    """Compile the modules that standard input names, a line each; say of each when it is done."""
    with suppress(BrokenPipeError):  # the process that asked was killed
        for line in sys.stdin:
            for kernel in kernels_of(line.strip()):
                if not is_kept(kernel.function):
                    kernel.make()
            os.write(sys.stdout.fileno(), line.encode())  # at once: nothing is left to be sent at the end


def missing() -> list[str]:
    """Return the modules of which a kernel is not kept for this processor, but can be."""
    functions = {name: [kernel.function for kernel in kernels_of(name)] for name in MODULES}
    return [
        name
        for name, found in functions.items()
        if all(map(can_be_kept, found)) and not all(is_kept(function) for function in found)
    ]


def unkept() -> bool:
    """Whether there are kernels of which nothing is kept, and nothing can be: a read-only folder."""
    functions = [kernel.function for name in MODULES for kernel in kernels_of(name)]
    return any(not (can_be_kept(function) or is_kept(function)) for function in functions)


class Compilation:
    """What is missing, being compiled; those who need a module wait for it."""

    def __init__(self, processor: dict[str, str] | None = None) -> None:
        """Prepare for this machine's processor, or for one that Numba is told by `processor`, its variables."""
        self._waiting = missing() if processor is None else list(MODULES)
        self._done = {name: asyncio.Event() for name in self._waiting}
        self._environment = {**os.environ, **(processor or {})}
        path = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
        self._environment["PYTHONPATH"] = os.pathsep.join(path)

    @property
    def needed(self) -> bool:
        return bool(self._done)

    async def run(self) -> None:
        """Compile what is missing; whatever fails is left to those who call the kernels."""
        try:
            await asyncio.gather(*(self._work() for _ in range(min(AT_ONCE, len(self._waiting)))))
        finally:
            for done in self._done.values():
                done.set()

    async def _work(self) -> None:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, stdin=pipe, stdout=pipe, env=self._environment
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            while self._waiting:
                name = self._waiting.pop(0)
                process.stdin.write(f"{name}\n".encode())
                await process.stdin.drain()
                if not await process.stdout.readline():  # it has ended
                    return
                self._done[name].set()
        except ConnectionError:  # so it has
            return
        finally:
            process.stdin.close()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def prefer(self, module: str) -> None:
        """Compile next what a loaded module, or what it imports, calls."""
        needed = sources_of(module)
        self._waiting.sort(key=lambda name: name not in needed)

    async def wait(self) -> None:
        """Return once all that was missing is compiled, or has failed."""
        for done in self._done.values():
            await done.wait()

    async def wait_for(self, module: str) -> None:
        """Return once all that a loaded module, or what it imports, calls is compiled."""
        for name in sources_of(module) & self._done.keys():
            await self._done[name].wait()
