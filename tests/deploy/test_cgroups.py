"""Limits of control groups, as both versions of the kernel's interface write them."""

from pathlib import Path

import pytest

from service import processors
from service.cgroups import Limits

GIB = 2**30
NO_LIMIT_OF_VERSION_1 = "9223372036854771712\n"


def limits(folder: Path, member_of: str, **files: str) -> Limits:
    for name, text in files.items():
        place = folder / "cgroup" / name.replace("__", "/").replace("_dot_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (folder / "member_of").write_text(member_of)
    return Limits(folder / "cgroup", folder / "member_of")


def test_the_least_of_the_groups_around_counts(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        "0::/kubepods/pod1/box\n",
        kubepods__memory_dot_max=f"{8 * GIB}\n",
        kubepods__pod1__memory_dot_max=f"{2 * GIB}\n",
        kubepods__pod1__box__memory_dot_max="max\n",
        kubepods__pod1__box__cpu_dot_max="250000 100000\n",
        kubepods__pod1__cpu_dot_max="max 100000\n",
        kubepods__pids_dot_max="max\n",
        kubepods__pod1__pids_dot_max="64\n",
    )
    assert (found.memory(), found.processors(), found.threads()) == (2 * GIB, 2.5, 64)


def test_a_container_may_see_its_own_group_as_the_whole(tmp_path: Path) -> None:
    found = limits(tmp_path, "0::/\n", memory_dot_max=f"{GIB}\n", cpu_dot_max="50000 100000\n")
    assert (found.memory(), found.processors(), found.threads()) == (GIB, 0.5, None)


def test_version_1_has_a_folder_a_controller_which_a_container_sees_under_its_hosts_path(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n8:pids:/\n1:name=systemd:/\n",
        memory__memory_dot_limit_in_bytes=f"{4 * GIB}\n",
        cpu__cpu_dot_cfs_quota_us="150000\n",
        cpu__cpu_dot_cfs_period_us="100000\n",
        pids__pids_dot_max="max\n",
    )
    assert (found.memory(), found.processors(), found.threads()) == (4 * GIB, 1.5, None)


def test_where_there_is_no_limit_none_is_told(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        "4:memory:/\n2:cpu:/\n0::/\n",
        memory__memory_dot_limit_in_bytes=NO_LIMIT_OF_VERSION_1,
        cpu__cpu_dot_cfs_quota_us="-1\n",
        cpu__cpu_dot_cfs_period_us="100000\n",
        memory_dot_max="max\n",
        cpu_dot_max="max 100000\n",
    )
    assert (found.memory(), found.processors(), found.threads()) == (None, None, None)
    assert Limits(tmp_path / "nowhere", tmp_path / "nothing").memory() is None


@pytest.mark.parametrize(("share", "threads"), [(None, 8), (0.5, 1), (2.0, 2), (2.5, 3), (64.0, 8)])
def test_as_many_processors_are_used_as_the_group_pays_for(
    monkeypatch: pytest.MonkeyPatch, share: float | None, threads: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)))
    monkeypatch.setattr(Limits, "processors", lambda limits: share)
    assert processors.processors() == threads
