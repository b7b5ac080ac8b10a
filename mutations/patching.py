"""Puts a mutant into functions that are loaded already, so that nothing has to be imported anew."""

import functools
import gc
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from mutations.mutants import Mutant


def outermost(code: CodeType) -> str:
    """Return the qualified name of the function that a code object stands in, or is."""
    return code.co_qualname.split(".<locals>")[0]


def find(code: CodeType, name: str, line: int) -> CodeType | None:
    """Return the code object of a function by its qualified name and first line, from that of its module."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if each.co_qualname == name and each.co_firstlineno == line:
                return each
            if found := find(each, name, line):
                return found
    return None


@functools.cache
def kept() -> list[Any]:
    """Return what functools keeps results for, in what is loaded."""
    return [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]


def forget_results() -> None:
    """Empty what functools keeps of earlier calls, which would hide that a function is another now."""
    for each in kept():
        if each is not kept:
            each.cache_clear()


def patch(mutant: Mutant, file: Path, source: bytes) -> bool:
    """Give every loaded function that the mutant is in its new code; whether there was one."""
    changed = compile(mutant.applied(source), str(file), "exec")
    done = False
    for each in gc.get_objects():
        if not isinstance(each, FunctionType):
            continue
        old = each.__code__
        if old.co_filename == str(file) and old.co_qualname == mutant.function:
            code = find(changed, mutant.function, old.co_firstlineno)
            if code is None or code.co_freevars != old.co_freevars:
                return False
            each.__code__ = code
            done = True
    forget_results()
    return done
