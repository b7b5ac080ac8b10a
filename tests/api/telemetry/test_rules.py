"""Alerts and the dashboard ask for metrics that exist, and alerts fire when they should: by Prometheus's own tool."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.telemetry.scraped import families
from tests.conftest import ROOT

ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/initserve.json"
SCENES = Path(__file__).with_name("alerts.yml")
METRIC = re.compile(r"\b((?:initserve|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
EXPRESSION = re.compile(r"^        expr: (?:>-\n((?:          .*\n)+)|(.*)\n)", re.MULTILINE)
GROUPED = re.compile(r"by \(([^)]*)\)")
GIVEN = {"instance", "job", "le"}  # by Prometheus itself, and by every histogram
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (make promtool)")


def alerts() -> list[str]:
    return [one or many for many, one in EXPRESSION.findall(ALERTS.read_text())]


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target


def asked_for() -> list[str]:
    return [*alerts(), *(target["expr"] for _, target in targets())]


@pytest.fixture(scope="module")
def labels(server: str) -> dict[str, set[str]]:
    """Every sample's name with the labels that it has on a server that has done a little of everything."""
    httpx.post(f"{server}/init?format=npz", json={"seed": 1, "layers": [{"type": "dense", "shape": [900, 900]}]})
    httpx.post(f"{server}/init", json={"seed": 1, "layers": [{"type": "dense", "shape": [10**6, 10**6]}]})
    httpx.post(f"{server}/diagnose", json={"seed": 1, "layers": [{"type": "dense", "shape": [9, 9]}]})
    found: dict[str, set[str]] = {}
    for family in families(server).values():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_alert_and_panel_asks_for_metrics_and_labels_that_there_are(labels: dict[str, set[str]]) -> None:
    assert len(alerts()) == ALERTS.read_text().count("- alert:") >= 10
    for expression in asked_for():
        names = METRIC.findall(expression)
        assert names or expression.startswith("up{"), expression
        there = GIVEN.union(*(labels.get(name, set()) for name, _ in names))
        for name, matchers in names:
            assert name in labels, expression
            wanted = set(re.findall(r"([a-z_]+)(?:=~|!=|=)", matchers))
            assert wanted <= labels[name] | GIVEN, expression
        for grouped in GROUPED.findall(expression):
            assert set(grouped.split(", ")) <= there, expression


def test_every_metric_of_the_service_is_on_the_dashboard(labels: dict[str, set[str]]) -> None:
    shown = " ".join(target["expr"] for _, target in targets())
    own = {re.sub(r"_(bucket|sum|count)$", "", name) for name in labels if name.startswith("initserve_")}
    assert [name for name in sorted(own) if name not in shown] == []


def test_labels_that_a_legend_shows_are_those_that_its_expression_leaves() -> None:
    for title, target in targets():
        grouped = GROUPED.search(target["expr"])
        left = set(grouped[1].split(", ")) if grouped else {"instance"}
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= left, title


def test_panels_stand_side_by_side_and_never_on_each_other() -> None:
    places: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places
        places |= cells


def promtool(*arguments: str | Path, given: str = "") -> str:
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_promtool
def test_every_alert_fires_when_it_should_and_none_on_an_ordinary_day() -> None:
    promtool("check", "rules", ALERTS)
    promtool("test", "rules", SCENES)
    tried = set(re.findall(r'alertname="(\w+)"', SCENES.read_text()))
    assert tried == set(re.findall(r"- alert: (\w+)", ALERTS.read_text()))


@needs_promtool
def test_every_panel_s_expression_is_one_of_prometheus(tmp_path: Path) -> None:
    expressions = [target["expr"].replace("$__rate_interval", "5m") for _, target in targets()]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(expressions)]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))  # JSON is YAML
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


@needs_promtool
def test_prometheus_s_own_linter_has_nothing_to_say_of_the_metrics(server: str) -> None:
    assert promtool("check", "metrics", given=httpx.get(f"{server}/metrics").text) == ""
