"""Whether there is machine code for this processor, and whether its bytes are everybody's."""

from collections.abc import Iterator

from numba.core import config

from service.compiling import missing, unkept
from service.doctor.findings import Finding, fine, warning, wrong
from service.specs.self_test import disagreements
from service.stream.targets import levels

COMPILE = "run `initserve compile` where it can be written to: in the image, when it is built"


def of_the_kernels() -> Iterator[Finding]:
    """Yield what there is to say of the processor's level, its kernels, and the golden digests."""
    level = str(config.CPU_NAME)
    if level not in levels():
        yield warning("processor", f"NUMBA_CPU_NAME is {level}; kernels are made for {', '.join(levels())}")
    elif level == "x86-64":
        yield warning(
            "processor", "it has neither AVX2 nor AVX-512: numbers are drawn at a half to a third of the speed"
        )
    if unkept():
        yield warning(
            "kernels",
            f"there are none for {level}, and they cannot be kept: every start compiles them anew, within the first "
            f"requests; {COMPILE}",
        )
    elif left := missing():
        yield warning(
            "kernels", f"{len(left)} modules have none for {level} yet: the first start compiles them; {COMPILE}"
        )
    else:
        yield from of_the_digests(level)


def of_the_digests(level: str) -> Iterator[Finding]:
    if found := disagreements():
        yield wrong(
            "digests",
            f"{', '.join(found)} come out in other bytes than everywhere else: this machine must not serve, and will "
            "never be ready; its memory or processor is at fault, or the installation is damaged",
        )
    else:
        yield fine("kernels", f"{level}, all compiled; the golden digests of initserve/1 agree")
