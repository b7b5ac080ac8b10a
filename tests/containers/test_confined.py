"""What a container may do: as nobody, writing nowhere, reaching nobody, within its memory."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from service.doctor.limits import of_memory
from service.settings import Settings
from tests.containers.fleet import Fleet, docker, inside, inspected, status_of, wait_until_healthy
from tests.containers.test_serving import ASKS, LENET, made_here
from tests.deploy.test_systemd import UNIT

WRITES = """
import sys
for place in sys.argv[1:]:
    try: open(place + "/x", "w")
    except OSError as error: print(error.errno)
"""
READ_ONLY = 30  # EROFS


def test_nobody_is_root_or_has_a_capability(fleet: Fleet) -> None:
    for container in fleet.everything:
        status = status_of(container)
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        users = set(status["Uid"].split())
        assert users == ({"10001"} if container in fleet.replicas else {"101"})


def test_nothing_can_be_written(fleet: Fleet) -> None:
    for container in fleet.replicas:
        said = inside(container, "python", "-c", WRITES, "/app", "/app/service", "/tmp", "/var/tmp", "/")
        assert {int(number) for number in said.split()} == {READ_ONLY}
    for container in fleet.everything:
        assert inspected(container)["HostConfig"]["ReadonlyRootfs"] is True


def test_replicas_have_no_way_out(fleet: Fleet) -> None:
    for container in fleet.replicas:
        _, *routes = inside(container, "cat", "/proc/net/route").splitlines()
        destinations = {route.split()[1] for route in routes}
        assert destinations, "there is the network inside"
        assert "00000000" not in destinations, "there is a default route"


def test_the_doctor_finds_nothing_wrong_in_a_replica(fleet: Fleet) -> None:
    said = inside(fleet.replicas[0], "initserve", "doctor")
    assert said.splitlines()[-1].startswith("0 wrong, ")
    assert "the control group allows 4,096 MiB" in said
    assert "all compiled; the golden digests" in said
    warned = {line.split()[1] for line in said.splitlines() if line.startswith("warning ")}
    assert warned <= {"address:", "clock:"}, "what listens there is the replica, and the clock is the machine's"


def test_memory_is_bounded_and_covers_what_requests_may_hold(fleet: Fleet) -> None:
    for container in fleet.everything:
        host = inspected(container)["HostConfig"]
        assert 0 < host["Memory"] <= 4 * 2**30
        assert 0 < host["PidsLimit"] <= 256
        assert host["LogConfig"]["Type"] == "local"  # which turns its files over
    variables = dict(each.split("=", 1) for each in inspected(fleet.replicas[0])["Config"]["Env"])
    standing = int(variables["INITSERVE_MAX_STANDING_BYTES_IN_FLIGHT"])
    (memory,) = of_memory(Settings(max_standing_bytes_in_flight=standing), 4 * 2**30)
    assert memory.level == "fine"


def test_another_user_without_home_in_another_zone_gets_the_same_bytes(fleet: Fleet) -> None:
    odd = ["--env=HOME=", "--env=TZ=Asia/Kathmandu", "--env=LC_ALL=tr_TR.UTF-8", "--env=PYTHONHASHSEED=7"]
    run = ["run", "--rm", "--read-only", "--cap-drop=ALL", "--network=none", "--user=4242:4242", *odd]
    assert "the golden digests agree" in docker(*run, "initserve", "check")


# What is in an image is what somebody who got into it has.
UNNEEDED = """
import importlib.util, os, shutil, stat
programs = ["pip", "gcc", "cc", "make", "git", "curl", "wget", "nc", "ssh", "gdb", "strace"]
modules = ["pip", "setuptools", "wheel", "ensurepip", "pytest", "hypothesis", "mypy", "numpy.tests", "numba.tests"]
places = ["/app/tests", "/app/docs", "/app/.git", "/app/requirements/test.txt", "/root/.cache"]
found = [name for name in programs if shutil.which(name)]
found += [name for name in modules if importlib.util.find_spec(name)]
found += [place for place in places if os.path.exists(place)]
for folder, _, files in os.walk("/"):
    if folder.startswith(("/proc", "/sys")):
        continue
    for path in (os.path.join(folder, file) for file in files):
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            found.append(path)
print(*found)
"""


def test_the_image_holds_nothing_that_serving_does_not_need(fleet: Fleet) -> None:
    assert inside(fleet.replicas[0], "python", "-c", UNNEEDED).split() == []


def named(group: str) -> set[str]:
    """Return the system calls of one of systemd's groups, those of the groups that it has in it included."""
    told = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", group],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "SYSTEMD_COLORS": "0"},
    ).stdout
    names = [line.strip() for line in told.splitlines()[1:] if not line.strip().startswith("#")]
    return {call for name in names if name for call in (named(name) if name.startswith("@") else {name})}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_the_system_calls_that_the_systemd_unit_allows_are_enough(fleet: Fleet, tmp_path: Path) -> None:
    allowed, denied = re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.MULTILINE)
    # What starts a container may do more than what then runs in it, and is held to the same here.
    calls = (named(allowed) - named(denied.removeprefix("~"))) | {"capset", "setuid", "setgid", "setgroups"}
    rule = {"names": sorted(calls), "action": "SCMP_ACT_ALLOW"}
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [rule]}
    (tmp_path / "profile.json").write_text(json.dumps(profile))
    confined = [
        "--read-only",
        "--cap-drop=ALL",
        "--network=none",
        f"--security-opt=seccomp={tmp_path / 'profile.json'}",
    ]
    container = docker("run", "--detach", *confined, "initserve").strip()
    try:
        wait_until_healthy(container)
        said = inside(container, "python", "-c", ASKS, "/init?format=safetensors", LENET.decode())
        assert said.strip() == hashlib.sha256(made_here(tmp_path, "safetensors")).hexdigest()
        docker("stop", "--time", "40", container)
        assert inspected(container)["State"]["ExitCode"] in (0, 128 + signal.SIGTERM)
    finally:
        docker("rm", "--force", container)
