"""What the service is made of: its audit tells vulnerable packages from unknown ones, its list has all of the lock."""

import re

import pytest

from supply import audit, sbom
from tests.conftest import ROOT


def test_a_vulnerability_is_told_with_what_mends_it_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As pip-audit's documentation shows its JSON."""
    sound = {"name": "flask", "version": "3.1.0", "vulns": []}
    faulty = {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}]}
    unknown = {"name": "private", "skip_reason": "Dependency not found on PyPI"}
    for packages, required, status, said in (
        ([sound], "1", 0, "1 of 1 packages looked up, 0 vulnerabilities"),
        ([sound, faulty], "", 1, "jinja2 2.4.1: PYSEC-2019-217, mended in 2.10.1"),
        ([sound, unknown], "", 0, "nothing could be learnt of private"),
        ([sound, unknown], "1", 1, "nothing could be learnt of private"),
    ):
        monkeypatch.setenv("REQUIRE", required)
        monkeypatch.setattr(audit, "found_in", lambda lock, packages=packages: packages)
        assert audit.main(["run.txt"]) == status
        assert said in capsys.readouterr().out


def test_what_the_pages_carry_along_is_listed_as_what_it_is() -> None:
    carried = {each["name"]: each["version"] for each in sbom.carried()}
    bundle = (ROOT / "service/pages/swagger/swagger-ui-bundle.js").read_text()
    assert re.findall(r'PACKAGE_VERSION:"([^"]+)"', bundle) == [carried["swagger-ui-dist"]]
    assert f"Inter {carried['inter-ui']}," in (ROOT / "service/pages/playground/frame/fonts/LICENSE").read_text()


def test_the_list_depends_on_all_that_is_in_it() -> None:
    document = {
        "metadata": {"component": {"bom-ref": "root-component", "name": "initserve"}},
        "components": [{"bom-ref": "requirements-L1", "name": "numpy", "version": "2.4"}],
        "dependencies": [{"ref": "requirements-L1"}, {"ref": "root-component"}],
    }
    made = sbom.completed(document)
    assert [each["name"] for each in made["components"]] == ["inter-ui", "numpy", "swagger-ui-dist"]
    depends = {each["ref"]: each.get("dependsOn", []) for each in made["dependencies"]}
    assert set(depends["root-component"]) == {each["bom-ref"] for each in made["components"]}
    assert len(depends) == len(made["dependencies"]) == 4


def test_the_locks_of_what_runs_name_no_place_and_hash_every_package() -> None:
    for name in ("run", "supply"):
        lock = (ROOT / f"requirements/{name}.txt").read_text()
        assert "://" not in lock
        packages = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
        assert all(re.fullmatch(r"[\w.-]+==[\w.!+-]+( ; .+)? \\", line) for line in packages), packages[:3]
        assert len(re.findall("--hash=sha256:[0-9a-f]{64}", lock)) >= len(packages)
