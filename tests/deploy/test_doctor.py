"""What `initserve doctor` finds: each fault made on purpose, and told in words that say what to do."""

import os
import resource
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from numba.core import config

from service.api.door.keys import new_key
from service.cgroups import Limits
from service.cli import main
from service.doctor import clock, exposure, kernels, limits
from service.doctor.environment import of_the_environment
from service.doctor.findings import Finding, summary
from service.doctor.listening import of_listening
from service.doctor.store import of_the_store
from service.settings import Settings

GIB = 2**30


class Group(Limits):
    """A control group of given limits."""

    def __init__(self, memory: int | None = None, threads: int | None = None) -> None:
        self._memory, self._threads = memory, threads

    def memory(self) -> int | None:
        return self._memory

    def threads(self) -> int | None:
        return self._threads


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("INITSERVE_")]:
        monkeypatch.delenv(name)


def told(findings: Iterator[Finding], level: str, about: str) -> str:
    """Return what is said at a level about something; "" for nothing."""
    return " ".join(finding.text for finding in findings if (finding.level, finding.about) == (level, about))


@pytest.mark.parametrize(
    ("variables", "level", "said"),
    [
        ({"INITSERVE_MAX_LAYRES": "5"}, "wrong", "INITSERVE_MAX_LAYERS"),
        ({"INITSERVE_SECRET_SAUCE": "1"}, "wrong", "no setting"),
        ({"INITSERVE_SERVICE_HOST": "10.96.0.7"}, "warning", "enableServiceLinks"),
        ({"INITSERVE_PORT_80_TCP_ADDR": "10.96.0.7"}, "warning", "enableServiceLinks"),
        ({"FORWARDED_ALLOW_IPS": "*"}, "warning", "INITSERVE_TRUSTED_PROXIES"),
        (
            {"INITSERVE_MAX_LAYERS": "5", "initserve_port": "80", "INITSERVE_KEY": "of a client", "PATH": "/bin"},
            "wrong",
            "",
        ),
    ],
)
def test_a_variable_that_sets_nothing_is_told(variables: Mapping[str, str], level: str, said: str) -> None:
    found = told(of_the_environment(variables), level, "environment")
    assert said in found if said else not found


@pytest.mark.parametrize(
    ("settings", "allowed", "level"),
    [
        ({}, 4 * GIB, "wrong"),
        ({}, 5 * GIB, "fine"),
        ({"max_standing_bytes_in_flight": GIB}, 4 * GIB, "fine"),
        ({"max_bytes_in_flight": 2**60}, None, "wrong"),  # the machine's own memory
    ],
)
def test_limits_above_the_control_groups_memory_are_wrong(
    settings: Mapping[str, Any], allowed: int | None, level: str
) -> None:
    (found,) = limits.of_memory(Settings(**settings), allowed)
    assert found.level == level
    assert f"{(allowed or limits.memory_of_the_machine() or 0) // 2**20:,} MiB" in found.text


def test_more_threads_than_there_may_be_or_can_run_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "processors", lambda: 2)
    assert "on 2 processors" in told(limits.of_threads(Settings(drawing_threads=8), None), "warning", "processors")
    assert told(limits.of_the_limits(Settings(), Group(threads=32)), "wrong", "threads")
    assert not told(limits.of_the_limits(Settings(), Group(threads=512)), "wrong", "threads")
    assert not list(limits.of_threads(Settings(drawing_threads=2), None))


def test_more_connections_than_files_may_be_opened_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 1024))
    found = told(limits.of_files(Settings(max_connections=4096)), "warning", "files")
    assert "1,024" in found
    assert "LimitNOFILE" in found
    assert not list(limits.of_files(Settings(max_connections=512)))


def test_a_limit_within_a_smaller_one_is_told() -> None:
    settings = Settings(max_standing_bytes=GIB, max_standing_bytes_in_flight=GIB // 2)
    assert told(limits.of_the_limits(settings, Group()), "warning", "limits")


@pytest.mark.parametrize(
    ("unkept", "missing", "disagreements", "level", "about"),
    [
        (True, [], [], "warning", "kernels"),
        (False, ["service.stream.kernels"], [], "warning", "kernels"),
        (False, [], ["he_normal"], "wrong", "digests"),
        (False, [], [], "fine", "kernels"),
    ],
)
def test_a_processor_without_kernels_and_other_bytes_are_told(
    monkeypatch: pytest.MonkeyPatch, unkept: bool, missing: list[str], disagreements: list[str], level: str, about: str
) -> None:
    monkeypatch.setattr(config, "CPU_NAME", "x86-64-v3")
    monkeypatch.setattr(kernels, "levels", lambda: {"x86-64-v3": ()})
    monkeypatch.setattr(kernels, "unkept", lambda: unkept)
    monkeypatch.setattr(kernels, "missing", lambda: missing)
    monkeypatch.setattr(kernels, "disagreements", lambda: disagreements)
    (found,) = kernels.of_the_kernels()
    assert (found.level, found.about) == (level, about)


@pytest.mark.parametrize(("name", "said"), [("x86-64", "AVX2"), ("znver9", "NUMBA_CPU_NAME")])
def test_a_slow_or_unknown_level_of_processor_is_told(monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    monkeypatch.setattr(config, "CPU_NAME", name)
    monkeypatch.setattr(kernels, "levels", lambda: {"x86-64": ()})
    monkeypatch.setattr(kernels, "unkept", lambda: False)
    monkeypatch.setattr(kernels, "missing", list)
    assert said in told(kernels.of_the_kernels(), "warning", "processor")


def test_a_clock_from_before_the_installation_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert "1970-01-01" in told(clock.of_the_clock(), "wrong", "clock")


@pytest.mark.parametrize(("synchronised", "level"), [(False, "warning"), (True, "fine"), (None, "fine")])
def test_a_clock_that_nothing_keeps_to_the_time_is_told(
    monkeypatch: pytest.MonkeyPatch, synchronised: bool | None, level: str
) -> None:
    monkeypatch.setattr(clock, "synchronised", lambda: synchronised)
    assert told(clock.of_the_clock(), level, "clock")


def test_a_slow_source_of_the_clock_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "source").write_text("hpet\n")
    monkeypatch.setattr(clock, "SOURCE", tmp_path / "source")
    assert "hpet" in told(clock.of_the_clock(), "warning", "clock")


def test_whether_the_clock_is_kept_is_asked_without_setting_it() -> None:
    before = time.time()
    assert clock.synchronised() in (True, False, None)
    assert abs(time.time() - before) < 60.0


def test_an_address_that_is_taken_or_not_of_this_machine_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert told(of_listening(Settings(port=port)), "warning", "address")
    assert told(of_listening(Settings(port=port)), "fine", "address")
    assert told(of_listening(Settings(host="192.0.2.1", port=port)), "wrong", "address")  # of documentation's network


@pytest.mark.parametrize(
    ("settings", "level", "about", "said"),
    [
        ({"host": "0.0.0.0"}, "warning", "proxy", "all its clients are one"),
        ({"host": "::"}, "warning", "proxy", "all its clients are one"),
        ({"host": "0.0.0.0", "trusted_proxies": "10.0.0.0/8, ::/0"}, "wrong", "proxy", "::/0"),
        ({"host": "0.0.0.0", "trusted_proxies": "10.0.0.0/8"}, "warning", "proxy", ""),
        ({"host": "127.0.0.1"}, "warning", "proxy", ""),
        ({"host": "localhost"}, "warning", "proxy", ""),
    ],
)
def test_proxies_are_missed_where_others_than_this_machine_come(
    settings: Mapping[str, Any], level: str, about: str, said: str
) -> None:
    found = told(exposure.of_exposure(Settings(**settings)), level, about)
    assert said in found if said else not found


def test_serving_others_as_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, expected in ((0, True), (10001, False)):
        monkeypatch.setattr(os, "geteuid", lambda number=number: number)
        assert bool(told(exposure.of_exposure(Settings(host="0.0.0.0")), "warning", "user")) is expected


@pytest.mark.parametrize(
    ("settings", "warned"),
    [({}, True), ({"operations_port": 9}, False), ({"open_scopes": "read,weights"}, False), ({"host": "::1"}, False)],
)
def test_metrics_that_anybody_may_read_are_told(settings: Mapping[str, Any], warned: bool) -> None:
    found = exposure.of_exposure(Settings.model_validate({"host": "0.0.0.0", **settings}))
    assert bool(told(found, "warning", "metrics")) is warned


@pytest.mark.parametrize(
    ("settings", "warned"),
    [({}, True), ({"max_processor_seconds_per_minute": 60}, False), ({"host": "127.0.0.1"}, False)],
)
def test_clients_that_may_take_all_there_is_are_told(settings: Mapping[str, Any], warned: bool) -> None:
    found = exposure.of_exposure(Settings.model_validate({"host": "0.0.0.0", **settings}))
    assert bool(told(found, "warning", "clients")) is warned


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trusted_proxies": "10.0.0.0/40"}, "INITSERVE_TRUSTED_PROXIES"),
        ({"open_scopes": "everything"}, "INITSERVE_OPEN_SCOPES"),
        ({"api_keys_file": "/nowhere/keys"}, "INITSERVE_API_KEYS_FILE"),
        ({"operations_port": 8000}, "INITSERVE_OPERATIONS_PORT"),
    ],
)
def test_settings_that_name_what_cannot_be_are_told_by_their_variable(settings: Mapping[str, Any], said: str) -> None:
    assert said in told(exposure.of_exposure(Settings(**settings)), "wrong", "access")


@pytest.mark.parametrize(
    ("mode", "level"), [(0o600, ""), (0o640, ""), (0o644, "warning"), (0o664, "wrong"), (0o602, "wrong")]
)
def test_a_file_of_keys_that_others_may_read_or_write_is_told(tmp_path: Path, mode: int, level: str) -> None:
    file = tmp_path / "keys"
    file.write_text(new_key("somebody", ["weights"])[1] + "\n")
    file.chmod(mode)
    found = [(finding.level, finding.about) for finding in exposure.of_exposure(Settings(api_keys_file=str(file)))]
    assert found == ([(level, "keys")] if level else [])


def test_a_socket_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    def of(path: Path | str) -> list[str]:
        return [finding.level for finding in of_listening(Settings(host="", socket=str(path)))]

    (tmp_path / "file").write_text("")
    assert of(tmp_path / "socket") == ["fine"]
    assert of(tmp_path / "file") == of(tmp_path / "nowhere/socket") == of(tmp_path / ("x" * 120)) == ["wrong"]
    (tmp_path / "link").symlink_to(tmp_path / "socket")  # to nothing; the server takes no link either
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "other"))
        (tmp_path / "link-to-one").symlink_to(tmp_path / "other")
        assert of(tmp_path / "link") == of(tmp_path / "link-to-one") == ["wrong"]
    assert [finding.level for finding in of_listening(Settings(host=""))] == ["wrong"]


def test_more_processes_than_processors_and_no_time_to_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "processors", lambda: 2)
    assert told(limits.of_the_limits(Settings(processes=4), Group()), "warning", "processes")
    settings = Settings(drain_seconds=25, shutdown_seconds=25)
    assert "DRAIN_SECONDS" in told(limits.of_the_limits(settings, Group()), "warning", "limits")
    one, four = (next(limits.of_memory(Settings(processes=count), 5 * GIB)) for count in (1, 4))
    assert (one.level, four.level) == ("fine", "wrong")


def test_a_store_that_cannot_be_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    assert not list(of_the_store(Settings()))
    assert told(of_the_store(Settings(specs=str(tmp_path / "folder"))), "fine", "specs")
    assert told(of_the_store(Settings(specs=str(tmp_path / "file/folder"))), "wrong", "specs")
    monkeypatch.setattr(os, "access", lambda place, how: False)
    assert told(of_the_store(Settings(specs=str(tmp_path / "folder"))), "wrong", "specs")


def test_the_command_ends_with_1_if_anything_is_wrong_and_with_0_for_warnings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "disagreements", list)
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--port=0", f"--max-bytes-in-flight={2**60}"])
    assert ended.value.code == 1
    assert "wrong    memory: " in capsys.readouterr().out
    main(["doctor", "--port=0", f"--max-bytes-in-flight={2**26}"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 wrong, ")


def test_warnings_are_counted() -> None:
    found = [
        Finding("warning", "a", ""),
        Finding("wrong", "b", ""),
        Finding("warning", "c", ""),
        Finding("fine", "", ""),
    ]
    assert summary(found) == "1 wrong, 2 warnings"
    assert summary(found[:1]) == "0 wrong, 1 warning"
