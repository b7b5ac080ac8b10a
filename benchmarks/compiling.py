"""`python -m benchmarks.compiling`: seconds of a processor that each kernel takes to compile, in one process.

Nothing is loaded and nothing kept. What kernels of a module share is compiled with the first of them that needs it.
"""

import logging
import time
from collections.abc import Iterator

import numba

from service.compiling import MODULES, kernels_of
from service.stream.targets import OPTIONS, Kernel

log = logging.getLogger("benchmarks")


def seconds(kernel: Kernel) -> float:
    """Return the processor's seconds that compiling the kernel for all its signatures takes."""
    dispatcher = numba.njit(**OPTIONS)(kernel.function)
    started = time.process_time()
    for signature in kernel.signatures:
        dispatcher.compile(signature)
    return time.process_time() - started


def rows() -> Iterator[str]:
    total = 0.0
    for module in MODULES:
        taken = {kernel.function.__name__: seconds(kernel) for kernel in kernels_of(module)}
        listed = ", ".join(f"{name} {each:.2f}" for name, each in taken.items())
        yield f"| {module.removeprefix('service.')} | {sum(taken.values()):.1f} | {listed} |"
        total += sum(taken.values())
    yield f"| all | {total:.1f} | |"


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    log.info("| module | seconds | its kernels, in order |\n|---|---|---|")
    for row in rows():
        log.info("%s", row)


if __name__ == "__main__":
    main()
