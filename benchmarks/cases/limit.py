"""Against the limit: how near random values come to zeros, and zeros to servers that only send."""

import shutil
from contextlib import AbstractContextManager

from benchmarks.curl import download, exactly, npy
from benchmarks.measuring import Comparison, Section, Side, Target, alternate, seeds
from benchmarks.servers import ZEROS, Server, bare, initserve, nginx

SHAPE = [4096, 4096]  # as many bytes as the constant answers have
SCHEMES = ("he_normal", "random_normal", "glorot_uniform")
TARGET = Target(0.6, at_most=False)


def measure(rounds: int) -> Section:
    section = Section("Rates of 64 MiB to curl, against the same bytes without a random number in them")
    new = seeds()
    with initserve() as server:
        zeros = npy(server.url, "zeros", SHAPE, new)
        for scheme in SCHEMES:
            measured = alternate(npy(server.url, scheme, SHAPE, new), zeros, rounds)
            section.comparisons.append(Comparison(scheme, "zeros", measured, TARGET, "rate"))
        against(section, zeros, "uvicorn that sends one buffer", bare("zeros"), rounds)
        if shutil.which("nginx"):
            against(section, zeros, "nginx with sendfile", nginx(), rounds)
        else:
            section.left_out.append("nginx is not installed (make bench-tools)")
    return section


def against(section: Section, zeros: Side, name: str, sender: AbstractContextManager[Server], rounds: int) -> None:
    with sender as server:
        measured = alternate(zeros, lambda: download(f"{server.url}/zeros", exactly(ZEROS)), rounds)
    section.comparisons.append(Comparison("zeros", name, measured, ratio_of="rate"))
