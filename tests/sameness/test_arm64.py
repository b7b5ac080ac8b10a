"""arm64: Numba's own machine code for it, run by qemu-user under Debian's Python for it. Takes some ten minutes."""

import shutil
import sys

import pytest

from tests.sameness.debian import root_with
from tests.sameness.environments import KEPT, UNREACHABLE, Interpreter, digests

pytestmark = pytest.mark.sameness
VERSION, SUITE = "3.13", "trixie"
EMULATOR = "qemu-aarch64-static"
SECONDS = 5400.0  # an emulated compiler compiles all kernels, when this is run for the first time


def test_arm64s_own_machine_code_gives_everybodys_bytes() -> None:
    if shutil.which(EMULATOR) is None:
        pytest.skip("no qemu-user-static; make sameness-tools installs it")
    try:
        root = root_with(KEPT / "debian-arm64", SUITE, "arm64", f"python{VERSION}")
    except UNREACHABLE as error:
        pytest.skip(f"no Python for arm64 is to be had here: {error}")
    command = [EMULATOR, "-L", str(root), str(root / f"usr/bin/python{VERSION}")]
    told = digests(Interpreter(VERSION, command, f"of Debian {SUITE} for arm64"), "locked", "aarch64", SECONDS)
    sys.stdout.write(f"{told}\n")
    assert (told["machine"], told["kernels"]) == ("aarch64", "generic")
    assert told["wrong"] == []
