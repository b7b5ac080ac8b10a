"""Which processor the kernels are compiled for, and where their machine code is kept.

Numba keeps compiled kernels by the exact processor model, so that an image built on one machine compiles again on
the next. Here a kernel is compiled for one of few levels that the machine has (the x86-64 psABI's), and an image
holds all of them. The bytes of every answer are the same at every level: only + - x / sqrt and integer operations
are used, and nothing is contracted or reassociated.
"""

import pickle
import platform
from collections.abc import Callable
from threading import Lock
from typing import Any

import llvmlite.binding
import numba
from numba.core import config

from service.stream.cache import alone, forget, stamp_of

# What a level needs beyond the one below it (psABI), best first; a machine gets the first that it has all of.
# "prefer-256-bit" is LLVM's caution for early AVX-512 processors; the kernels gain a quarter from full width.
LEVELS: dict[str, tuple[frozenset[str], str]] = {
    "x86-64-v4": (frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}), "-prefer-256-bit"),
    "x86-64-v3": (frozenset({"avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}), ""),
    "x86-64": (frozenset(), ""),
}


def levels() -> dict[str, tuple[frozenset[str], str]]:
    """Return the levels of this machine's architecture, best first."""
    return LEVELS if platform.machine().lower() in ("x86_64", "amd64") else {"generic": (frozenset(), "")}


def choose_level() -> None:
    """Make Numba compile for this machine's level, unless NUMBA_CPU_NAME already says for what."""
    config.CACHE_LOCATOR_CLASSES = "service.stream.cache.BesideTheSource"
    if config.CPU_NAME is not None:
        config.CPU_FEATURES = config.CPU_FEATURES or ""
    else:
        has = {name for name, present in llvmlite.binding.get_host_cpu_features().items() if present}
        config.CPU_NAME, config.CPU_FEATURES = next(
            (level, tuning) for level, (needs, tuning) in levels().items() if needs <= has
        )


class Kernel:
    """A compiled loop: called, it is compiled first, or loaded from where it is kept, unless that is done.

    So that importing one costs nothing, and a server answers before those are made that it does not need yet.
    """

    def __init__(self, function: Callable[..., Any], signatures: tuple[str, ...]) -> None:
        self.function = function
        self.signatures = signatures
        try:
            self.dispatcher = numba.njit(cache=True, **OPTIONS)(function)
        except RuntimeError:  # there is no place where machine code could be kept
            self.dispatcher = numba.njit(**OPTIONS)(function)
        self._lock = Lock()
        self._made = False
        KERNELS.append(self)

    def __call__(self, *arguments: Any) -> Any:
        if not self._made:
            self.make()
        return self.dispatcher(*arguments)

    def make(self) -> None:
        """Compile or load the kernel for all its signatures; several threads and processes may ask at once."""
        with self._lock:
            if self._made:
                return
            with alone(self.function):
                for signature in self.signatures:
                    self._make_for(signature)
            self.dispatcher.disable_compile()
            self._made = True

    def _make_for(self, signature: str) -> None:
        made = len(self.dispatcher.overloads)
        try:
            self.dispatcher.compile(signature)
        except (EOFError, pickle.UnpicklingError):  # a file that a fault of the machine has cut short
            forget(self.function)
            self.dispatcher.compile(signature)
        except OSError:  # compiled, but it cannot be kept
            if len(self.dispatcher.overloads) == made:
                raise
        if self.dispatcher.stats.cache_misses:
            forget(self.function, kept=stamp_of(self.function.__module__))


OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}  # "numpy": no check before each division
KERNELS: list[Kernel] = []  # of all modules that have been imported


def compiled(*signatures: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Make a kernel of exactly these signatures, GIL released, IEEE arithmetic, machine code kept on disk."""
    choose_level()
    return lambda function: Kernel(function, signatures)


# For what kernels are put together from: compiled once a process, then expanded by LLVM. Numba's own expansion,
# `inline="always"`, reads and types each function anew wherever it stands.
inlined = numba.njit(forceinline=True, error_model="numpy")
# For what a kernel calls once a block or once in a while.
called = numba.njit(error_model="numpy")
