"""The first screen: what it claims of a bad start and its repair is what the service measures; its ways lead on."""

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.pages.reader import IN_CHROMIUM, PHONE, Reader, module, serious_violations, settle, shoot, spec, verdict

pytestmark = IN_CHROMIUM


def called(page: Page, expression: str) -> Any:
    """Return what an expression on the module of signals comes to."""
    return module(page, "home/signal.js", expression)


def measured(server: str, network: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.post(f"{server}/diagnose", json=network, timeout=60).raise_for_status().json()
    return answer


def sizes(diagnosis: dict[str, Any], way: str) -> list[float]:
    return [layer[way]["rms"] for layer in diagnosis["layers"]]


def test_what_is_drawn_is_what_the_service_measures(reader: Reader) -> None:
    """Whatever the deviation: a ReLU network's sizes go with its powers, so one measurement tells them all."""
    page = reader.open("/")
    fates = {"fades": "low-gradient", "arrives": "normal", "explodes": "steep"}
    for stddev in (0.02, 0.05, 0.1, 0.1414, 0.2, 0.5):
        network = called(page, f"m.networkOf({{ name: 'random_normal', stddev: {stddev} }})")
        drawn = called(page, f"m.scaledTo({stddev})")
        found = measured(reader.server, network)
        assert drawn["signal"] == pytest.approx(sizes(found, "forward"), rel=6e-3)
        assert drawn["gradient"] == pytest.approx(sizes(found, "backward"), rel=6e-3)
        assert fates[called(page, f"m.fateOf(m.scaledTo({stddev}))")] == found["verdict"]
    repair = measured(reader.server, called(page, "m.networkOf('he_normal')"))
    assert called(page, "m.repaired().signal") == pytest.approx(sizes(repair, "forward"), rel=6e-3)
    assert called(page, "m.repaired().gradient") == pytest.approx(sizes(repair, "backward"), rel=6e-3)
    assert repair["verdict"] == "normal"


def test_the_repair_is_what_the_service_proposes(reader: Reader) -> None:
    page = reader.open("/")
    bad = called(page, "m.networkOf({ name: 'random_normal', stddev: 0.05 })")
    proposed = measured(reader.server, bad)["try"]
    planned = httpx.post(f"{reader.server}/plan", json=proposed).json()["layers"]
    assert {layer["parameters"][0]["scheme"]["name"] for layer in planned[:-1]} == {"he_normal"}


def test_the_page_shows_its_picture_before_any_script(reader: Reader) -> None:
    """The bars that stand in the page are those that its script would draw."""
    page = reader.window(java_script_enabled=False)
    page.goto(reader.server)
    expect(page.get_by_role("heading", level=1)).to_have_text("The same initial weights, everywhere.")
    still = page.locator("svg.signal path").evaluate_all("paths => paths.map((path) => path.getAttribute('d'))")
    other = reader.open("/")
    drawn = other.locator("svg.signal path").evaluate_all("paths => paths.map((path) => path.getAttribute('d'))")
    assert still == drawn
    told = page.locator("#start-signal-told").inner_text()
    assert told.startswith("One part in 650 million of the signal is left after 20 layers")
    expect(other.locator("#start-signal-told")).to_have_text(told)


def test_the_scale_moves_the_picture_and_the_link_carries_it(reader: Reader) -> None:
    page = reader.open("/")
    slider = page.get_by_label("Move σ")
    before = page.locator("#start-signal path.dim").first.get_attribute("d")
    slider.fill("100")
    expect(page.locator("#start-signal-told")).to_contain_text("too large")
    assert page.locator("#start-signal path.dim").first.get_attribute("d") != before
    slider.fill("73")
    expect(page.locator("#start-title")).to_have_text("A network that starts well")
    settle(page)
    again = reader.open(page.url)
    expect(again.locator("#start-title")).to_have_text("A network that starts well")
    again.get_by_role("button", name="Open the first network").click()
    settle(again)
    expect(verdict(again)).to_have_text("Normal zone")
    assert spec(again)["layers"][0]["scheme"]["name"] == "random_normal"
    again.get_by_role("link", name="initserve").click()
    expect(again.get_by_role("heading", level=1)).to_be_visible()


def test_its_ways_lead_on(reader: Reader) -> None:
    page = reader.open("/")
    page.get_by_role("link", name="Try your own network").click()
    settle(page)
    expect(verdict(page)).to_have_text("Normal zone")
    page.go_back()
    page.get_by_role("link", name="Compare these two").click()
    settle(page)
    expect(page.locator(".side-a h4")).to_have_text("Low-gradient zone")
    expect(page.locator(".side-b h4")).to_have_text("Normal zone")


def test_what_the_service_returns_is_one_tap_away(reader: Reader) -> None:
    """The shown requests are answered as they stand, and the browser's own weights are the service's."""
    page = reader.open("/", viewport=PHONE)
    page.locator(".returns > summary").click()
    expect(page.locator(".agreement")).to_contain_text("The service gives the same bytes")
    for shown in page.locator(".returns pre").all_inner_texts():
        path = re.search(r"localhost:8000(/[^' ]*)", shown)
        body = re.search(r"--json '(.*)'", shown, re.DOTALL)
        assert path
        assert body
        answer = httpx.post(reader.server + path[1], json=json.loads(body[1]), timeout=60)
        assert answer.status_code == 200
    link = page.locator("#home-link a").get_attribute("href")
    assert httpx.get(str(link)).status_code == 200


@pytest.mark.parametrize("language", ["en-GB", "es-CL"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(reader: Reader, theme: str, language: str) -> None:
    page = reader.open("/", color_scheme=theme, locale=language)
    page.locator(".returns > summary").click()
    expect(page.locator(".agreement")).to_be_visible()
    shoot(page, f"home-{theme}-{language[:2]}")
    if language == "en-GB":  # the switch offers the other one
        other = {"light": "Dark", "dark": "Light"}[theme]
        expect(page.get_by_role("button", name=f"{other} theme")).to_be_visible()
    assert serious_violations(page) == []
    page.set_viewport_size(PHONE)
    settle(page)
    shoot(page, f"home-phone-{theme}-{language[:2]}")
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_is_asked_about_a_network_that_is_not_looked_at(reader: Reader) -> None:
    page = reader.open("/")
    page.locator("#tab-lessons").click()
    page.wait_for_timeout(1000)
    asked = {request.url.removeprefix(reader.server).split("?")[0] for request in reader.requests}
    assert not asked & {"/init", "/diagnose", "/plan"}
    page.locator("#tab-diagnosis").click()
    settle(page)
    expect(verdict(page)).to_have_text("Normal zone")


def test_motion_stops_when_asked(reader: Reader) -> None:
    page = reader.open("/")
    page.get_by_role("button", name="Stop the motion").click()
    expect(page.get_by_role("button", name="Let it move")).to_be_visible()
    still = reader.open("/", reduced_motion="reduce")
    expect(still.get_by_role("button", name="Let it move")).to_be_visible()
    assert still.evaluate("document.getAnimations().length") == 0
