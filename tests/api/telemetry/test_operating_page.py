"""docs/operating.md says what every metric, phase, member of a log, attribute and alert means, and of no other."""

import io
import json
import logging
import re
from typing import Any

import httpx
import pytest

from service.api.door.accounts import Accounts
from service.api.door.clients import Client
from service.api.door.visits import Visit
from service.api.telemetry.identity import Identity
from service.api.telemetry.logs import Json
from service.api.telemetry.metrics import ABORTED, OUTCOMES
from service.api.telemetry.phases import PHASES, Phase
from service.api.telemetry.requests import members
from service.api.telemetry.spans import attributes
from tests.api.telemetry.scraped import families
from tests.conftest import ROOT

PAGE = (ROOT / "docs/operating.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table that comes first after a heading or a sentence."""
    lines = PAGE[PAGE.index(heading) :].split("\n")
    table = lines[next(number for number, line in enumerate(lines) if line.startswith("|")) :]
    end = next((number for number, line in enumerate(table) if not line.startswith("|")), len(table))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:end]]


def named(heading: str) -> list[str]:
    return [name for first, *_ in rows(heading) for name in re.findall(r"`([^`]+)`", first)]


def test_every_metric_is_told_with_its_kind_and_its_labels(client: httpx.Client, server: str) -> None:
    client.post("/init?format=npz", json={"seed": 1, "layers": [{"type": "dense", "shape": [900, 900]}]})
    client.post("/init", json={"seed": 1, "layers": [{"type": "dense", "shape": [10**6, 10**6]}]})
    client.post("/diagnose", json={"seed": 1, "layers": [{"type": "dense", "shape": [9, 9]}]})
    told = {cells[0].strip("`"): (cells[1], set(cells[2].split(", ")) - {""}) for cells in rows("## Metrics")}
    there: dict[str, tuple[str, set[str]]] = {}
    for name, family in families(server).items():
        kind, labels = family.type, {label for sample in family.samples for label in sample.labels} - {"le"}
        suffix = {"counter": "_total", "info": "_info"}.get(kind, "")
        there[name + suffix] = ("gauge" if kind == "info" else kind, labels)
    assert told == there


def test_the_words_that_labels_take_are_told() -> None:
    for metric, words in (("initserve_answers_total", OUTCOMES), ("initserve_aborted_streams_total", ABORTED)):
        meaning = next(cells[3] for cells in rows("## Metrics") if metric in cells[0])
        assert [word for word in words if f"`{word}`" not in meaning] == []


def test_every_reason_that_the_code_has_for_a_refusal_is_told() -> None:
    source = "".join(path.read_text() for path in (ROOT / "service/api").rglob("*.py"))
    made = r'(?:reason="|busy\([^)]*?, "|too_many\(detail, "|refusal\(str\(full\), "|Budget\([^,]*, ")([a-z-]+)"'
    reasons = set(re.findall(made, source))
    assert {"memory", "line-full", "connections", "processor-seconds"} <= reasons
    (meaning,) = (cells[3] for cells in rows("## Metrics") if "rejections" in cells[0])
    assert reasons == set(re.findall(r"`([a-z-]+)`", meaning)) - {"too-large"}


def test_every_phase_is_told() -> None:
    assert named("`Server-Timing`") == list(PHASES)


def test_every_phase_that_the_code_has_is_one_of_these() -> None:
    source = "".join(path.read_text() for path in (ROOT / "service").rglob("*.py"))
    assert set(re.findall(r'(?:\.phase|went_by|Phase)\("([a-z]+)"', source)) == {*PHASES, "send"}


def everything() -> dict[str, Any]:
    """Return a line of the log that has all that there is."""
    visit = Visit(
        Client("192.0.2.1"),
        Identity("a", "b"),
        Accounts(1, 0),
        began=1.0,
        answered=2.0,
        status=500,
        problem="internal-error",
    )
    visit.phases += [Phase(name, 1.0, 2.0) for name in PHASES]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Json())
    logger = logging.Logger("initserve.access")
    logger.addHandler(handler)
    try:
        raise ValueError
    except ValueError as error:
        fields = members(visit, "GET", "/", 1.0, "complete")
        logger.error("x", exc_info=error, extra={"fields": fields, "identity": visit.identity})
    line: dict[str, Any] = json.loads(stream.getvalue())
    return line


def test_every_member_of_a_log_is_told() -> None:
    assert set(named("## Logs")) - {"logger"} == everything().keys() - {"logger"}


def test_every_attribute_of_a_span_is_told() -> None:
    visit = Visit(Client("192.0.2.1"), Identity("a", "b"), Accounts(1, 0))
    assert named("## Traces") == [*attributes({"http_version": "1.1"}, visit, "GET", "/"), "error.type"]


def test_every_alert_is_told() -> None:
    alerts = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    assert named("## Alerts") == re.findall(r"- alert: (\w+)", alerts)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:INITSERVE_)([A-Z_]+)", PAGE))))
def test_every_setting_that_is_named_is_one(name: str) -> None:
    assert f"`INITSERVE_{name}`" in (ROOT / "docs/settings.md").read_text()
