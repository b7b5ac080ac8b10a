"""Every setting by flag, by variable and in the docs: one list, Settings, says all three."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.cli import main
from service.flags import WrongSettings, add_flags, given_flags, settings_of
from service.settings import Settings, flag_of, variable_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("INITSERVE_")]:
        monkeypatch.delenv(name)


def parsed(*arguments: str) -> dict[str, str | bool]:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return given_flags(parser.parse_args(arguments))


def another(name: str) -> Any:
    """Return a value of a setting that is not its default, within its bounds."""
    default = Settings.model_fields[name].default
    if isinstance(default, bool):
        return not default
    if isinstance(default, int | float):
        for value in (default - 1, default + 1):
            try:
                Settings.model_validate({name: value})
            except ValueError:
                continue
            return value
    return {"trusted_proxies": "10.0.0.0/8", "specs": "/srv/specs"}.get(name, f"/run/{name}")


def spelt(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag_of(name) if value else flag_of(name).replace("--", "--no-")]
    return [flag_of(name), str(value)]


PLAIN = [name for name, field in Settings.model_fields.items() if field.annotation in (bool, int, float)]


@pytest.mark.parametrize("name", PLAIN)
def test_a_setting_is_the_same_by_flag_and_by_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = another(name)
    by_flag = settings_of(parsed(*spelt(name, value)))
    monkeypatch.setenv(variable_of(name), str(value))
    assert by_flag == Settings()
    assert getattr(by_flag, name) == value != Settings.model_fields[name].default


def test_a_flag_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITSERVE_PORT", "9000")
    monkeypatch.setenv("INITSERVE_HOST", "0.0.0.0")
    settings = settings_of(parsed("--port=9001"))
    assert (settings.host, settings.port) == ("0.0.0.0", 9001)


def test_every_setting_stands_in_the_docs_and_in_the_help_with_its_flag_and_its_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (ROOT / "docs/settings.md").read_text()
    for command in ("serve", "doctor"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told = capsys.readouterr().out
        for name in Settings.model_fields:
            assert f"  {flag_of(name)}" in told
            assert variable_of(name) in told
            assert f"| `{variable_of(name)}` | `{flag_of(name)}` |" in page


def test_settings_that_cannot_be_are_told_by_the_name_they_were_set_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITSERVE_MAX_LAYERS", "many")
    with pytest.raises(WrongSettings) as wrong:
        settings_of(parsed("--port", "70000"))
    assert len(wrong.value.lines) == 2
    assert any(line.startswith("--port=70000: ") and "65535" in line for line in wrong.value.lines)
    assert any(line.startswith("INITSERVE_MAX_LAYERS=many: ") for line in wrong.value.lines)


def test_settings_that_cannot_be_together_are_told_in_words_of_their_own() -> None:
    with pytest.raises(WrongSettings) as wrong:
        settings_of(parsed("--processes", "64"))
    assert wrong.value.lines == ["max_bytes_in_flight is shared by 64 processes: at least 4,294,967,296 bytes"]


def test_nothing_is_announced_where_settings_name_what_cannot_be(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="INITSERVE_TRUSTED_PROXIES"):
        main(["serve", "--port", "0", "--trusted-proxies", "everybody"])
    assert capfd.readouterr().out == ""


def test_what_kubernetes_says_of_a_service_of_this_name_is_known_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITSERVE_PORT", "tcp://10.96.0.7:80")
    with pytest.raises(WrongSettings, match="enableServiceLinks"):
        settings_of({})


@pytest.mark.parametrize("command", [["serve"], ["doctor"], ["openapi"]])
def test_a_command_under_settings_that_cannot_be_ends_with_a_word_and_no_traceback(command: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "service", *command],
        env={**os.environ, "INITSERVE_STUCK_SECONDS": "-1"},
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert "INITSERVE_STUCK_SECONDS=-1" in run.stdout + run.stderr
    assert "Traceback" not in run.stderr
