"""Which processor the kernels are compiled for, and where their machine code is kept.

Numba keeps compiled kernels by the exact processor model, so that an image built on one machine compiles again on
the next. Here a kernel is compiled for one of few levels that the machine has (the x86-64 psABI's), and an image
holds all of them. The bytes of every answer are the same at every level: only + - x / sqrt and integer operations
are used, and nothing is contracted or reassociated.
"""

import pickle
import platform
from collections.abc import Callable
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


def compiled(*signatures: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a kernel for exactly these signatures, GIL released, IEEE arithmetic, machine code kept on disk."""
    choose_level()

    def decorate(kernel: Callable[..., Any]) -> Callable[..., Any]:
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}  # "numpy": no check before each division
        try:
            dispatcher = numba.njit(cache=True, **options)(kernel)
        except RuntimeError:  # there is no place where machine code could be kept
            dispatcher = numba.njit(**options)(kernel)
        for signature in signatures:
            with alone(kernel):
                compile_for(dispatcher, kernel, signature)
        dispatcher.disable_compile()
        made: Callable[..., Any] = dispatcher
        return made

    return decorate


def compile_for(dispatcher: Any, kernel: Callable[..., Any], signature: str) -> None:
    """Load the machine code for a signature, or compile and keep it."""
    made = len(dispatcher.overloads)
    try:
        dispatcher.compile(signature)
    except (EOFError, pickle.UnpicklingError):  # a file that a fault of the machine has cut short
        forget(kernel)
        dispatcher.compile(signature)
    except OSError:  # compiled, but it cannot be kept
        if len(dispatcher.overloads) == made:
            raise
    if dispatcher.stats.cache_misses:
        forget(kernel, kept=stamp_of(kernel.__module__))


# For what kernels are put together from: compiled once a process, then expanded by LLVM. Numba's own expansion,
# `inline="always"`, reads and types each function anew wherever it stands.
inlined = numba.njit(forceinline=True, error_model="numpy")
# For what a kernel calls once a block or once in a while.
called = numba.njit(error_model="numpy")
